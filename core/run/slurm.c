/* slurm.c - submits tasks as array jobs and follows them until all are over. */
#define _XOPEN_SOURCE 700
#include "slurm_follow.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/stop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 200, ENDS_S = 90 /* after it was cancelled */ };
#define POLL_S 2.0

/* ---- sbatch, scancel ---------------------------------------------------------------------- */

static bool is_away(const struct command *c)
{
    static const char *const words[] = {"slurm controller", "timed out", "onnection refused",
                                        "connect failure", "temporarily"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text_str(&c->err), words[i]))
            return true;
    return c->exit_code < 0;
}

static int write_script(const struct follow *f, const struct array *a)
{
    struct text t = {0};
    const struct launch_task **list = pool_alloc(f->pool, (size_t)a->n * sizeof *list);
    const char *path = follow_file(f, a, ".sh"), *stem = pool_printf(f->pool, "%d", a->number),
               *what = pool_printf(f->pool, "%d runs of the sweep %s", a->n, f->label);

    if (!list || !path || !stem || !what)
        return RN_ENOMEM;
    for (int i = 0; i < a->n; i++)
        list[i] = &f->tasks[a->task[i]];
    slurm_script(f->options,
                 &(struct slurm_array){.name = a->name,
                                       .what = what,
                                       .dir = f->dir,
                                       .stem = stem,
                                       .cwd = f->cwd,
                                       .program = f->program,
                                       .tasks = list,
                                       .n = a->n},
                 &t);
    int status = t.status < 0 ? t.status : file_write_soon(path, t.s, t.n);
    text_free(&t);
    return status;
}

/* behind: the job of an array before it, whose limit holds for both; 0: none. */
static int submit(struct follow *f, struct array *a, long behind)
{
    struct command c;
    const char *script = pool_printf(f->pool, "%d.sh", a->number);
    const char *after = behind ? pool_printf(f->pool, "--dependency=afterany:%ld", behind) : NULL;
    const char *const plain[] = {"sbatch", "--parsable", script, NULL};
    const char *const later[] = {"sbatch", "--parsable", after, script, NULL};

    if (!script || (behind && !after))
        return RN_ENOMEM;
    TRY(write_script(f, a));
    TRY(follow_write(f, a));
    TRY(command_run(behind ? later : plain, f->dir, &c));
    a->job = c.exit_code ? 0 : strtol(text_str(&c.out), NULL, 10);
    int status = RN_OK;
    if (a->job)
        status = follow_write(f, a);
    else if (is_away(&c))
        follow_away(f, "sbatch", &c);
    else
        status = FAIL(RN_EINVAL, "Slurm refuses %s/%s: %s", f->dir, script, text_str(&c.err));
    command_free(&c);
    f->answered = a->job != 0;
    for (int i = 0; i < a->n && a->job; i++)
        f->place[a->task[i]] = (struct place){.state = TASK_QUEUED,
                                              .array = (int)(a - f->arrays),
                                              .index = i,
                                              .lost = f->place[a->task[i]].lost};
    return status;
}

/* All that wait. */
static int submit_waiting(struct follow *f)
{
    long behind = 0;

    for (int i = 0; f->answered;) {
        int n = 0, first = i;
        for (; i < f->n && n < f->array_max; i++)
            n += f->place[i].state == TASK_WAITS;
        if (!n)
            return RN_OK;
        struct array *a = follow_add(f);
        if (!a)
            return RN_ENOMEM;
        *a = (struct array){.number = f->next_number++,
                            .task = pool_alloc(f->pool, (size_t)n * sizeof *a->task)};
        a->name = pool_printf(f->pool, "%s-%s.%d", f->label, f->token, a->number);
        if (!a->task || !a->name)
            return RN_ENOMEM;
        for (int k = first; k < i; k++)
            if (f->place[k].state == TASK_WAITS)
                a->task[a->n++] = k;
        TRY(submit(f, a, behind));
        behind = f->options->array_limit ? a->job : 0;
    }
    return RN_OK;
}

/* only: NULL, or those in that state. */
static void cancel(struct follow *f, const char *only)
{
    const char **argv = mem_array((size_t)f->n_arrays + 4, sizeof *argv);
    struct pool *p = pool_new();
    struct command c;
    int n = 0;

    if (argv && p) {
        argv[n++] = "scancel";
        argv[n++] = "--quiet";
        if (only)
            argv[n++] = only;
        int begin = n;
        for (int i = 0; i < f->n_arrays; i++)
            if (f->arrays[i].job && follow_alive(&f->arrays[i]) &&
                (argv[n] = pool_printf(p, "%ld", f->arrays[i].job)))
                n++;
        if (n > begin && command_run(argv, NULL, &c) >= 0)
            command_free(&c);
    }
    pool_free(p);
    mem_free(argv);
}

/* ---- from the first task to the last ------------------------------------------------------- */

static void drop_waiting(struct follow *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->place[i].state == TASK_WAITS)
            f->place[i].state = TASK_OVER;
}

static int n_left(const struct follow *f)
{
    int n = 0;

    for (int i = 0; i < f->n; i++)
        n += f->place[i].state != TASK_OVER;
    return n;
}

static void obey(struct follow *f)
{
    bool halt = f->limits->halt && *f->limits->halt;

    if (stop_requested() && !f->stopped) {
        f->stopped = true;
        f->stopped_ns = clock_ns();
        cancel(f, NULL);
    } else if (halt && !f->halted) {
        f->halted = true;
        cancel(f, "--state=PENDING");
    }
    if (f->stopped || f->halted)
        drop_waiting(f);
}

/* Those that take longer than they may. */
static void end_slow(struct follow *f)
{
    char job[48];
    const char *const argv[] = {"scancel", job, NULL};
    struct command c;

    for (int i = 0; i < f->n && f->limits->time_s > 0; i++) {
        struct place *p = &f->place[i];
        if (p->state != TASK_RUNS || p->asked || !p->told ||
            clock_s(p->begun_ns) < f->limits->time_s)
            continue;
        p->asked = true;
        snprintf(job, sizeof job, "%ld_%d", f->arrays[p->array].job, p->index);
        if (command_run(argv, NULL, &c) >= 0)
            command_free(&c);
    }
}

static int work(struct follow *f)
{
    struct timespec tick = {0, TICK_MS * 1000000L};
    uint64_t looked = 0;

    while (n_left(f) && !(f->stopped && clock_s(f->stopped_ns) > ENDS_S)) {
        if (!looked || clock_s(looked) >= POLL_S) {
            TRY(follow_look(f));
            looked = clock_ns();
            obey(f);
            end_slow(f);
            TRY(submit_waiting(f));
        }
        obey(f);
        TRY(f->events->tick ? f->events->tick(f->events->ctx) : RN_OK);
        nanosleep(&tick, NULL);
    }
    return RN_OK;
}

static int find_places(struct follow *f, const char *sweep_dir)
{
    char path[PATH_MAX], real[PATH_MAX], cwd[PATH_MAX], program[PATH_MAX], hash[HASH_TEXT];

    snprintf(path, sizeof path, "%s/slurm", sweep_dir);
    TRY(file_mkdirs(path));
    if (!realpath(path, real) || !getcwd(cwd, sizeof cwd) || !realpath("/proc/self/exe", program))
        return FAIL(RN_EIO, "%s: %s", path, strerror(errno));
    f->dir = pool_strdup(f->pool, real);
    f->cwd = pool_strdup(f->pool, cwd);
    f->program = pool_strdup(f->pool, program);
    *strrchr(real, '/') = '\0';
    const char *name = strrchr(real, '/');
    char *label = pool_strndup(f->pool, name ? name + 1 : "", 40);
    for (char *c = label; c && *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c))
            *c = '-';
    f->label = label;
    snprintf(path, sizeof path, "%s %ld %llu", real, (long)getpid(),
             (unsigned long long)clock_ns());
    hash_sha256(path, strlen(path), hash);
    f->token = pool_strndup(f->pool, hash + strlen("sha256:"), 8);
    return f->dir && f->cwd && f->program && label && f->token ? RN_OK : RN_ENOMEM;
}

static int ask_array_max(struct follow *f)
{
    const char *const ask[] = {"scontrol", "show", "config", NULL};
    struct command c;

    TRY(command_run(ask, NULL, &c));
    f->array_max = slurm_array_max(text_str(&c.out));
    command_free(&c);
    return RN_OK;
}

int launch_slurm(const struct slurm_options *o, const char *sweep_dir,
                 const struct launch_limits *limits, const struct launch_task *tasks, int n,
                 const struct launch_events *events)
{
    struct follow f = {.options = o,
                       .limits = limits,
                       .tasks = tasks,
                       .events = events,
                       .n = n,
                       .pool = pool_new()};

    TRY(slurm_check(o));
    f.place = f.pool ? pool_alloc(f.pool, (size_t)(n + 1) * sizeof *f.place) : NULL;
    int status = f.place ? find_places(&f, sweep_dir) : RN_ENOMEM;
    status = status < 0 ? status : ask_array_max(&f);
    status = status < 0 ? status : follow_read(&f);
    status = status < 0 ? status : work(&f);
    if (status < 0 && f.n_arrays) {
        struct error why = error_save();
        cancel(&f, NULL);
        error_restore(&why);
    }
    pool_free(f.pool);
    return status;
}
