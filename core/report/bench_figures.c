/* bench_figures.c - the figure of a benchmark: samples per second by batch size and variant. A
 * device that can't be used has no bar: it is named. */
#include "bench.h"

#include "base/error.h"
#include "chart.h"
#include "escape.h"
#include "figures.h"
#include "svg.h"

#include <math.h>

struct drawing {
    struct bench *b;
    struct chart_bar *bars;
    int64_t n;
    struct text svg, csv, alt;
};

static int add_bar(struct drawing *d, const struct rn_bench_time *t)
{
    const struct rn_bench *b = &d->b->view;
    const char *variant = b->variants[t->variant].name;
    struct chart_bar *bar = &d->bars[d->n++];
    double samples = (double)t->samples;
    char rate[32];

    *bar = (struct chart_bar){
        .name = pool_printf(d->b->drawn, "%lld, %s", (long long)t->batch, variant),
        .value = pool_strdup(d->b->drawn, bench_rate(t->samples_per_s, rate)),
        .low = samples / t->high,
        .high = samples / t->low};
    bar->part[b->n_variants <= CHART_PARTS ? t->variant : 0] = t->samples_per_s;
    text_add(&d->alt, "%s with batches of %lld: %s samples/s. ", variant, (long long)t->batch,
             rate);
    text_add(&d->csv, "%lld,", (long long)t->batch);
    escape_csv(&d->csv, variant);
    put_cell(&d->csv, t->samples_per_s);
    put_cell(&d->csv, samples / t->high);
    put_cell(&d->csv, samples / t->low);
    put_cell(&d->csv, t->median);
    put_cell(&d->csv, t->speedup);
    text_add(&d->csv, "\n");
    return bar->name && bar->value ? RN_OK : RN_ENOMEM;
}

/* Who has no bar; NULL: nobody, or out of memory. */
static const char *left_out(struct drawing *d, int *status)
{
    const struct rn_bench *b = &d->b->view;
    struct text t = {0};

    for (int64_t i = 0; i < b->n_variants; i++)
        if (b->variants[i].unusable)
            text_add(&t, "%s%s cannot be used: %s", t.n ? "; " : "", b->variants[i].name,
                     b->variants[i].unusable);
    const char *s = t.n && !t.status ? pool_strdup(d->b->drawn, text_str(&t)) : NULL;
    *status = t.status || (t.n && !s) ? RN_ENOMEM : RN_OK;
    if (s)
        text_add(&d->alt, "%s. ", s);
    text_free(&t);
    return s;
}

static int put_levels(struct drawing *d, struct chart_level *levels)
{
    const struct rn_bench *b = &d->b->view;
    char rate[32];

    for (int64_t i = 0; i < b->n_known; i++) {
        const struct rn_bench_known *k = &b->known[i];
        int64_t samples = k->samples ? k->samples : b->samples;
        levels[i] = (struct chart_level){k->name, (double)samples / k->epoch_s, (int)(i % 3) + 3};
        bench_rate(levels[i].at, rate);
        text_add(&d->alt, "For comparison, %s: %s samples/s%s. ", k->name, rate,
                 k->samples ? "" : ", if its epoch had as many samples as here");
        text_add(&d->csv, ",");
        escape_csv(&d->csv, k->name);
        put_cell(&d->csv, levels[i].at);
        text_add(&d->csv, ",,");
        put_cell(&d->csv, k->epoch_s);
        text_add(&d->csv, ",\n");
    }
    return RN_OK;
}

static int draw(struct drawing *d, struct rn_figure *out)
{
    struct rn_bench *b = &d->b->view;
    struct chart_level levels[BENCH_KNOWN_MAX];
    struct chart_bars c = {
        .head = {"Training speed by batch size and device", NULL,
                 "samples a second, by the median epoch; whiskers: the quartiles", NULL},
        .levels = levels,
        .n_levels = (int)b->n_known};
    int status;

    text_add(&d->csv, "batch,variant,samples_per_s,low,high,epoch_s,speedup\n");
    for (int64_t i = 0; i < b->n_times; i++)
        if (b->times[i].n)
            TRY(add_bar(d, &b->times[i]));
    c.head.note = left_out(d, &status);
    TRY(status);
    if (!d->n)
        return RN_OK; /* nothing was timed: no chart of nothing */
    TRY(put_levels(d, levels));
    for (int64_t i = 0; i < b->n_variants && b->n_variants <= CHART_PARTS; i++)
        c.part_names[i] = b->variants[i].unusable ? NULL : b->variants[i].name;
    c.head.desc = text_str(&d->alt);
    c.bars = d->bars;
    c.n = d->n;
    status = chart_bars(&d->svg, &c);
    status = figure_keep(d->b->drawn, out, "cpu_vs_gpu", c.head.title, status, &d->svg, &d->csv,
                         &d->alt);
    b->n_figures = status ? 0 : 1;
    return status;
}

int bench_figures(struct bench *b)
{
    struct rn_figure *figure = pool_alloc(b->drawn, sizeof *figure);
    struct drawing d = {.b = b,
                        .bars = pool_alloc(b->drawn, (size_t)b->view.n_times * sizeof *d.bars + 1)};

    b->view.figures = figure;
    b->view.n_figures = 0;
    int status = figure && d.bars ? draw(&d, figure) : RN_ENOMEM;
    text_free(&d.svg);
    text_free(&d.csv);
    text_free(&d.alt);
    return status;
}
