/* sweep_axes.c - what each axis of a sweep does to the objective: the mean of all groups with one
 * value of it, and the share of variance that it explains. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS_MAX = 6, BINS = 4 }; /* of values for the share of variance */

double sweep_number(const char *value)
{
    char *end;
    double v = value && *value ? strtod(value, &end) : NAN;

    return value && *value && !*end && isfinite(v) ? v : NAN;
}

static bool counts(const struct group *g) { return g->standing <= SOME_DIVERGED; }

/* ---- values --------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    double x = sweep_number(((const struct rn_effect *)a)->value);
    double y = sweep_number(((const struct rn_effect *)b)->value);

    return (x > y) - (x < y);
}

int64_t sweep_effect_of(const struct sweep *s, int64_t a, const struct group *g)
{
    for (int64_t i = 0; g->g.values[a] && i < s->axes[a].n_effects; i++)
        if (!strcmp(s->axes[a].effects[i].value, g->g.values[a]))
            return i;
    return -1;
}

/* The order of the file, or ascending where all are numbers. */
static int find_values(struct sweep *s, int64_t a, struct rn_effect **out)
{
    struct rn_axis *axis = &s->axes[a];
    struct rn_effect *e = pool_alloc(s->p, (SWEEP_VALUES + 1) * sizeof *e);
    bool numbers = true;

    if (!e)
        return RN_ENOMEM;
    axis->effects = *out = e;
    for (int64_t at = 0; at < s->n && axis->n_effects <= SWEEP_VALUES; at++)
        for (int64_t g = 0; g < s->n && axis->n_effects <= SWEEP_VALUES; g++) {
            const struct group *group = &s->groups[g];
            if (group->at != at || !counts(group) || !group->g.values[a] ||
                sweep_effect_of(s, a, group) >= 0)
                continue;
            e[axis->n_effects++].value = group->g.values[a];
            numbers &= !isnan(sweep_number(group->g.values[a]));
        }
    if (axis->n_effects > SWEEP_VALUES)
        axis->n_effects = 0; /* each alone says nothing */
    else if (numbers && axis->n_effects)
        qsort(e, (size_t)axis->n_effects, sizeof *e, by_number);
    return RN_OK;
}

/* ---- effects -------------------------------------------------------------- */

static const struct trial *of_seed(const struct group *g, uint64_t seed)
{
    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].t.seed == seed && g->trials[i].t.counts)
            return &g->trials[i];
    return NULL;
}

/* Seeds that all groups that count have; returns how many. */
static int64_t common_seeds(const struct sweep *s, uint64_t *out)
{
    const struct group *first = NULL;
    int64_t n = 0;

    for (int64_t g = 0; g < s->n && !first; g++)
        first = counts(&s->groups[g]) ? &s->groups[g] : NULL;
    for (int64_t i = 0; first && i < first->g.n_trials; i++) {
        bool all = true;
        for (int64_t g = 0; g < s->n && all; g++)
            all = !counts(&s->groups[g]) || of_seed(&s->groups[g], first->trials[i].t.seed);
        if (all)
            out[n++] = first->trials[i].t.seed;
    }
    return n;
}

/* Over seeds that all groups have the mean of those with a value, so that the interval is that of
 * seeds and not of the other axes; without two such seeds the mean of the groups' means. */
static void measure(const struct sweep *s, int64_t a, struct rn_effect *e, const uint64_t *seeds,
                    int64_t n_seeds, double *room)
{
    bool by_seed = n_seeds > 1;
    double sum = 0;

    e->n_groups = 0;
    for (int64_t i = 0; i < (by_seed ? n_seeds : 1); i++) {
        int64_t n = 0;
        sum = 0;
        for (int64_t g = 0; g < s->n; g++) {
            const struct group *group = &s->groups[g];
            if (!counts(group) || !group->g.values[a] || strcmp(group->g.values[a], e->value) != 0)
                continue;
            sum += by_seed ? of_seed(group, seeds[i])->t.objective : group->g.objective.mean;
            n++;
        }
        e->n_groups = n;
        room[i] = sum / (double)n;
    }
    estimate(room, by_seed ? n_seeds : 1, &e->objective);
}

/* ---- importance ----------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Kinds of values: each its own where they are few, else quarters of their order. 0: none. */
static int kinds_of(const struct sweep *s, int64_t a, const struct group *const *in, int64_t n,
                    int *kind, double *room)
{
    int64_t few = s->axes[a].n_effects;

    for (int64_t i = 0; i < n; i++) {
        kind[i] = (int)sweep_effect_of(s, a, in[i]);
        room[i] = sweep_number(in[i]->g.values[a]);
        if (isnan(room[i]) && (few < 1 || few > KINDS_MAX))
            return 0;
    }
    if (few > 0 && few <= KINDS_MAX)
        return (int)few;
    qsort(room, (size_t)n, sizeof *room, ascending);
    for (int64_t i = 0; i < n; i++) {
        double v = sweep_number(in[i]->g.values[a]);
        kind[i] = 0;
        for (int k = 1; k < BINS; k++)
            kind[i] += v >= room[k * n / BINS];
    }
    return BINS;
}

static int find_importance(struct sweep *s, int64_t a)
{
    const struct group **in = pool_alloc(s->p, (size_t)s->n * sizeof *in + 1);
    double *y = pool_alloc(s->p, (size_t)s->n * sizeof *y + 1);
    double *room = pool_alloc(s->p, (size_t)s->n * sizeof *room + 1);
    int *kind = pool_alloc(s->p, (size_t)s->n * sizeof *kind + 1);
    int64_t n = 0;

    if (!in || !y || !room || !kind)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++)
        if (counts(&s->groups[g]) && s->groups[g].g.values[a]) {
            y[n] = s->groups[g].g.objective.mean;
            in[n++] = &s->groups[g];
        }
    int k = n ? kinds_of(s, a, in, n, kind, room) : 0;
    s->axes[a].importance = k > 1 && n >= 2 * k ? variance_share(y, kind, n, k) : NAN;
    return RN_OK;
}

int sweep_axes(struct sweep *s)
{
    uint64_t *seeds = pool_alloc(s->p, (size_t)s->n_runs * sizeof *seeds + 1);
    double *room = pool_alloc(s->p, (size_t)s->n_runs * sizeof *room + sizeof *room);

    if (!seeds || !room)
        return RN_ENOMEM;
    int64_t n = common_seeds(s, seeds);
    for (int64_t a = 0; a < s->view.n_axes; a++) {
        struct rn_axis *axis = &s->axes[a];
        struct rn_effect *effects;
        TRY(find_values(s, a, &effects));
        for (int64_t i = 0; i < axis->n_effects; i++)
            measure(s, a, &effects[i], seeds, n, room);
        TRY(find_importance(s, a));
    }
    return RN_OK;
}
