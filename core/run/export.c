/* export.c - finds the run and the format, and tells a reporter a run that is over. */
#define _XOPEN_SOURCE 700
#include "export.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "export_model.h"
#include "names.h"
#include "report/report.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define METRICS_BYTES ((uint64_t)1 << 30)
#define METRICS_MAX   64 /* of one record */

/* ---- records -------------------------------------------------------------- */

typedef int each_fn(void *ctx, const struct rn_record *record);

/* False: no number, nor one of the texts that stand for what JSON has no number for. */
static bool get_number(const cJSON *v, double *out)
{
    const char *s = cJSON_GetStringValue(v);

    *out = s ? strtod(s, NULL) : v->valuedouble;
    return cJSON_IsNumber(v) ||
           (s && (!strcmp(s, "nan") || !strcmp(s, "inf") || !strcmp(s, "-inf")));
}

static double number_at(const cJSON *line, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(line, key);

    return cJSON_IsNumber(v) && fabs(v->valuedouble) < 1e15 ? v->valuedouble : 0;
}

/* A line that is none is left out: the last one may be torn. */
static int tell_line(const char *text, each_fn *each, void *ctx)
{
    cJSON *line = json_parse(text);
    const cJSON *named = cJSON_IsObject(line) ? line : NULL, *v; /* in a list nothing has a name */
    const char *split = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(named, "split"));
    struct rn_metric m[METRICS_MAX];
    struct rn_record r = {.size = sizeof r,
                          .split = split,
                          .step = (int64_t)number_at(line, "step"),
                          .epoch = (int64_t)number_at(line, "epoch"),
                          .seconds = number_at(line, "t"),
                          .metrics = m};
    bool metrics = false;
    double value;

    cJSON_ArrayForEach(v, named)
    {
        if (metrics && r.n_metrics < METRICS_MAX && get_number(v, &value))
            m[r.n_metrics++] = (struct rn_metric){v->string, value};
        metrics |= !strcmp(v->string, "split");
    }
    int status = split ? each(ctx, &r) : RN_OK;
    cJSON_Delete(line);
    return status;
}

static int tell_pass(const struct rn_report *r, const char *split, const struct rn_epoch *e,
                     double seconds, double loss, double accuracy, each_fn *each, void *ctx)
{
    struct rn_metric m[METRICS_MAX] = {{"loss", loss}};
    bool test = !strcmp(split, "test");
    uint32_t n = 1;

    if (isnan(loss))
        return RN_OK;
    if (!isnan(accuracy))
        m[n++] = (struct rn_metric){"accuracy", accuracy};
    if (!strcmp(split, "train"))
        m[n++] = (struct rn_metric){"lr", e->lr};
    for (int64_t i = 0; i < r->n_measures && n < METRICS_MAX; i++)
        if (!strcmp(r->measures[i].split, split) && r->measures[i].epoch == (test ? 0 : e->epoch))
            m[n++] = (struct rn_metric){r->measures[i].name, r->measures[i].value};
    return each(ctx, &(struct rn_record){.size = sizeof(struct rn_record),
                                         .n_metrics = n,
                                         .split = split,
                                         .step = e->step,
                                         .epoch = e->epoch,
                                         .seconds = seconds,
                                         .metrics = m});
}

static int tell_epochs(const struct rn_report *r, each_fn *each, void *ctx)
{
    double s = 0;

    for (int64_t i = 0; i < r->n_epochs; i++) {
        const struct rn_epoch *e = &r->epochs[i];
        s += isfinite(e->train_s) ? e->train_s : 0;
        TRY(tell_pass(r, "train", e, s, e->train_loss, e->train_accuracy, each, ctx));
        s += isfinite(e->val_s) ? e->val_s : 0;
        TRY(tell_pass(r, "fit", e, s, e->fit_loss, e->fit_accuracy, each, ctx));
        TRY(tell_pass(r, "val", e, s, e->val_loss, e->val_accuracy, each, ctx));
    }
    if (!r->test || !r->n_epochs)
        return RN_OK;
    return tell_pass(r, "test", &r->epochs[r->n_epochs - 1], s, r->test->loss, r->test->accuracy,
                     each, ctx);
}

int export_records(const struct rn_report *r, each_fn *each, void *ctx)
{
    char path[PATH_MAX];
    void *data;
    uint64_t n;
    int status = RN_OK;

    if (snprintf(path, sizeof path, "%s/metrics.jsonl", r->dir) >= (int)sizeof path ||
        !file_exists(path))
        return tell_epochs(r, each, ctx);
    TRY(file_read(path, METRICS_BYTES, &data, &n));
    for (char *line = data, *end; status >= 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        status = tell_line(line, each, ctx);
    }
    mem_free(data);
    return status;
}

/* ---- a reporter once more ------------------------------------------------- */

struct told {
    const struct plugin *plugin;
    void *handle;
};

static int tell_record(void *ctx, const struct rn_record *record)
{
    const struct told *t = ctx;

    return t->plugin->ops.reporter.record ? t->plugin->ops.reporter.record(t->handle, record)
                                          : RN_OK;
}

static int tell_all(const struct plugin *plugin, const void *opts, const struct rn_report *r)
{
    const struct rn_reporter_ops *ops = &plugin->ops.reporter;
    struct told t = {.plugin = plugin};

    int status = ops->open(opts, r, &t.handle);
    if (status >= 0) {
        status = export_records(r, tell_record, &t);
        if (status >= 0 && ops->epoch)
            status = ops->epoch(t.handle, r);
        if (status >= 0 && ops->end)
            status = ops->end(t.handle, r);
        ops->close(t.handle);
    }
    return status < 0 ? error_prefix(status, "reporter (%s)", plugin->name) : RN_OK;
}

/* `dir` as the option it is. */
static int reporter_options(struct export_job *job, const struct plugin *plugin, void **opts)
{
    struct diag *d = diag_new(job->p);
    struct node *map = tree_new(job->p, NODE_MAP, (struct mark){0}, "command line");
    struct node *dir = job->to ? tree_scalar(job->p, "dir", job->to, "command line") : NULL;
    struct text why = {0};

    if (!d || !map || (job->to && !dir))
        return RN_ENOMEM;
    if (dir)
        tree_add(map, dir);
    int status = options_parse(job->p, &plugin->options, map, (struct mark){0}, "export",
                               plugin->name, NULL, d, opts);
    if (status == RN_EINVAL) {
        diag_text(d, false, &why);
        FAIL(RN_EINVAL, "%s", text_str(&why));
    }
    text_free(&why);
    return status;
}

static bool has_dir(const struct plugin *plugin)
{
    return options_row(&plugin->options, "dir") != NULL;
}

static int export_reporter(struct export_job *job, const struct plugin *plugin)
{
    void *opts;

    TRY(reporter_options(job, plugin, &opts));
    TRY(tell_all(plugin, opts, job->r));
    text_add(job->said, "%s\n", job->to ? job->to : job->r->dir);
    return job->said->status;
}

/* ---- formats -------------------------------------------------------------- */

static int unknown_format(struct registry *reg, const char *format)
{
    const struct plugin *const *list;
    struct text names = {0};
    int n;

    int status = registry_all(reg, RN_KIND_REPORTER, &list, &n, NULL);
    for (int i = 0; !status && i < n; i++)
        if (has_dir(list[i]))
            text_add(&names, ", %s", list[i]->name);
    if (!status)
        status = FAIL(RN_EINVAL, "--to %s: no such format; expected one of %s, mlflow%s", format,
                      export_model_formats, text_str(&names));
    text_free(&names);
    return status;
}

/* Absolute, and there. */
static int make_target(struct export_job *job)
{
    char real[PATH_MAX];

    if (!job->to)
        return RN_OK;
    TRY(file_mkdirs(job->to));
    if (!realpath(job->to, real))
        return FAIL(RN_EIO, "%s: cannot be found after it was made", job->to);
    job->to = pool_strdup(job->p, real);
    return job->to ? RN_OK : RN_ENOMEM;
}

static int export_loaded(struct export_job *job, const struct plugin *reporter)
{
    if (!reporter && !job->to)
        job->to = "mlruns";
    TRY(make_target(job));
    return reporter ? export_reporter(job, reporter) : export_mlflow(job);
}

int export_run(struct registry *reg, const char *root, const char *word, const char *format,
               struct export_job *job)
{
    const struct plugin *reporter = NULL;
    struct run_name name;
    struct report *report;

    if (strcmp(format, "mlflow") != 0) {
        int status = registry_find(reg, RN_KIND_REPORTER, format, &reporter);
        if (status < 0 && status != RN_EPLUGIN)
            return status;
        if (status < 0 || !has_dir(reporter))
            return unknown_format(reg, format);
    }
    TRY(run_find(job->p, root, word, &name));
    TRY(report_load(name.dir, &report));
    job->r = report_view(report);
    int status = export_loaded(job, reporter);
    job->r = NULL;
    report_close(report);
    return status;
}
