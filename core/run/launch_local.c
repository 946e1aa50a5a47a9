/* launch_local.c - a queue of tasks on this machine. */
#define _XOPEN_SOURCE 700
#include "launch.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/stop.h"

#include <signal.h>

enum { TICK_MS = 200 };
#define LISTENS_S 10 /* after SIGTERM, before SIGKILL */

struct slot { /* of a task that runs; pid 0: free */
    pid_t pid;
    int task;
    uint64_t begun_ns, asked_ns; /* asked_ns: to end, for it took too long; 0: not yet */
};

struct queue {
    const struct launch_limits *limits;
    const struct launch_task *tasks;
    const struct launch_events *events;
    int *waiting; /* tasks, in order; a ring */
    int first, n_waiting, n, n_running, stopped;
    struct slot *slots;
};

static void put(struct queue *q, int task)
{
    q->waiting[(q->first + q->n_waiting++) % q->n] = task;
}

static int take(struct queue *q)
{
    int task = q->waiting[q->first];

    q->first = (q->first + 1) % q->n;
    q->n_waiting--;
    return task;
}

static int fill_slots(struct queue *q)
{
    bool halted = q->stopped || (q->limits->halt && *q->limits->halt);

    for (int i = 0; i < q->limits->jobs && q->n_waiting && !halted; i++) {
        struct slot *s = &q->slots[i];
        if (s->pid)
            continue;
        int task = take(q);
        pid_t pid;
        TRY(child_start(q->tasks[task].args, q->tasks[task].log, &pid));
        *s = (struct slot){.pid = pid, .task = task, .begun_ns = clock_ns()};
        q->n_running++;
        TRY(q->events->started ? q->events->started(q->events->ctx, task) : RN_OK);
    }
    return RN_OK;
}

static void tell_all(const struct queue *q, int sig)
{
    for (int i = 0; i < q->limits->jobs; i++)
        if (q->slots[i].pid)
            kill(q->slots[i].pid, sig);
}

/* A signal for this process is one for all. */
static void pass_on(struct queue *q)
{
    if (q->stopped || !stop_requested())
        return;
    q->stopped = stop_requested();
    tell_all(q, q->stopped);
}

static void end_slow(const struct queue *q)
{
    for (int i = 0; i < q->limits->jobs && q->limits->time_s > 0; i++) {
        struct slot *s = &q->slots[i];
        if (!s->pid || clock_s(s->begun_ns) < q->limits->time_s)
            continue;
        if (!s->asked_ns) {
            s->asked_ns = clock_ns();
            kill(s->pid, SIGTERM);
        } else if (clock_s(s->asked_ns) > LISTENS_S) {
            kill(s->pid, SIGKILL);
        }
    }
}

static int one_ended(struct queue *q, struct child_end *end)
{
    for (int i = 0; i < q->limits->jobs; i++) {
        struct slot *s = &q->slots[i];
        if (s->pid != end->pid)
            continue;
        int task = s->task;
        end->too_slow = s->asked_ns != 0;
        s->pid = 0;
        q->n_running--;
        int again = q->events->ended(q->events->ctx, task, end);
        TRY(again);
        if (again)
            put(q, task);
        break;
    }
    return RN_OK;
}

static int work(struct queue *q)
{
    struct child_end end;

    for (;;) {
        TRY(fill_slots(q));
        if (!q->n_running)
            return RN_OK;
        for (int wait = TICK_MS; child_wait(wait, &end); wait = 0)
            TRY(one_ended(q, &end));
        pass_on(q);
        end_slow(q);
        TRY(q->events->tick ? q->events->tick(q->events->ctx) : RN_OK);
    }
}

/* Nothing goes on behind an error. */
static void end_all(struct queue *q)
{
    struct child_end end;

    tell_all(q, SIGTERM);
    for (uint64_t begun = clock_ns(); q->n_running > 0;) {
        if (clock_s(begun) > LISTENS_S)
            tell_all(q, SIGKILL);
        if (child_wait(TICK_MS, &end))
            for (int i = 0; i < q->limits->jobs; i++)
                if (q->slots[i].pid == end.pid) {
                    q->slots[i].pid = 0;
                    q->n_running--;
                }
    }
}

int launch_local(const struct launch_limits *limits, const struct launch_task *tasks, int n,
                 const struct launch_events *events)
{
    struct queue q = {.limits = limits,
                      .tasks = tasks,
                      .events = events,
                      .n = n,
                      .waiting = mem_array((size_t)n + 1, sizeof *q.waiting),
                      .slots = mem_array((size_t)limits->jobs, sizeof *q.slots)};

    int status = q.waiting && q.slots ? RN_OK : RN_ENOMEM;
    for (int i = 0; i < n && !status; i++)
        put(&q, i);
    status = status ? status : work(&q);
    if (status < 0 && q.slots) {
        struct error why = error_save();
        end_all(&q);
        error_restore(&why);
    }
    mem_free(q.waiting);
    mem_free(q.slots);
    return status;
}
