/* bench.c - what follows from the times of a benchmark: medians, quartiles, speed-ups. */
#define _XOPEN_SOURCE 700
#include "bench.h"

#include "base/error.h"
#include "base/file.h"
#include "report.h"

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
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", per_s), at = 0;

    if (!isfinite(per_s) || n > 20)
        return "";
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
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
    t->low = quantile(sorted, t->n, 0.25);
    t->median = quantile(sorted, t->n, 0.5);
    t->high = quantile(sorted, t->n, 0.75);
    t->samples_per_s = (double)b->view.samples / t->median;
    return RN_OK;
}

static void derive_speedup(const struct rn_bench *b, struct rn_bench_time *t, int64_t batch)
{
    const struct rn_bench_time *r = bench_time(b, batch, b->reference);

    t->speedup = r->median / t->median;
    t->speedup_low = r->low / t->high;
    t->speedup_high = r->high / t->low;
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
