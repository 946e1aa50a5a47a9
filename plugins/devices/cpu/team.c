/* team.c - a team of threads that walks a list of operations together. */
#define _GNU_SOURCE
#include "cpu.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS           4000 /* some microseconds: longer than the threads of a step drift apart */
#define FLUSH_DENORMALS 0x8040u

/* The last to come opens the next round; the others look at it a while, then sleep. */
static void barrier_wait(struct barrier *b, int threads)
{
    int round = atomic_load_explicit(&b->round, memory_order_relaxed);

    if (atomic_fetch_add_explicit(&b->waiting, 1, memory_order_acq_rel) == threads - 1) {
        atomic_store_explicit(&b->waiting, 0, memory_order_relaxed);
        atomic_store_explicit(&b->round, round + 1, memory_order_release);
        syscall(SYS_futex, &b->round, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&b->round, memory_order_acquire) != round)
            return;
        _mm_pause();
    }
    while (atomic_load_explicit(&b->round, memory_order_acquire) == round)
        syscall(SYS_futex, &b->round, FUTEX_WAIT_PRIVATE, round, NULL, NULL, 0);
}

static int walk(const struct op_list *list, const struct rn_block *b, struct barrier *barrier,
                int thread, int threads)
{
    unsigned mxcsr = _mm_getcsr();
    int status = RN_OK;

    _mm_setcsr(mxcsr | FLUSH_DENORMALS);
    for (int i = 0; i < list->n; i++) {
        if (list->op[i].barrier && threads > 1)
            barrier_wait(barrier, threads);
        int s = op_run(&list->op[i], b, thread, threads);
        status = s ? s : status;
    }
    _mm_setcsr(mxcsr);
    return status;
}

/* The runtime gave fewer threads than the slices were planned for: one does them all. */
static int walk_alone(const struct op_list *list, const struct rn_block *b, int threads)
{
    unsigned mxcsr = _mm_getcsr();
    int status = RN_OK;

    _mm_setcsr(mxcsr | FLUSH_DENORMALS);
    for (int i = 0; i < list->n; i++)
        for (int t = 0; t < threads; t++) {
            int s = op_run(&list->op[i], b, t, threads);
            status = s ? s : status;
        }
    _mm_setcsr(mxcsr);
    return status;
}

int team_run(const struct op_list *list, const struct rn_block *b, int threads)
{
    struct barrier barrier = {0};
    atomic_int status = RN_OK;

    omp_set_dynamic(0);
    omp_set_num_threads(threads); /* oneDNN looks at it when it is called outside a team */
    if (threads == 1)
        return walk(list, b, &barrier, 0, 1);
#pragma omp parallel num_threads(threads) default(none) shared(list, b, barrier, status, threads)
    {
        int s = RN_OK;

        if (omp_get_num_threads() == threads)
            s = walk(list, b, &barrier, omp_get_thread_num(), threads);
        else if (!omp_get_thread_num())
            s = walk_alone(list, b, threads);
        if (s)
            atomic_store(&status, s);
    }
    return status;
}

static int cgroup_limit(void)
{
    long long quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

    if (!f)
        return 0;
    int n = fscanf(f, "%lld %lld", &quota, &period);
    fclose(f);
    return n == 2 && quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int team_default_threads(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN)
                                                   : CPU_COUNT(&set);
    int limit = cgroup_limit();

    n = limit && limit < n ? limit : n;
    return n < 1 ? 1 : n;
}
