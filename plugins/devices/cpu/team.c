/* team.c - a team of threads that walks a list of operations together. They are ours, not OpenMP's:
 * libgomp's threads spin for milliseconds when a region ends, and where another process wants the
 * core that made an epoch ten times as long. oneDNN is told to use one thread in each of them. */
#define _GNU_SOURCE
#include "cpu.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPINS           1000 /* some 20 us: longer than the threads of a step drift apart */
#define FLUSH_DENORMALS 0x8040u
#define GO_HOME         UINT32_MAX

/* A number that threads wait for to change. */
struct gate {
    _Alignas(64) atomic_uint number;
    atomic_int sleepers;
};

struct team {
    int threads, started;
    pthread_t *ids;
    _Alignas(64) atomic_int waiting; /* at the barrier */
    struct gate round;               /* of the barrier */
    struct gate job;                 /* counts the lists; GO_HOME ends the thread */
    _Alignas(64) atomic_int status;
    struct op_list *list;
    const struct rn_block *block;
    rn_real *room;                 /* GEMM_ROOM values for each thread */
    const struct timings *timings; /* NULL: nobody wants to know */
    uint64_t begun_ns;
};

struct member {
    struct team *team;
    int number;
};

/* Until the number is no longer was: looks at it a while, then sleeps. */
static void gate_wait(struct gate *g, unsigned was)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&g->number, memory_order_acquire) != was)
            return;
        _mm_pause();
    }
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->number) == was)
        syscall(SYS_futex, &g->number, FUTEX_WAIT_PRIVATE, was, NULL, NULL, 0);
    atomic_fetch_sub(&g->sleepers, 1);
}

/* Who counted itself as a sleeper before this looks is woken; who does later sees the number. */
static void gate_open(struct gate *g, unsigned number)
{
    atomic_store(&g->number, number);
    if (atomic_load(&g->sleepers))
        syscall(SYS_futex, &g->number, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* The last to come opens the next round. */
static void meet(struct team *t)
{
    unsigned round = atomic_load_explicit(&t->round.number, memory_order_relaxed);

    if (t->list->threads == 1)
        return;
    if (atomic_fetch_add_explicit(&t->waiting, 1, memory_order_acq_rel) < t->threads - 1) {
        gate_wait(&t->round, round);
        return;
    }
    atomic_store_explicit(&t->waiting, 0, memory_order_relaxed);
    gate_open(&t->round, round + 1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int run_timed(struct team *t, const struct lane *l, int i, int64_t u0, int64_t u1)
{
    uint64_t begin = now_ns();
    int status = op_run(&t->list->op[i], t->block, l, u0, u1);
    uint32_t n = t->timings->lane[l->number].n++;

    if (n < t->timings->room)
        t->timings->at[(uint32_t)l->number * t->timings->room + n] = (struct rn_timing){
            (uint32_t)i, (uint32_t)l->number, begin - t->begun_ns, now_ns() - t->begun_ns};
    return status;
}

/* Units u0 .. u1 - 1 of a group */
static int run_units(struct team *t, const struct lane *l, int i, int64_t u0, int64_t u1)
{
    int status = RN_OK;

    for (int k = i; k < i + t->list->op[i].group; k++) {
        int failed =
            t->timings ? run_timed(t, l, k, u0, u1) : op_run(&t->list->op[k], t->block, l, u0, u1);
        status = failed ? failed : status;
    }
    return status;
}

static int run_own(struct team *t, const struct lane *l, int i)
{
    const struct op *op = &t->list->op[i];
    int64_t end = share_first(&op->share, l->number + 1, t->list->threads);
    int status = RN_OK;

    for (int64_t u = share_first(&op->share, l->number, t->list->threads); u < end;
         u += op->chunk) {
        int failed = run_units(t, l, i, u, least(u + op->chunk, end));
        status = failed ? failed : status;
    }
    return status;
}

/* In each replay every thread takes one number too many, which is how it learns that all is done:
 * so the count of all replays says where this one began. */
static int run_claimed(struct team *t, const struct lane *l, int i)
{
    struct op *op = &t->list->op[i];
    int64_t units = share_units(&op->share), chunks = (units + op->chunk - 1) / op->chunk;
    int64_t before = t->list->replays * (chunks + t->list->threads), mine;
    int status = RN_OK;

    while ((mine = __atomic_fetch_add(&op->claims, 1, __ATOMIC_RELAXED) - before) < chunks) {
        int64_t u = mine * op->chunk;
        int failed = run_units(t, l, i, u, least(u + op->chunk, units));
        status = failed ? failed : status;
    }
    return status;
}

static void walk(struct team *t, int number)
{
    const struct lane lane = {number, t->room + (size_t)number * GEMM_ROOM};
    unsigned mxcsr = _mm_getcsr();

    _mm_setcsr(mxcsr | FLUSH_DENORMALS);
    for (int i = 0; i < t->list->n; i += t->list->op[i].group) {
        if (t->list->op[i].barrier)
            meet(t);
        int status = t->list->op[i].claimed ? run_claimed(t, &lane, i) : run_own(t, &lane, i);
        if (status)
            atomic_store(&t->status, status);
    }
    _mm_setcsr(mxcsr);
    meet(t);
}

static void *work(void *arg)
{
    struct member m = *(struct member *)arg;

    rn_host->free(arg);
    omp_set_num_threads(1);
    for (unsigned job = 0;;) {
        gate_wait(&m.team->job, job);
        job = atomic_load_explicit(&m.team->job.number, memory_order_acquire);
        if (job == GO_HOME)
            return NULL;
        walk(m.team, m.number);
    }
}

static int start_one(struct team *t, int number)
{
    struct member *m = rn_host->alloc(sizeof *m);
    sigset_t all, before;

    if (!m)
        return RN_ENOMEM;
    *m = (struct member){t, number};
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&t->ids[number], NULL, work, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!why)
        return RN_OK;
    rn_host->free(m);
    return RN_FAIL(RN_EDEVICE, "cannot start thread %d: %s", number, strerror(why));
}

int team_open(int threads, struct team **out)
{
    struct team *t = rn_host->alloc(sizeof *t);
    int status = RN_OK;

    *out = t;
    if (!t)
        return RN_ENOMEM;
    t->threads = threads;
    t->ids = rn_host->alloc((size_t)threads * sizeof *t->ids);
    t->room = rn_host->alloc((size_t)threads * GEMM_ROOM * sizeof *t->room);
    if (!t->ids || !t->room)
        status = RN_ENOMEM;
    omp_set_num_threads(1);
    for (t->started = 1; !status && t->started < threads; t->started += !status)
        status = start_one(t, t->started);
    if (!status)
        return RN_OK;
    team_close(t);
    *out = NULL;
    return status;
}

void team_close(struct team *t)
{
    if (!t)
        return;
    gate_open(&t->job, GO_HOME);
    for (int i = 1; i < t->started; i++)
        pthread_join(t->ids[i], NULL);
    rn_host->free(t->ids);
    rn_host->free(t->room);
    rn_host->free(t);
}

int team_run(struct team *t, struct op_list *list, const struct rn_block *b)
{
    return team_run_timed(t, list, b, NULL);
}

int team_run_timed(struct team *t, struct op_list *list, const struct rn_block *b,
                   const struct timings *timings)
{
    unsigned job = atomic_load_explicit(&t->job.number, memory_order_relaxed);

    t->list = list;
    t->block = b;
    t->timings = timings;
    t->begun_ns = timings ? now_ns() : 0;
    t->status = RN_OK;
    if (list->threads > 1)
        gate_open(&t->job, (job + 1) % GO_HOME);
    walk(t, 0);
    list->replays++;
    return t->status;
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
