/* bench.h - devices side by side: from what was timed to medians, speed-ups, sentences, figures and
 * bench.json. Who measures fills the plain facts in; bench_derive() makes the rest of them. */
#ifndef REPORT_BENCH_H
#define REPORT_BENCH_H

#include "base/mem.h"

#include <runner/reporter.h>

#define BENCH_FILE "bench.json"

#define BENCH_KNOWN_MAX 6 /* as many lines as a chart has for them */

struct bench {
    struct rn_bench view; /* its lists are those below as far as they are here */
    struct pool *p;       /* what lives as long */
    struct pool *drawn;   /* findings and figures, made anew each time */
    const char *dir;
    double load; /* of the machine, before; NaN: not known */
    int cores;
    struct rn_bench_variant *variants;
    struct rn_bench_time *times; /* by size of batch, which ascends, then variant */
    struct rn_agreement *agreements;
};

/* Medians, speed-ups, findings, figures, from epochs, why, unusable and agreements. */
int bench_derive(struct bench *b);
/* bench.json and figures/<name>.svg, .csv in its folder. */
int bench_write(struct bench *b);
void bench_json(const struct bench *b, struct text *out);
void bench_free(struct bench *b); /* the pools */

/* ---- parts ---------------------------------------------------------------- */

/* The q-th part of n sorted values, between two of them by its share. */
double quantile(const double *sorted, int64_t n, double q);
const struct rn_bench_time *bench_time(const struct rn_bench *b, int64_t batch, int64_t variant);
static inline int64_t bench_batches(const struct rn_bench *b)
{
    return b->n_variants ? b->n_times / b->n_variants : 0;
}
/* "189,432" */
const char *bench_rate(double per_s, char out[32]);
int bench_words(struct bench *b);   /* bench_words.c */
int bench_figures(struct bench *b); /* bench_figures.c */

#endif
