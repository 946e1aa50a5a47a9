/* bench.c - the parts of a benchmark in their order: plan, folder, measurements, comparison, pages.
 */
#define _DEFAULT_SOURCE
#include "bench.h"

#include "base/error.h"
#include "base/file.h"
#include "base/stop.h"
#include "measure.h"
#include "run/env.h"
#include "run/folder.h"
#include "run/rebuild.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_plan(struct pool *p, struct registry *r, const struct bench_args *args,
                     struct benching *x, struct diag **diag)
{
    *x = (struct benching){.args = args};
    int status = bench_spec_read(p, args->file, &args->words, &x->spec);
    *diag = x->spec.diag;
    TRY(status);
    return bench_plan(&x->spec, r, &x->plan);
}

int bench_show(struct pool *p, struct registry *r, const struct bench_args *args,
               struct diag **diag, struct text *out)
{
    struct benching x;

    TRY(open_plan(p, r, args, &x, diag));
    int64_t processes = x.plan.n_points * x.spec.measure.repeats;
    int64_t epochs = x.spec.o.warmup + x.spec.measure.epochs;
    text_add(out,
             "%s: good: a benchmark of %d variants with %d batch sizes, %lld processes of %lld "
             "epochs\n",
             args->file, x.spec.n_variants, bench_batch_count(&x.spec), (long long)processes,
             (long long)epochs);
    for (int v = 0; v < x.spec.n_variants; v++)
        if (x.plan.unusable[v])
            text_add(out, "%s cannot be used: %s\n", x.spec.variants[v].name, x.plan.unusable[v]);
    return out->status;
}

/* ---- the facts ------------------------------------------------------------ */

static int fill_times(struct benching *x)
{
    int64_t planned = x->spec.measure.epochs * x->spec.measure.repeats;
    size_t n = (size_t)x->plan.n_points;
    struct bench *b = x->b;

    b->times = pool_alloc(b->p, n * sizeof *b->times);
    b->variants = pool_alloc(b->p, (size_t)x->spec.n_variants * sizeof *b->variants);
    x->room = pool_alloc(b->p, n * (size_t)planned * sizeof *x->room);
    if (!b->times || !b->variants || !x->room)
        return RN_ENOMEM;
    for (int i = 0; i < x->plan.n_points; i++)
        b->times[i] = (struct rn_bench_time){.variant = i % x->spec.n_variants,
                                             .batch = x->plan.points[i].batch,
                                             .samples = x->plan.points[i].samples,
                                             .planned = planned,
                                             .host_bytes = NAN,
                                             .device_bytes = NAN};
    for (int v = 0; v < x->spec.n_variants; v++)
        b->variants[v] = (struct rn_bench_variant){.name = x->spec.variants[v].name,
                                                   .device = "",
                                                   .unusable = x->plan.unusable[v],
                                                   .required = x->spec.variants[v].required};
    return RN_OK;
}

/* Where it takes place, and how busy that is. */
static int fill_conditions(struct benching *x)
{
    struct bench *b = x->b;
    const struct rn_fact *env;
    int n;

    b->cores = env_cores();
    if (getloadavg(&b->load, 1) != 1)
        b->load = NAN;
    TRY(env_facts(b->p, &env, &n));
    struct rn_fact *all = pool_alloc(b->p, (size_t)(n + 1) * sizeof *all);
    if (!all)
        return RN_ENOMEM;
    memcpy(all, env, (size_t)n * sizeof *all);
    if (isfinite(b->load))
        all[n++] = (struct rn_fact){"load before", pool_printf(b->p, "%.2f", b->load)};
    b->view.conditions = all;
    b->view.n_conditions = n;
    return all[n - 1].value ? RN_OK : RN_ENOMEM;
}

/* Of the reference; where its device is not even known, of another. */
static int64_t samples_of(const struct benching *x)
{
    int64_t n = x->plan.samples[x->spec.reference];

    for (int v = 0; v < x->spec.n_variants && !n; v++)
        n = x->plan.samples[v];
    return n;
}

static int fill(struct benching *x)
{
    const struct bench_spec *s = &x->spec;

    x->b->view = (struct rn_bench){.name = s->name,
                                   .description = s->description,
                                   .file = s->file,
                                   .command = x->args->command,
                                   .status = "running",
                                   .samples = samples_of(x),
                                   .warmup = s->o.warmup,
                                   .n_variants = s->n_variants,
                                   .reference = s->reference,
                                   .n_times = x->plan.n_points,
                                   .known = s->known,
                                   .n_known = s->n_known};
    TRY(fill_times(x));
    return fill_conditions(x);
}

/* ---- the folder ----------------------------------------------------------- */

static int write_plan(const struct benching *x)
{
    static const char *const inside[] = {"plan", "logs", "runs", "figures"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", x->b->dir, inside[i]);
        TRY(file_mkdirs(path));
    }
    for (int i = 0; i < x->plan.n_points; i++) {
        const struct bench_point *point = &x->plan.points[i];
        if (!point->config)
            continue;
        snprintf(path, sizeof path, "%s/plan/%s.yaml", x->b->dir, point->id);
        TRY(file_write_soon(path, point->config, strlen(point->config)));
    }
    return RN_OK;
}

/* What is empty goes: logs of what went well, and what the processes wrote. */
static void tidy(const struct benching *x)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/runs", x->b->dir);
    file_remove_tree(path);
    snprintf(path, sizeof path, "%s/logs", x->b->dir);
    remove(path); /* a folder with files in it stays */
}

static int page(void *ctx, const struct rn_reporter_ops *ops, const void *opts)
{
    struct bench *b = ctx;

    return ops->bench ? ops->bench(opts, &b->view, b->dir) : RN_OK;
}

static int measure_and_write(struct benching *x)
{
    TRY(write_plan(x));
    TRY(bench_derive(x->b));
    TRY(bench_write(x->b));
    TRY(measure_all(x));
    TRY(agree_all(x));
    x->b->view.status = stop_requested() ? "interrupted" : "finished";
    tidy(x);
    TRY(bench_derive(x->b));
    TRY(bench_write(x->b));
    return reporters_each(x->plan.registry, page, x->b);
}

static int code_of(const struct rn_bench *b)
{
    int code = 0;

    if (stop_requested())
        return stop_requested() == SIGINT ? 130 : 75;
    for (int64_t i = 0; i < b->n_agreements; i++)
        code = b->agreements[i].beyond ? 1 : code;
    for (int64_t i = 0; i < b->n_agreements; i++)
        code = b->agreements[i].why ? 9 : code;
    for (int64_t i = 0; i < b->n_times; i++)
        if (b->times[i].why && !b->times[i].n && !b->variants[b->times[i].variant].unusable)
            code = 9;
    for (int64_t i = 0; i < b->n_variants; i++)
        if (b->variants[i].unusable && b->variants[i].required)
            code = error_exit_code(RN_EDEVICE);
    return code;
}

int bench_run(struct pool *p, struct registry *r, const struct bench_args *args, struct diag **diag,
              int *exit_code, struct bench *out)
{
    struct benching x;
    struct folder folder;

    *out = (struct bench){.p = pool_new()};
    if (!out->p)
        return RN_ENOMEM;
    TRY(open_plan(p, r, args, &x, diag));
    x.b = out;
    screen_open(&x.screen, args->quiet);
    TRY(folder_create(p, args->root, x.spec.name, args->file, &folder));
    out->dir = folder.dir;
    int status = fill(&x);
    status = status < 0 ? status : measure_and_write(&x);
    folder_close(&folder);
    *exit_code = status < 0 ? 0 : code_of(&out->view);
    return status;
}
