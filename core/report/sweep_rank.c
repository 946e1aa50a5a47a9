/* sweep_rank.c - what can be said of each group over its seeds: means with intervals, the order,
 * how often it is the best, what it costs. */
#include "sweep.h"

#include "base/error.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- means ---------------------------------------------------------------- */

static int64_t values_of(const struct group *g, size_t offset, double *out)
{
    int64_t n = 0;

    for (int64_t i = 0; i < g->g.n_trials; i++) {
        double v;
        memcpy(&v, (const char *)&g->trials[i].t + offset, sizeof v);
        if (g->trials[i].t.counts && isfinite(v))
            out[n++] = v;
    }
    return n;
}

/* What it reached says something, though it did not end. */
static bool is_on_its_way(const struct rn_trial *t)
{
    return isfinite(t->objective) &&
           (!strcmp(t->status, "pruned") || !strcmp(t->status, "running") ||
            !strcmp(t->status, "interrupted"));
}

static enum standing standing_of(const struct group *g)
{
    bool early = false;

    if (g->g.objective.n)
        return g->g.n_diverged ? SOME_DIVERGED : WHOLE;
    for (int64_t i = 0; i < g->g.n_trials; i++)
        early |= is_on_its_way(&g->trials[i].t);
    return early ? STOPPED_EARLY : NOTHING;
}

/* Mean and spread by epoch, as far as all seeds that count go. */
static int mean_curve(struct sweep *s, struct group *g)
{
    int64_t n = 0, seeds = 0;

    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].t.counts) {
            n = !seeds || g->trials[i].n_curve < n ? g->trials[i].n_curve : n;
            seeds++;
        }
    double *mean = pool_alloc(s->p, (size_t)n * sizeof *mean + 1);
    double *sd = pool_alloc(s->p, (size_t)n * sizeof *sd + 1);
    double *x = pool_alloc(s->p, (size_t)seeds * sizeof *x + 1);
    if (!mean || !sd || !x)
        return RN_ENOMEM;
    for (int64_t k = 0; k < n; k++) {
        struct rn_estimate e;
        int64_t m = 0;
        for (int64_t i = 0; i < g->g.n_trials; i++)
            if (g->trials[i].t.counts)
                x[m++] = g->trials[i].curve[k];
        estimate(x, m, &e);
        mean[k] = e.mean;
        sd[k] = e.sd;
    }
    g->g.curve = mean;
    g->g.curve_sd = sd;
    g->g.n_curve = n;
    return RN_OK;
}

static int measure(struct sweep *s, struct group *g)
{
    double *x = pool_alloc(s->p, (size_t)g->g.n_trials * sizeof *x + 1);

    if (!x)
        return RN_ENOMEM;
    estimate(x, values_of(g, offsetof(struct rn_trial, objective), x), &g->g.objective);
    estimate(x, values_of(g, offsetof(struct rn_trial, test), x), &g->g.test);
    estimate(x, values_of(g, offsetof(struct rn_trial, train_s), x), &g->g.train_s);
    g->standing = standing_of(g);
    return mean_curve(s, g);
}

/* ---- order ---------------------------------------------------------------- */

static const struct sweep *sorted; /* for by_rank: qsort hands nothing on */

/* How far a group came that was stopped early. */
static int64_t furthest(const struct group *g, double *best)
{
    int64_t rung = -1;

    *best = NAN;
    for (int64_t i = 0; i < g->g.n_trials; i++) {
        if (!is_on_its_way(&g->trials[i].t))
            continue;
        rung = g->trials[i].t.rung > rung ? g->trials[i].t.rung : rung;
        if (sweep_better(sorted, g->trials[i].t.objective, *best))
            *best = g->trials[i].t.objective;
    }
    return rung;
}

static int by_rank(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    double u = x->g.objective.mean, v = y->g.objective.mean;

    if (x->standing != y->standing)
        return x->standing < y->standing ? -1 : 1;
    if (x->standing == STOPPED_EARLY) {
        int64_t i = furthest(x, &u), k = furthest(y, &v);
        if (i != k)
            return i > k ? -1 : 1;
    }
    if (sweep_better(sorted, u, v) || sweep_better(sorted, v, u))
        return sweep_better(sorted, u, v) ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void find_reference(struct sweep *s)
{
    s->view.reference = -1;
    for (int64_t g = 0; g < s->n; g++)
        if (!strcmp(s->groups[g].g.label, s->wanted_reference))
            s->view.reference = g;
}

/* The best have lines, and the reference in grey. */
static void give_looks(struct sweep *s)
{
    int64_t look = 0;

    if (s->view.reference >= 0)
        s->groups[s->view.reference].g.look = SWEEP_LINES - 1;
    for (int64_t g = 0; g < s->n && look < SWEEP_LINES - 1; g++)
        if (g != s->view.reference && s->groups[g].standing <= SOME_DIVERGED)
            s->groups[g].g.look = look++;
}

/* ---- how often the best --------------------------------------------------- */

static const struct trial *counted(const struct group *g, uint64_t seed)
{
    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].t.seed == seed)
            return g->trials[i].t.counts ? &g->trials[i] : NULL;
    return NULL;
}

struct contest { /* groups that have these seeds, all of them */
    struct group **in;
    uint64_t *seeds;
    int64_t n, n_seeds;
};

/* Of the groups with at least so many seeds: those that all of them have. */
static void enter(const struct sweep *s, int64_t least, struct contest *c)
{
    c->n = c->n_seeds = 0;
    for (int64_t g = 0; g < s->n; g++)
        if (s->groups[g].standing == WHOLE && s->groups[g].g.objective.n >= least)
            c->in[c->n++] = &s->groups[g];
    for (int64_t i = 0; c->n && i < c->in[0]->g.n_trials; i++) {
        uint64_t seed = c->in[0]->trials[i].t.seed;
        int64_t have = 0;
        for (int64_t g = 0; g < c->n; g++)
            have += counted(c->in[g], seed) != NULL;
        if (have == c->n)
            c->seeds[c->n_seeds++] = seed;
    }
}

/* A group that lacks seeds would take them from all: it is left out where fewer pairs of group and
 * seed would be compared with it. */
static int find_best(struct sweep *s)
{
    struct contest c = {pool_alloc(s->p, (size_t)s->n * sizeof(struct group *) + 1),
                        pool_alloc(s->p, (size_t)s->n_runs * sizeof(uint64_t) + 1), 0, 0};
    int64_t most = 0, least = 0, pairs = 0;

    if (!c.in || !c.seeds)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++)
        most = s->groups[g].g.objective.n > most ? s->groups[g].g.objective.n : most;
    for (int64_t k = most; k > 1; k--) {
        enter(s, k, &c);
        if (c.n > 1 && c.n_seeds > 1 && c.n * c.n_seeds > pairs) {
            pairs = c.n * c.n_seeds;
            least = k;
        }
    }
    if (!least)
        return RN_OK;
    enter(s, least, &c);
    double *x = pool_alloc(s->p, (size_t)pairs * sizeof *x);
    double *share = pool_alloc(s->p, (size_t)c.n * sizeof *share);
    if (!x || !share)
        return RN_ENOMEM;
    for (int64_t g = 0; g < c.n; g++)
        for (int64_t i = 0; i < c.n_seeds; i++)
            x[g * c.n_seeds + i] = counted(c.in[g], c.seeds[i])->t.objective;
    s->view.best_seeds = c.n_seeds;
    s->view.draws = pairs > 2000 ? SWEEP_DRAWS / 10 : SWEEP_DRAWS;
    TRY(best_shares(x, c.n, c.n_seeds, s->view.more_is_better, s->view.draws, share));
    for (int64_t g = 0; g < c.n; g++)
        c.in[g]->g.best_share = share[g];
    return RN_OK;
}

/* ---- cost ----------------------------------------------------------------- */

static bool is_beaten(const struct sweep *s, const struct group *g, bool by_time)
{
    double mine = by_time ? g->g.train_s.mean : (double)g->g.parameters;

    for (int64_t i = 0; i < s->n; i++) {
        const struct group *o = &s->groups[i];
        double other = by_time ? o->g.train_s.mean : (double)o->g.parameters;
        double u = o->g.objective.mean, v = g->g.objective.mean;
        if (o == g || o->standing != WHOLE || sweep_better(s, v, u) || !(other <= mine))
            continue;
        if (sweep_better(s, u, v) || other < mine)
            return true;
    }
    return false;
}

static void find_pareto(struct sweep *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        struct group *g = &s->groups[i];
        if (g->standing != WHOLE)
            continue;
        g->g.pareto_time = isfinite(g->g.train_s.mean) && !is_beaten(s, g, true);
        g->g.pareto_size = g->g.parameters > 0 && !is_beaten(s, g, false);
    }
}

int sweep_rank(struct sweep *s)
{
    for (int64_t g = 0; g < s->n; g++)
        TRY(measure(s, &s->groups[g]));
    sorted = s;
    if (s->n)
        qsort(s->groups, (size_t)s->n, sizeof *s->groups, by_rank);
    find_reference(s);
    give_looks(s);
    find_pareto(s);
    return find_best(s);
}
