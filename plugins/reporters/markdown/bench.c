/* bench.c - report.md of a benchmark: what can be said, times, whether the devices agree. */
#include "page.h"

#include <math.h>
#include <stdio.h>

static void put_megabytes(struct rn_text *p, double bytes)
{
    if (bytes < 1e7)
        emit(p, "%g | ", bytes / 1e6);
    else
        emit(p, "%0 | ", bytes / 1e6); /* a dash for NaN */
}

static void put_time(struct rn_text *p, const struct rn_bench *b, const struct rn_bench_time *x)
{
    const struct rn_bench_variant *v = &b->variants[x->variant];

    emit(p, "| %I | %s | ", x->batch, v->name);
    if (isnan(x->median)) {
        emit(p, "– | – | – | – | – | %s |\n",
             v->unusable ? "cannot be used"
             : x->why    ? x->why
                         : "");
        return;
    }
    emit(p, "%I | ", (int64_t)llround(x->samples_per_s));
    if (x->variant == b->reference)
        emit(p, "reference");
    else if (isnan(x->speedup))
        emit(p, "–");
    else if (isnan(x->speedup_low))
        emit(p, "%g", x->speedup);
    else
        emit(p, "%g (%g to %g)", x->speedup, x->speedup_low, x->speedup_high);
    if (isnan(x->low))
        emit(p, " | %g | ", x->median);
    else
        emit(p, " | %g (%g to %g) | ", x->median, x->low, x->high);
    put_megabytes(p, x->host_bytes);
    put_megabytes(p, x->device_bytes);
    emit(p, "%s |\n", x->why ? x->why : "");
}

static void put_known(struct rn_text *p, const struct rn_bench *b, const struct rn_bench_known *k)
{
    emit(p, "For comparison, from elsewhere: %s, %2 s for an epoch", k->name, k->epoch_s);
    if (k->samples)
        emit(p, " of %I samples.\n\n", k->samples);
    else
        emit(p, "; its samples are not known, the figure takes as many as here, %I.\n\n",
             b->samples);
}

static void put_times(struct rn_text *p, const struct rn_bench *b)
{
    emit(p,
         "## Speed\n\n| batch | variant | samples/s | times as fast | epoch, s | memory, MB | on "
         "the device, MB | note |\n|---:|---|---:|---:|---:|---:|---:|---|\n");
    for (int64_t i = 0; i < b->n_times; i++)
        put_time(p, b, &b->times[i]);
    emit(p,
         "\nTraining steps of an epoch of %I samples, without validation and files: the median, in "
         "brackets the quartiles. Warm-up: %I epoch%r of each process.\n\n",
         b->samples, b->warmup, b->warmup == 1 ? "" : "s");
    for (int64_t i = 0; i < b->n_known; i++)
        put_known(p, b, &b->known[i]);
}

static void put_number(struct rn_text *p, double v)
{
    if (isnan(v))
        emit(p, "– | ");
    else
        emit(p, "%g | ", v);
}

static void put_agreement(struct rn_text *p, const struct rn_bench *b, const struct rn_agreement *a)
{
    if (a->why || !a->n_layers)
        return;
    emit(p,
         "## %s against %s, layer by layer\n\n| layer | type | output, step 1 | gradient, step 1 | "
         "output, step %I | gradient, step %I |\n|---|---|---:|---:|---:|---:|\n",
         b->variants[a->variant].name, b->variants[b->reference].name, a->steps, a->steps);
    for (int64_t i = 0; i < a->n_layers; i++) {
        const struct rn_agreed *l = &a->layers[i];
        emit(p, "| %s | %s | ", l->name, l->type);
        for (int at = 0; at < 2; at++) {
            put_number(p, l->output[at]);
            put_number(p, l->gradient[at]);
        }
        emit(p, "\n");
    }
    emit(p, "\nLargest difference as a share of the largest value.\n\n");
}

int bench_markdown(const struct rn_bench *b, const char *dir, const char *figures)
{
    struct rn_text p = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.md", dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "markdown: the path %s is too long", dir);
    emit(&p, "# %s\n\n", b->name);
    if (*b->description)
        emit(&p, "%s\n\n", b->description);
    for (int64_t i = 0; i < b->n_findings; i++)
        emit(&p, "- %s\n", b->findings[i].text);
    emit(&p, "%r", b->n_findings ? "\n" : "");
    for (int64_t i = 0; i < b->n_figures; i++)
        emit(&p, "![%s](figures/%r.%r)\n\n", b->figures[i].alt, b->figures[i].name, figures);
    put_times(&p, b);
    for (int64_t i = 0; i < b->n_agreements; i++)
        put_agreement(&p, b, &b->agreements[i]);
    emit(&p, "## Where it was measured\n\n| | |\n|---|---|\n");
    for (int64_t i = 0; i < b->n_variants; i++)
        emit(&p, "| %s | %s%s |\n", b->variants[i].name,
             b->variants[i].unusable ? "cannot be used: " : "",
             b->variants[i].unusable ? b->variants[i].unusable : b->variants[i].device);
    for (int64_t i = 0; i < b->n_conditions; i++)
        emit(&p, "| %s | %s |\n", b->conditions[i].key, b->conditions[i].value);
    emit(&p, "\nAll numbers: report.html, bench.json, figures/\\*.csv.\n");
    int status = p.status ? p.status : rn_host->write_file(path, p.s, p.n);
    rn_host->free(p.s);
    return status;
}
