/* search.c - draws points of a space: uniformly, or by Parzen estimators of where the good and the
 * other points are. Ranges are 0 to 1 here, on their scale. */
#define _XOPEN_SOURCE 700
#include "search.h"

#include "base/error.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- uniformly ------------------------------------------------------------ */

static double uniform(const struct sweep_spec *s, int64_t k, uint64_t draw, uint64_t i)
{
    return (double)rn_uniform(rng_key((uint64_t)s->o.seed, RNG_SEARCH, (uint64_t)k), draw, i);
}

static double uniform_at(const struct dimension *d, double u)
{
    return d->n_choices ? fmin(floor(u * d->n_choices), d->n_choices - 1) : u;
}

void search_random(const struct sweep_spec *s, int64_t k, double *at)
{
    for (int i = 0; i < s->n_space; i++)
        at[i] = uniform_at(&s->space[i], uniform(s, k, 0, (uint64_t)i));
}

/* ---- values --------------------------------------------------------------- */

static double value_at(const struct dimension *d, double at)
{
    if (d->log)
        return exp(log(d->low) + at * (log(d->high) - log(d->low)));
    double steps = d->step > 0 ? floor((d->high - d->low) / d->step + 1e-9) : 0;

    if (d->step > 0) /* each step as likely, the ends too */
        return d->low + d->step * fmin(floor(at * (steps + 1)), steps);
    return d->low + at * (d->high - d->low);
}

int search_piece(struct pool *p, const struct dimension *d, double at, struct piece *out)
{
    char text[32];

    if (d->n_choices) {
        *out = d->choices[(int)at];
        return RN_OK;
    }
    snprintf(text, sizeof text, d->whole ? "%.0f" : "%.5g", value_at(d, at));
    struct node *value = tree_scalar(p, NULL, text, "set");
    if (!value)
        return RN_ENOMEM;
    value->mark = d->mark;
    return piece_of_value(p, d->path, d->mark, value, out);
}

/* ---- estimators ----------------------------------------------------------- */

struct kernel {
    double mean, sd;
};

struct estimator { /* of one dimension: a mixture with one kernel a point, and the prior */
    struct kernel *kernels;
    double *weight;   /* by choice */
    int n, n_choices; /* n_choices 0: a range */
};

static double below(double x) { return 0.5 * erfc(-x / sqrt(2)); } /* of the standard normal */

/* Density in 0 to 1, where all of its mass is. */
static double density(const struct kernel *k, double x)
{
    double z = (x - k->mean) / k->sd;
    double mass = below((1 - k->mean) / k->sd) - below(-k->mean / k->sd);

    return exp(-0.5 * z * z) / (k->sd * sqrt(2 * M_PI) * mass);
}

static int by_mean(const void *a, const void *b)
{
    double x = ((const struct kernel *)a)->mean, y = ((const struct kernel *)b)->mean;

    return x < y ? -1 : x > y;
}

/* As wide as the farther neighbour is away, within bounds, as in hyperopt. */
static void set_widths(struct kernel *k, int n)
{
    double least = 1 / fmin(100, 1 + n);

    qsort(k, (size_t)n, sizeof *k, by_mean);
    for (int i = 0; i < n; i++) {
        double left = k[i].mean - (i ? k[i - 1].mean : 0);
        double right = (i + 1 < n ? k[i + 1].mean : 1) - k[i].mean;
        k[i].sd = fmin(1, fmax(least, fmax(left, right)));
    }
}

static int estimate(struct pool *p, const struct dimension *d, int dim, const struct point *points,
                    const int *which, int n, struct estimator *e)
{
    *e = (struct estimator){.n = n + 1, .n_choices = d->n_choices};
    if (d->n_choices) {
        e->weight = pool_alloc(p, (size_t)d->n_choices * sizeof *e->weight);
        for (int c = 0; e->weight && c < d->n_choices; c++)
            e->weight[c] = 1.0 / (n + 1) / d->n_choices;
        for (int i = 0; e->weight && i < n; i++)
            e->weight[(int)points[which[i]].at[dim]] += 1.0 / (n + 1);
        return e->weight ? RN_OK : RN_ENOMEM;
    }
    e->kernels = pool_alloc(p, (size_t)(n + 1) * sizeof *e->kernels);
    if (!e->kernels)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++)
        e->kernels[i].mean = points[which[i]].at[dim];
    set_widths(e->kernels, n);
    e->kernels[n] = (struct kernel){0.5, 1}; /* the prior */
    return RN_OK;
}

static double log_density(const struct estimator *e, double x)
{
    double sum = 0;

    if (e->n_choices)
        return log(e->weight[(int)x]);
    for (int i = 0; i < e->n; i++)
        sum += density(&e->kernels[i], x) / e->n;
    return log(sum);
}

/* From u, and more numbers where a kernel reaches out of the range. */
static double draw(const struct estimator *e, const struct sweep_spec *s, int64_t k, uint64_t where)
{
    double u = uniform(s, k, where, 0);

    if (e->n_choices) {
        int c = 0;
        while (c + 1 < e->n_choices && (u -= e->weight[c]) >= 0)
            c++;
        return c;
    }
    const struct kernel *kernel = &e->kernels[(int)fmin(u * e->n, e->n - 1)];
    for (uint64_t again = 1; again < 64; again++) {
        uint64_t key = rng_key((uint64_t)s->o.seed, RNG_SEARCH, (uint64_t)k);
        double x = kernel->mean + kernel->sd * rng_normal(key, where * 64 + again);
        if (x >= 0 && x < 1)
            return x;
    }
    return kernel->mean;
}

/* ---- the choice ----------------------------------------------------------- */

/* The numbers of the points, best first; those without a cost last, as they came. */
static void rank(const struct point *seen, int64_t n, int *order)
{
    for (int i = 0; i < n; i++) {
        int at = i;
        double cost = isnan(seen[i].cost) ? INFINITY : seen[i].cost;
        while (at > 0 &&
               (isnan(seen[order[at - 1]].cost) ? INFINITY : seen[order[at - 1]].cost) > cost) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

static int build(struct pool *p, const struct sweep_spec *s, const struct point *seen, int64_t n,
                 int good, struct estimator **out)
{
    int *order = pool_alloc(p, (size_t)n * sizeof *order);
    struct estimator *e = pool_alloc(p, 2 * (size_t)s->n_space * sizeof *e);

    if (!order || !e)
        return RN_ENOMEM;
    rank(seen, n, order);
    for (int d = 0; d < s->n_space; d++) {
        TRY(estimate(p, &s->space[d], d, seen, order, good, &e[2 * d]));
        TRY(estimate(p, &s->space[d], d, seen, order + good, (int)n - good, &e[2 * d + 1]));
    }
    *out = e;
    return RN_OK;
}

int search_tpe(struct pool *p, const struct sweep_spec *s, const struct point *seen, int64_t n,
               int64_t k, double *at)
{
    int64_t known = 0;
    double best = -INFINITY, *tried;
    struct estimator *e;

    for (int64_t i = 0; i < n; i++)
        known += isfinite(seen[i].cost);
    if (known < SEARCH_STARTUP) {
        search_random(s, k, at);
        return RN_OK;
    }
    int good = (int)ceil(0.25 * (double)known);
    TRY(build(p, s, seen, n, good < 25 ? good : 25, &e));
    if (!(tried = pool_alloc(p, (size_t)s->n_space * sizeof *tried)))
        return RN_ENOMEM;
    for (uint64_t c = 0; c < SEARCH_CANDIDATES; c++) {
        double gain = 0;
        for (int d = 0; d < s->n_space; d++) {
            tried[d] = draw(&e[2 * d], s, k, 1 + c * (uint64_t)s->n_space + (uint64_t)d);
            gain += log_density(&e[2 * d], tried[d]) - log_density(&e[2 * d + 1], tried[d]);
        }
        if (gain > best) {
            best = gain;
            memcpy(at, tried, (size_t)s->n_space * sizeof *tried);
        }
    }
    return RN_OK;
}
