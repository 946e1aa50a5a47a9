/* tensorboard.c - event files for TensorBoard: measurements of each split in a folder of its own,
 * so that their curves lie over one another; beside them parameters by epoch, pictures, and the
 * run's values with its last metrics for the HPARAMS tab. Times are those of the run, and names of
 * files come from it, too: the same run written again gives the same files. */
#define _GNU_SOURCE
#include "events.h"

#include <runner/reporter.h>

#include <time.h>

struct options {
    const char *dir;
};

static const char *const splits[] = {"train", "fit", "val", "test"};
#define SPLITS (sizeof splits / sizeof *splits)

struct tensorboard {
    double began, last; /* Unix time of the start; seconds until the newest measurement */
    int64_t told, step; /* the newest epoch whose parameters were written; steps done */
    struct events own;  /* what belongs to no split */
    struct events split[SPLITS];
};

/* ---- time ----------------------------------------------------------------- */

/* "2026-09-14T13:30:12Z"; anything else is now. */
static double unix_time(const char *s)
{
    struct tm t = {0};

    return (double)(s && strptime(s, "%Y-%m-%dT%H:%M:%SZ", &t) ? timegm(&t) : time(NULL));
}

/* The seconds at which an epoch was over. */
static double epoch_end(const struct rn_report *r, int64_t epoch, int64_t *step)
{
    double s = 0;

    for (int64_t i = 0; i < r->n_epochs && r->epochs[i].epoch <= epoch; i++) {
        s += isfinite(r->epochs[i].train_s) ? r->epochs[i].train_s : 0;
        s += isfinite(r->epochs[i].val_s) ? r->epochs[i].val_s : 0;
        *step = r->epochs[i].step;
    }
    return s;
}

/* ---- measurements --------------------------------------------------------- */

static int tb_record(void *rep, const struct rn_record *m)
{
    struct tensorboard *t = rep;
    struct events *e = &t->own;

    t->last = isfinite(m->seconds) ? m->seconds : t->last;
    t->step = m->step;
    for (size_t i = 0; i < SPLITS; i++)
        if (!strcmp(m->split, splits[i]))
            e = &t->split[i];
    for (uint32_t i = 0; i < m->n_metrics; i++)
        RN_TRY(
            events_scalar(e, t->began + t->last, m->step, m->metrics[i].name, m->metrics[i].value));
    return RN_OK;
}

static int flush_all(struct tensorboard *t)
{
    int status = events_flush(&t->own);

    for (size_t i = 0; i < SPLITS; i++) {
        int s = events_flush(&t->split[i]);
        status = status < 0 ? status : s;
    }
    return status;
}

static int tb_flush(void *rep) { return flush_all(rep); }

/* ---- parameters ----------------------------------------------------------- */

static int put_named(struct tensorboard *t, double wall, int64_t step, const char *group,
                     const char *name, double v)
{
    struct rn_text tag = {0};

    rn_text_add(&tag, "%s/%s", group, name);
    int status = tag.status ? tag.status : events_scalar(&t->own, wall, step, tag.s, v);
    rn_host->free(tag.s);
    return status;
}

/* The sum of the values is taken from the middles of the bins; their squares are known. */
static int put_histogram(struct tensorboard *t, double wall, int64_t step,
                         const struct rn_param_fact *p)
{
    struct rn_text value = {0}, histogram = {0}, limits = {0}, counts = {0}, tag = {0}, all = {0};
    double width = (p->most - p->least) / RN_BINS, n = 0, sum = 0;

    for (int i = 0; i < RN_BINS; i++) {
        n += (double)p->bins[i];
        sum += (double)p->bins[i] * (p->least + (i + 0.5) * width);
        proto_double(&all, 1, i == RN_BINS - 1 ? p->most : p->least + (i + 1) * width);
        rn_text_put(&limits, all.s + all.n - 8, all.status ? 0 : 8); /* packed: without its key */
        all.n = 0;
        proto_double(&all, 1, (double)p->bins[i]);
        rn_text_put(&counts, all.s + all.n - 8, all.status ? 0 : 8);
        all.n = 0;
    }
    const double head[] = {p->least, p->most, n, sum, p->weight_norm * p->weight_norm};
    for (unsigned i = 0; i < 5; i++)
        proto_double(&histogram, i + 1, head[i]);
    proto_message(&histogram, 6, &limits);
    proto_message(&histogram, 7, &counts);
    rn_text_add(&tag, "parameters/%s", p->name);
    proto_text(&value, 1, tag.status ? "" : tag.s);
    proto_message(&value, 5, &histogram);
    int status = tag.status ? tag.status : all.status;
    rn_host->free(tag.s);
    rn_host->free(all.s);
    int added = events_add(&t->own, wall, step, &value);
    return status ? status : added;
}

static int put_parameters(struct tensorboard *t, const struct rn_report *r)
{
    int64_t newest = t->told;

    for (int64_t i = 0; i < r->n_params; i++) {
        const struct rn_param_fact *p = &r->params[i];
        int64_t step = 0;

        if (p->epoch <= t->told)
            continue;
        double wall = t->began + epoch_end(r, p->epoch, &step);
        newest = p->epoch;
        RN_TRY(put_named(t, wall, step, "gradient_norm", p->name, p->grad_norm));
        if (p->weight_norm > 0)
            RN_TRY(
                put_named(t, wall, step, "update_ratio", p->name, p->update_norm / p->weight_norm));
        if (p->bins && isfinite(p->least) && isfinite(p->most))
            RN_TRY(put_histogram(t, wall, step, p));
    }
    for (int64_t i = 0; i < r->n_units; i++) {
        const struct rn_units_fact *u = &r->units[i];
        int64_t step = 0;

        if (u->epoch <= t->told || !u->n)
            continue;
        double wall = t->began + epoch_end(r, u->epoch, &step);
        RN_TRY(
            put_named(t, wall, step, "silent_units", u->layer, (double)u->silent / (double)u->n));
    }
    t->told = newest;
    return RN_OK;
}

static int tb_epoch(void *rep, const struct rn_report *r)
{
    RN_TRY(put_parameters(rep, r));
    return flush_all(rep);
}

/* ---- the HPARAMS tab ------------------------------------------------------ */

static bool is_number(const char *s, double *v)
{
    char *end;

    *v = strtod(s, &end);
    return *s && !*end && isfinite(*v);
}

/* google.protobuf.Value: 2 number, 3 string, 4 bool */
static void put_value(struct rn_text *t, const char *s)
{
    double number;

    if (!strcmp(s, "true") || !strcmp(s, "false"))
        proto_int(t, 4, *s == 't');
    else if (is_number(s, &number))
        proto_double(t, 2, number);
    else
        proto_text(t, 3, s);
}

/* A summary value without a value, whose metadata carry the message for the plugin `hparams`. */
static int put_session(struct tensorboard *t, const char *tag, unsigned field,
                       struct rn_text *message, double wall, int64_t step)
{
    struct rn_text value = {0}, metadata = {0}, plugin = {0}, content = {0};

    proto_message(&content, field, message);
    proto_text(&plugin, 1, "hparams");
    proto_message(&plugin, 2, &content);
    proto_message(&metadata, 1, &plugin);
    proto_text(&value, 1, tag);
    proto_message(&value, 9, &metadata);
    return events_add(&t->own, wall, step, &value);
}

static int begin_session(struct tensorboard *t, const struct rn_report *r)
{
    struct rn_text start = {0};

    for (int64_t i = 0; i < r->n_changed; i++) {
        struct rn_text entry = {0}, value = {0};
        proto_text(&entry, 1, r->changed[i].key);
        put_value(&value, r->changed[i].value);
        proto_message(&entry, 2, &value);
        proto_message(&start, 1, &entry);
    }
    proto_text(&start, 4, r->id);
    proto_double(&start, 5, t->began);
    return put_session(t, "_hparams_/session_start_info", 3, &start, t->began, 0);
}

static int end_session(struct tensorboard *t, const struct rn_report *r)
{
    struct rn_text end = {0};
    double wall = t->began + t->last;

    proto_int(&end, 1, !strcmp(r->status, "finished") ? 1 : 2); /* success, failure */
    proto_double(&end, 2, wall);
    return put_session(t, "_hparams_/session_end_info", 4, &end, wall, t->step);
}

/* ---- the end -------------------------------------------------------------- */

static int put_final(struct tensorboard *t, const struct rn_report *r)
{
    const struct rn_test *test = r->test;
    const struct rn_epoch *best = NULL;

    for (int64_t i = 0; i < r->n_epochs; i++)
        best = r->epochs[i].epoch == r->best_epoch ? &r->epochs[i] : best;
    const struct rn_metric m[] = {{"test.loss", test ? test->loss : NAN},
                                  {"test.accuracy", test ? test->accuracy : NAN},
                                  {"test.macro_f1", test ? test->macro_f1 : NAN},
                                  {"best.val.loss", best ? best->val_loss : NAN},
                                  {"best.val.accuracy", best ? best->val_accuracy : NAN}};
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        if (isfinite(m[i].value))
            RN_TRY(put_named(t, t->began + t->last, t->step, "final", m[i].name, m[i].value));
    return RN_OK;
}

static uint32_t big32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The pictures of test samples. Size and kind stand in the head of the PNG. */
static int put_pictures(struct tensorboard *t, const struct rn_report *r)
{
    const struct rn_test *test = r->test;
    struct rn_text value = {0}, image = {0};

    if (!test || !test->sprite || test->sprite_bytes < 33)
        return RN_OK;
    proto_int(&image, 1, big32(test->sprite + 20)); /* height */
    proto_int(&image, 2, big32(test->sprite + 16));
    proto_int(&image, 3, test->picture_channels);
    proto_bytes(&image, 4, test->sprite, (size_t)test->sprite_bytes);
    proto_text(&value, 1, "test/pictures");
    proto_message(&value, 4, &image);
    return events_add(&t->own, t->began + t->last, t->step, &value);
}

static int tb_end(void *rep, const struct rn_report *r)
{
    RN_TRY(put_parameters(rep, r));
    RN_TRY(put_pictures(rep, r));
    RN_TRY(put_final(rep, r));
    RN_TRY(end_session(rep, r));
    return flush_all(rep);
}

/* ---- opening -------------------------------------------------------------- */

static void tb_close(void *rep)
{
    struct tensorboard *t = rep;

    flush_all(t); /* after an error elsewhere: what was measured stays */
    events_close(&t->own);
    for (size_t i = 0; i < SPLITS; i++)
        events_close(&t->split[i]);
    rn_host->free(t);
}

static int open_files(struct tensorboard *t, const char *dir, const struct rn_report *r)
{
    int64_t attempt = r->resumed_records ? r->attempt : 1, step = r->resumed_step;

    RN_TRY(events_open(&t->own, dir, t->began, r->id, attempt, step));
    for (size_t i = 0; i < SPLITS; i++) {
        struct rn_text path = {0};
        rn_text_add(&path, "%s/%s", dir, splits[i]);
        int status = path.status
                         ? path.status
                         : events_open(&t->split[i], path.s, t->began, r->id, attempt, step);
        rn_host->free(path.s);
        RN_TRY(status);
    }
    return RN_OK;
}

static int tb_open(const void *opts, const struct rn_report *r, void **out)
{
    const struct options *o = opts;
    struct tensorboard *t = rn_host->alloc(sizeof *t);
    struct rn_text dir = {0};

    *out = NULL;
    if (!t)
        return RN_FAIL(RN_ENOMEM, "tensorboard: out of memory");
    t->began = unix_time(r->started);
    if (r->resumed_records && r->n_epochs) /* an earlier attempt told them */
        t->told = r->epochs[r->n_epochs - 1].epoch;
    if (o->dir)
        rn_text_add(&dir, "%s/%s/%s", o->dir, r->name, r->id);
    else
        rn_text_add(&dir, "%s/tb", r->dir);
    int status = dir.status ? dir.status : open_files(t, dir.s, r);
    rn_host->free(dir.s);
    status = status < 0 ? status : begin_session(t, r);
    status = status < 0 ? status : flush_all(t); /* it is there from the start */
    if (status < 0)
        tb_close(t);
    else
        *out = t;
    return status;
}

static const struct rn_option options[] = {
    RN_PATH(struct options, dir, NULL, 0,
            "a folder for many runs: dir/<name>/<id>; by default tb/ in the run folder"),
    RN_END,
};

static const struct rn_reporter_ops ops = {.size = sizeof ops,
                                           .open = tb_open,
                                           .record = tb_record,
                                           .epoch = tb_epoch,
                                           .end = tb_end,
                                           .close = tb_close,
                                           .flush = tb_flush};

static const struct rn_plugin tensorboard = {
    RN_PLUGIN_HEAD(RN_KIND_REPORTER, struct options),
    .priority = 5,
    .name = "tensorboard",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "event files for TensorBoard: curves, histograms, pictures, hyperparameters",
    .doc = "One folder for each split, so that their curves lie over one another; gradient norms,\n"
           "update ratios, silent units and histograms of the parameters once an epoch; test\n"
           "pictures and final metrics at the end. HPARAMS shows what differs from the defaults.\n"
           "  tensorboard --logdir reports",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&tensorboard);
