/* bench.c - what follows from the times of a benchmark: medians, quartiles, speed-ups. */
#define _XOPEN_SOURCE 700
#include "bench.h"

#include "base/error.h"
#include "base/file.h"
#include "report.h"

#include <runner/text.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double quantile(const double *sorted, int64_t n, double q)
{
    double at = q * (double)(n - 1);
    int64_t low = (int64_t)at;

    if (!n)
        return NAN;
    return low + 1 < n ? sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low])
                       : sorted[n - 1];
}

const struct rn_bench_time *bench_time(const struct rn_bench *b, int64_t batch, int64_t variant)
{
    return &b->times[batch * b->n_variants + variant];
}

const char *bench_rate(double per_s, char out[32])
{
    return fabs(per_s) < 1e15 ? rn_grouped(llround(per_s), out) : "";
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int derive_time(struct bench *b, struct rn_bench_time *t)
{
    double *sorted = pool_alloc(b->drawn, (size_t)t->n * sizeof *sorted + 1);

    if (!sorted)
        return RN_ENOMEM;
    if (t->n) {
        memcpy(sorted, t->epochs, (size_t)t->n * sizeof *sorted);
        qsort(sorted, (size_t)t->n, sizeof *sorted, by_value);
    }
    t->low = t->n > 1 ? quantile(sorted, t->n, 0.25) : (double)NAN;
    t->median = quantile(sorted, t->n, 0.5);
    t->high = t->n > 1 ? quantile(sorted, t->n, 0.75) : (double)NAN;
    t->samples_per_s = (double)t->samples / t->median;
    return RN_OK;
}

static void derive_speedup(const struct rn_bench *b, struct rn_bench_time *t, int64_t batch)
{
    const struct rn_bench_time *r = bench_time(b, batch, b->reference);
    double size = (double)t->samples / (double)r->samples;

    t->speedup = size * r->median / t->median;
    t->speedup_low = size * r->low / t->high;
    t->speedup_high = size * r->high / t->low;
}

int bench_derive(struct bench *b)
{
    pool_free(b->drawn);
    b->drawn = pool_new();
    if (!b->drawn)
        return RN_ENOMEM;
    b->view.size = sizeof b->view;
    b->view.variants = b->variants;
    b->view.times = b->times;
    b->view.agreements = b->agreements;
    for (int64_t i = 0; i < b->view.n_times; i++)
        TRY(derive_time(b, &b->times[i]));
    for (int64_t i = 0; i < b->view.n_times; i++)
        derive_speedup(&b->view, &b->times[i], i / b->view.n_variants);
    TRY(bench_words(b));
    return bench_figures(b);
}

int bench_write(struct bench *b)
{
    char path[PATH_MAX];
    struct text t = {0};

    TRY(figures_write(b->dir, b->view.figures, b->view.n_figures));
    if (snprintf(path, sizeof path, "%s/" BENCH_FILE, b->dir) >= (int)sizeof path)
        return FAIL(RN_EIO, "%s: the path is too long", b->dir);
    bench_json(b, &t);
    int status = t.status ? t.status : file_write_soon(path, text_str(&t), t.n);
    text_free(&t);
    return status;
}

void bench_free(struct bench *b)
{
    pool_free(b->drawn);
    pool_free(b->p);
    b->drawn = b->p = NULL;
}
