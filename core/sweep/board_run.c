/* board_run.c - a stage of a sweep: the runs of it that are not done, handed to a launcher. */
#define _XOPEN_SOURCE 700
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/stop.h"
#include "board.h"
#include "launcher.h"
#include "run_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WRITE_S 1.0 /* sweep.json, at the earliest */
#define DRAW_S  0.5

enum { ARGS_MAX = 16 }; /* without folders of plugins */

struct stage {
    struct board *b;
    int64_t until;
    struct launch_task *tasks;
    int *run; /* of each task */
    int *again;
    int n;
    int *running, n_running; /* runs */
};

/* ---- tasks ---------------------------------------------------------------- */

static bool is_done(struct board *b, int run, int64_t until)
{
    struct run_record *rec = &b->records[run];

    if (b->tried[run] || !strcmp(rec->status, "finished") || !strcmp(rec->status, "pruned"))
        return true;
    if (!until || strcmp(rec->status, "interrupted") != 0)
        return false;
    struct run_state state;
    return run_state_read(b->pool, board_dir(b, run), &state) >= 0 && state.epochs >= until;
}

static const char *const *make_args(struct stage *s, int run)
{
    const struct board *b = s->b;
    const char **args =
        pool_alloc(b->pool, (size_t)(ARGS_MAX + 2 * b->args->n_plugin_dirs) * sizeof *args);
    int n = 0;

    if (!args)
        return NULL;
    args[n++] = "run";
    args[n++] = pool_printf(b->pool, "%s/plan/%s.yaml", b->dir, b->plan.runs[run].id);
    args[n++] = "--run-dir";
    args[n++] = board_dir(b, run);
    if (b->plan.counts_threads) {
        args[n++] = "--threads";
        args[n++] = pool_printf(b->pool, "%lld", (long long)launcher_threads(&b->spec));
    }
    if (s->until) {
        args[n++] = "--until";
        args[n++] = pool_printf(b->pool, "%lld", (long long)s->until);
    }
    for (int i = 0; i < b->args->n_plugin_dirs; i++) {
        args[n++] = "--plugin-dir";
        args[n++] = b->args->plugin_dirs[i];
    }
    for (int i = 0; i < n; i++)
        if (!args[i])
            return NULL;
    return args;
}

static int add_task(struct stage *s, int run)
{
    struct board *b = s->b;
    const char *id = b->plan.runs[run].id;
    struct launch_task *t = &s->tasks[s->n];

    *t = (struct launch_task){.id = id,
                              .dir = board_dir(b, run),
                              .log = pool_printf(b->pool, "%s/logs/%s.log", b->dir, id),
                              .args = make_args(s, run)};
    s->run[s->n++] = run;
    return t->log && t->args ? RN_OK : RN_ENOMEM;
}

/* ---- what is told --------------------------------------------------------- */

static int started(void *ctx, int task)
{
    struct stage *s = ctx;

    s->running[s->n_running++] = s->run[task];
    s->b->records[s->run[task]].status = "running";
    return RN_OK;
}

/* What a killed process leaves to be gone on with; its own word of failure is final. */
static bool was_hit(const struct child_end *end)
{
    return !end->too_slow && (end->signal || end->exit_code == 75 || end->exit_code == 130);
}

static const char *reason_of(struct board *b, const struct launch_task *t,
                             const struct child_end *end)
{
    if (end->too_slow)
        return pool_printf(b->pool, "it took longer than timeout, %g s", b->spec.o.timeout.value);
    const char *text = child_end_text(b->pool, end);
    if (!text || end->signal)
        return text && end->signal == 9 && !end->why
                   ? pool_printf(b->pool, "%s; the kernel does that when memory is short", text)
                   : text;
    const char *line = child_last_line(b->pool, t->log);
    return pool_printf(b->pool, "%s%s%s", text, line && *line ? ": " : "", line ? line : "");
}

/* BUSY: another process runs it, and its folder is that one's to write. */
enum outcome { WELL, LEFT, HIT, BUSY, FAILED_BY_ITSELF, FAILED_SILENTLY };

static enum outcome outcome_of(const struct stage *s, const struct run_state *state,
                               const struct child_end *end)
{
    bool interrupted = !strcmp(state->status, "interrupted") || !strcmp(state->status, "lost");

    if (end->exit_code == error_exit_code(RN_EBUSY))
        return BUSY;
    if (!strcmp(state->status, "finished") ||
        (s->until && interrupted && end->exit_code == 75 && state->epochs >= s->until))
        return WELL;
    if (end->too_slow || end->cancelled)
        return FAILED_SILENTLY;
    if (stop_requested() && (end->signal || interrupted))
        return LEFT;
    if (was_hit(end))
        return HIT;
    return !strcmp(state->status, "diverged") || !strcmp(state->status, "failed") ? FAILED_BY_ITSELF
                                                                                  : FAILED_SILENTLY;
}

static void forget_running(struct stage *s, int run)
{
    for (int i = 0; i < s->n_running; i++)
        if (s->running[i] == run)
            s->running[i] = s->running[--s->n_running];
}

/* Nobody else writes down how it ended; but what another process has is not written to. */
static int write_failure(struct stage *s, int task, const struct child_end *end, bool busy)
{
    struct board *b = s->b;
    struct run_record *rec = &b->records[s->run[task]];

    rec->status = "failed";
    rec->exit_code = end->signal ? 128 + end->signal : end->exit_code;
    if (!(rec->reason = reason_of(b, &s->tasks[task], end)))
        return RN_ENOMEM;
    return busy ? RN_OK : run_set_failed(s->tasks[task].dir, rec->exit_code, rec->reason);
}

static int ended(void *ctx, int task, const struct child_end *end)
{
    struct stage *s = ctx;
    struct board *b = s->b;
    int run = s->run[task];
    struct run_record *rec = &b->records[run];
    struct run_state state;

    forget_running(s, run);
    TRY(run_state_read(b->pool, s->tasks[task].dir, &state));
    *rec = (struct run_record){state.status, state.reason, state.exit_code, state.attempts, 0};
    enum outcome outcome = outcome_of(s, &state, end);
    if (outcome == WELL && isfinite(state.seconds)) {
        b->run_s += state.seconds;
        b->n_run++;
    }
    if (outcome == LEFT)
        rec->status = "interrupted";
    if (outcome == HIT && s->again[task]++ < b->spec.o.retry) {
        rec->status = "pending";
        return 1;
    }
    if (outcome == HIT || outcome == BUSY || outcome == FAILED_SILENTLY)
        TRY(write_failure(s, task, end, outcome == BUSY));
    if (outcome >= HIT) {
        b->tried[run] = true;
        b->halt |= b->spec.o.on_failure != 0;
    }
    board_say_run(b, run);
    return clock_s(b->written_ns) > WRITE_S ? board_write(b, false) : RN_OK;
}

static int tick(void *ctx)
{
    struct stage *s = ctx;

    if (clock_s(s->b->drawn_ns) < DRAW_S)
        return RN_OK;
    s->b->drawn_ns = clock_ns();
    board_draw(s->b, s->running, s->n_running);
    return RN_OK;
}

/* ---- the stage ------------------------------------------------------------ */

static int make_room(struct stage *s, int n)
{
    struct pool *p = s->b->pool;

    s->tasks = pool_alloc(p, (size_t)(n + 1) * sizeof *s->tasks);
    s->run = pool_alloc(p, (size_t)(n + 1) * sizeof *s->run);
    s->again = pool_alloc(p, (size_t)(n + 1) * sizeof *s->again);
    s->running = pool_alloc(p, (size_t)(n + 1) * sizeof *s->running);
    return s->tasks && s->run && s->again && s->running ? RN_OK : RN_ENOMEM;
}

int board_run(struct board *b, const int *runs, int n, int64_t until)
{
    struct stage s = {.b = b, .until = until};
    const struct launch_limits limits = {b->jobs, b->spec.o.timeout.value, &b->halt};
    const struct launch_events events = {&s, started, ended, tick};

    TRY(make_room(&s, n));
    for (int i = 0; i < n; i++)
        if (!is_done(b, runs[i], until))
            TRY(add_task(&s, runs[i]));
    if (!s.n || board_stopped(b))
        return RN_OK;
    int status = launcher_run(&b->spec, b->dir, &limits, s.tasks, s.n, &events);
    screen_draw(&b->screen, "");
    return status;
}
