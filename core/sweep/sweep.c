/* sweep.c - the life of a sweep: plan, check, run what is not done yet in stages, choose between
 * them where it prunes or searches, write down what became of each run. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/stop.h"
#include "board.h"
#include "run_state.h"

#include <math.h>
#include <signal.h>
#include <string.h>

/* ---- objectives ----------------------------------------------------------- */

/* The mean objective of a group's runs in its first epochs. NaN: one of them diverged or has none,
 * which no luck of other seeds makes up for. A run that was killed says nothing either way. */
static double group_value(const struct board *b, int group, int64_t epochs)
{
    const struct plan_group *g = &b->plan.groups[group];
    double sum = 0;
    int n = 0;

    for (int i = 0; i < g->n_runs; i++) {
        const struct run_record *rec = &b->records[g->first + i];
        if (!strcmp(rec->status, "failed"))
            continue;
        double v = !strcmp(rec->status, "diverged")
                       ? (double)NAN
                       : run_best(board_dir(b, g->first + i), b->plan.objective,
                                  b->plan.more_is_better, epochs);
        if (isnan(v))
            return v;
        sum += v;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

/* ---- pruning -------------------------------------------------------------- */

struct ranked {
    int group;
    double value;
};

static bool is_better(const struct board *b, double x, double y)
{
    if (isnan(x) || isnan(y))
        return !isnan(x) && isnan(y);
    return b->plan.more_is_better ? x > y : x < y;
}

/* Best first; of equals the one that was planned first. */
static void sort_groups(const struct board *b, struct ranked *r, int n)
{
    for (int i = 1; i < n; i++) {
        struct ranked one = r[i];
        int at = i;
        for (; at > 0 && is_better(b, one.value, r[at - 1].value); at--)
            r[at] = r[at - 1];
        r[at] = one;
    }
}

static void mark_pruned(struct board *b, int group, int64_t epochs, int rank, int of)
{
    const struct plan_group *g = &b->plan.groups[group];

    for (int i = 0; i < g->n_runs; i++) {
        struct run_record *rec = &b->records[g->first + i];
        if (strcmp(rec->status, "interrupted") != 0) /* it ended by itself, well or not */
            continue;
        rec->status = "pruned";
        rec->rung = epochs;
        rec->reason = pool_printf(b->pool, "rank %d of %d after %lld epoch%s", rank, of,
                                  (long long)epochs, epochs == 1 ? "" : "s");
    }
}

/* Ranks what is alive after so many epochs, and leaves the best of it. */
static int prune_at(struct board *b, int *groups, int *n, int64_t epochs)
{
    const struct prune *prune = &b->spec.prune;
    struct ranked *r = pool_alloc(b->pool, (size_t)*n * sizeof *r);
    int keep = (int)ceil(*n / prune->factor - 1e-9), all = *n;

    if (!r)
        return RN_ENOMEM;
    keep = keep < prune->min_runs ? (int)prune->min_runs : keep;
    for (int i = 0; i < all; i++)
        r[i] = (struct ranked){groups[i], group_value(b, groups[i], epochs)};
    sort_groups(b, r, all);
    while (keep > 0 && keep <= all && isnan(r[keep - 1].value))
        keep--;
    if (keep >= all)
        return RN_OK;
    for (int i = 0; i < all; i++) {
        groups[i] = r[i].group;
        if (i >= keep)
            mark_pruned(b, r[i].group, epochs, i + 1, all);
    }
    *n = keep;
    if (!keep)
        return plan_say(&b->plan, "After %lld epoch%s no configuration had a value.",
                        (long long)epochs, epochs == 1 ? "" : "s");
    return plan_say(
        &b->plan,
        "After %lld epoch%s %d of %d configurations went on, the best by %s: the last of them had "
        "%.5g, the first that was left out %.5g.",
        (long long)epochs, epochs == 1 ? "" : "s", keep, all, b->plan.objective, r[keep - 1].value,
        r[keep].value);
}

static int run_groups(struct board *b, const int *groups, int n, int64_t until)
{
    int total = 0, *runs;

    for (int i = 0; i < n; i++)
        total += b->plan.groups[groups[i]].n_runs;
    if (!(runs = pool_alloc(b->pool, (size_t)(total + 1) * sizeof *runs)))
        return RN_ENOMEM;
    total = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < b->plan.groups[groups[i]].n_runs; k++)
            runs[total++] = b->plan.groups[groups[i]].first + k;
    return board_run(b, runs, total, until);
}

/* Runs groups from.. to the end, or as far as they are worth it. */
static int run_from(struct board *b, int from)
{
    const struct prune *prune = &b->spec.prune;
    int n = b->plan.n_groups - from;
    int *groups = pool_alloc(b->pool, (size_t)(n + 1) * sizeof *groups);

    if (!groups)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++)
        groups[i] = from + i;
    double rung = prune->rung.value;
    for (; rung > 0 && (int64_t)rung < b->plan.epochs && n > prune->min_runs;
         rung *= prune->factor) {
        TRY(run_groups(b, groups, n, (int64_t)rung));
        if (board_stopped(b))
            return RN_OK;
        TRY(prune_at(b, groups, &n, (int64_t)rung));
    }
    return run_groups(b, groups, n, 0);
}

/* ---- searches ------------------------------------------------------------- */

static void set_costs(struct board *b, int from)
{
    for (int i = from; i < b->plan.n_groups; i++) {
        double v = group_value(b, i, 0);
        b->plan.groups[i].point.cost = isnan(v) ? INFINITY : b->plan.more_is_better ? -v : v;
    }
}

/* Where the next point is; *k counts all that were drawn. */
static int choose_point(struct board *b, struct pool *p, int64_t *k, double *at)
{
    int n = b->plan.n_groups;
    struct point *seen = pool_alloc(p, (size_t)(n + 1) * sizeof *seen);

    if (!seen)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++)
        seen[i] = b->plan.groups[i].point;
    int64_t number = (*k)++;
    if (b->spec.o.method == SWEEP_TPE)
        return search_tpe(p, &b->spec, seen, n, number, at);
    search_random(&b->spec, number, at);
    return RN_OK;
}

/* One more point. One that is no experiment, though each of its values alone would be, is left out.
 */
static int draw_point(struct board *b, int64_t *k, bool *added)
{
    struct pool *p = pool_new();
    double *at = pool_alloc(b->pool, (size_t)b->spec.n_space * sizeof *at);

    *added = false;
    int status = p && at ? choose_point(b, p, k, at) : RN_ENOMEM;
    pool_free(p);
    TRY(status);
    status = plan_point(&b->plan, at, added);
    return status == RN_EINVAL
               ? plan_say(&b->plan,
                          "Point %lld of the search is no experiment and was left out: %s.",
                          (long long)*k, error_text())
               : status;
}

/* Points until there are n groups, or no new ones are found any more. */
static int draw_points(struct board *b, int n, int64_t *k)
{
    bool added;

    for (int64_t tries = 0; b->plan.n_groups < n && tries < 100; tries++) {
        TRY(draw_point(b, k, &added));
        tries = added ? -1 : tries;
    }
    if (b->plan.n_groups < n) {
        b->spec.o.runs = b->plan.n_groups;
        TRY(plan_say(&b->plan, "The space has no more points than %d.", b->plan.n_groups));
    }
    return board_grow(b);
}

static int say_search(struct board *b)
{
    int best = 0;

    for (int i = 1; i < b->plan.n_groups; i++)
        if (is_better(b, group_value(b, i, 0), group_value(b, best, 0)))
            best = i;
    return plan_say(&b->plan, "%s, seed %lld: %d points%s; the best so far is number %d, %s.",
                    b->spec.o.method == SWEEP_TPE ? "Search by a tree of Parzen estimators"
                                                  : "Random search",
                    (long long)b->spec.o.seed, b->plan.n_groups,
                    b->spec.o.method == SWEEP_TPE
                        ? ", the first ten at random, the others near the best quarter"
                        : "",
                    best + 1, b->plan.groups[best].label);
}

static int64_t round_of(const struct sweep_spec *s)
{
    if (s->o.method != SWEEP_TPE)
        return s->o.runs;
    return s->o.round ? s->o.round : s->prune.rung.value > 0 ? 9 : 4;
}

static int run_search(struct board *b)
{
    int64_t k = 0;

    while (b->plan.n_groups < b->spec.o.runs && !board_stopped(b)) {
        int from = b->plan.n_groups;
        int64_t to = from + round_of(&b->spec);
        to = to < b->spec.o.runs ? to : b->spec.o.runs;
        TRY(draw_points(b, (int)to, &k));
        if (b->plan.n_groups == from)
            break; /* the space has no more points */
        TRY(run_from(b, from));
        set_costs(b, from);
    }
    return say_search(b);
}

/* ---- from outside --------------------------------------------------------- */

static int open_plan(struct pool *p, struct registry *r, const struct sweep_args *args,
                     struct board *b, struct diag **diag)
{
    *b = (struct board){.pool = p, .args = args, .registry = r, .lock = -1};
    int status = spec_read(p, args->file, args->name, args->words, args->n_words, &b->spec);
    *diag = b->spec.diag;
    TRY(status);
    plan_open(&b->plan, &b->spec, r);
    TRY(b->spec.o.method == SWEEP_GRID ? plan_grid(&b->plan) : plan_check_space(&b->plan));
    return board_open(b);
}

int sweep_show(struct pool *p, struct registry *r, const struct sweep_args *args,
               struct diag **diag, struct text *out)
{
    struct board b;
    int64_t k = 0;

    int status = open_plan(p, r, args, &b, diag);
    if (!status && b.spec.o.method == SWEEP_RANDOM)
        status = draw_points(&b, (int)b.spec.o.runs, &k);
    status = status < 0 ? status : board_plan_text(&b, out);
    plan_close(&b.plan);
    return status;
}

static int run_all(struct board *b)
{
    return b->spec.o.method == SWEEP_GRID ? run_from(b, 0) : run_search(b);
}

int sweep_run(struct pool *p, struct registry *r, const struct sweep_args *args, struct diag **diag,
              int *exit_code, const char **dir)
{
    struct board b;

    int status = open_plan(p, r, args, &b, diag);
    *dir = b.dir;
    status = status < 0 ? status : board_begin(&b);
    if (status >= 0) {
        status = run_all(&b);
        int ended = board_end(&b);
        status = status < 0 ? status : ended;
    }
    board_close(&b);
    plan_close(&b.plan);
    int sig = stop_requested();
    *exit_code = sig == SIGINT ? 130 : sig ? 75 : board_failed(&b) ? 9 : 0;
    return status;
}
