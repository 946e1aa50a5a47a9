/* write.c - the report as files: summary.json, predictions.csv, epochs.csv and the figures. */
#include "facts.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "escape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void key(struct text *t, const char *name)
{
    char last = t->n ? t->s[t->n - 1] : '{';

    text_add(t, "%s\"%s\": ", last == '{' || last == '[' ? "" : ", ", name);
}

static void put_text(struct text *t, const char *name, const char *value)
{
    key(t, name);
    json_string(t, value);
}

static void put_real(struct text *t, const char *name, double value)
{
    key(t, name);
    json_number(t, value);
}

static void put_whole(struct text *t, const char *name, int64_t value)
{
    key(t, name);
    text_add(t, "%lld", (long long)value);
}

static void put_interval(struct text *t, double low, double high)
{
    key(t, "accuracy_interval");
    text_add(t, "[");
    json_number(t, low);
    text_add(t, ", ");
    json_number(t, high);
    text_add(t, "]");
}

static void line(struct text *t, const char *name) { text_add(t, ",\n  \"%s\": ", name); }

/* ---- summary.json --------------------------------------------------------- */

/* The further metrics of a split; macro_f1 of the test stands there already where it has classes.
 */
static void put_further(struct text *t, const struct rn_report *r, const char *split, int64_t epoch,
                        bool with_f1)
{
    for (int64_t i = 0; i < r->n_measures; i++) {
        const struct rn_measure *m = &r->measures[i];
        if (m->epoch == epoch && !strcmp(m->split, split) &&
            (with_f1 || strcmp(m->name, "macro_f1") != 0)) {
            text_add(t, ", ");
            json_string(t, m->name);
            text_add(t, ": ");
            json_number(t, m->value);
        }
    }
}

static void put_accuracy(struct text *t, int64_t n, double accuracy)
{
    double low, high;

    put_real(t, "accuracy", accuracy);
    wilson_interval((int64_t)llround(accuracy * (double)n), n, &low, &high);
    put_interval(t, low, high);
}

static void put_epoch(struct text *t, const char *name, const struct rn_report *r, int64_t row)
{
    const struct rn_epoch *e = &r->epochs[row];

    line(t, name);
    text_add(t, "{");
    put_whole(t, "epoch", e->epoch);
    put_whole(t, "step", e->step);
    key(t, "train");
    text_add(t, "{");
    put_real(t, "loss", e->train_loss);
    if (!isnan(e->train_accuracy))
        put_real(t, "accuracy", e->train_accuracy);
    text_add(t, "}");
    key(t, "fit");
    text_add(t, "{");
    put_real(t, "loss", e->fit_loss);
    if (!isnan(e->fit_accuracy))
        put_real(t, "accuracy", e->fit_accuracy);
    put_further(t, r, "fit", e->epoch, true);
    text_add(t, "}");
    key(t, "val");
    text_add(t, "{");
    put_whole(t, "n", r->val_samples);
    put_real(t, "loss", e->val_loss);
    if (!isnan(e->val_accuracy))
        put_accuracy(t, r->val_samples, e->val_accuracy);
    put_further(t, r, "val", e->epoch, true);
    text_add(t, "}}");
}

static void put_classes(struct text *t, const struct rn_test *test)
{
    line(t, "per_class");
    text_add(t, "[");
    for (int64_t c = 0; c < test->classes; c++) {
        const struct rn_class_fact *f = &test->per_class[c];
        text_add(t, "%s\n    {", c ? "," : "");
        put_text(t, "name", f->name);
        put_whole(t, "support", f->support);
        put_whole(t, "predicted", f->predicted);
        put_whole(t, "correct", f->correct);
        put_real(t, "precision", f->precision);
        put_real(t, "recall", f->recall);
        put_real(t, "f1", f->f1);
        text_add(t, "}");
    }
    text_add(t, "]");
    line(t, "confusion"); /* rows: the true class */
    text_add(t, "[");
    for (int64_t i = 0; i < test->classes * test->classes; i++) {
        bool first = i % test->classes == 0;
        text_add(t, "%s%lld%s",
                 !first ? ", "
                 : i    ? ",\n    ["
                        : "\n    [",
                 (long long)test->confusion[i], (i + 1) % test->classes ? "" : "]");
    }
    text_add(t, "]");
    line(t, "most_confused");
    text_add(t, "[");
    for (int64_t i = 0; i < test->n_pairs; i++) {
        text_add(t, "%s\n    {", i ? "," : "");
        put_text(t, "true", test->per_class[test->pairs[i].truth].name);
        put_text(t, "predicted", test->per_class[test->pairs[i].predicted].name);
        put_whole(t, "count", test->pairs[i].count);
        text_add(t, "}");
    }
    text_add(t, "]");
}

static void put_test(struct text *t, const struct rn_report *r)
{
    const struct rn_test *test = r->test;

    line(t, "test");
    text_add(t, "{");
    put_whole(t, "n", test->n);
    put_real(t, "loss", test->loss);
    if (test->classes) {
        put_real(t, "accuracy", test->accuracy);
        put_interval(t, test->low, test->high);
        put_real(t, "macro_f1", test->macro_f1);
    }
    put_further(t, r, "test", 0, !test->classes);
    if (test->epoch)
        put_whole(t, "epoch", test->epoch);
    text_add(t, "}");
    if (test->classes)
        put_classes(t, test);
}

static void put_judgements(struct text *t, const struct rn_report *r)
{
    static const char *const tones[] = {"", "good", "neutral", "bad"};

    line(t, "findings");
    text_add(t, "[");
    for (int64_t i = 0; i < r->n_findings; i++) {
        text_add(t, "%s\n    {", i ? "," : "");
        put_text(t, "rule", r->findings[i].rule);
        put_text(t, "tone", tones[r->findings[i].tone]);
        put_text(t, "text", r->findings[i].text);
        text_add(t, "}");
    }
    text_add(t, "]");
    line(t, "expectations");
    text_add(t, "[");
    for (int64_t i = 0; i < r->n_expectations; i++) {
        const struct rn_expectation *e = &r->expectations[i];
        text_add(t, "%s\n    {", i ? "," : "");
        put_text(t, "metric", e->metric);
        put_text(t, "wanted", e->wanted);
        put_real(t, "value", e->value);
        key(t, "holds");
        text_add(t, "%s}", e->holds ? "true" : "false");
    }
    text_add(t, "]");
}

void report_summary_json(struct report *report, struct text *t)
{
    const struct rn_report *r = &report->view;

    text_add(t, "{\n  \"format\": 1");
    const char *const texts[][2] = {
        {"name", r->name},       {"description", r->description}, {"id", r->id},
        {"status", r->status},   {"reason", r->reason},           {"started", r->started},
        {"command", r->command}, {"device", r->device},           {"data", r->data}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        line(t, texts[i][0]);
        json_string(t, texts[i][1]);
    }
    line(t, "seed");
    text_add(t, "%llu", (unsigned long long)r->seed);
    line(t, "samples");
    text_add(t, "{\"train\": %lld, \"val\": %lld, \"test\": %lld}", (long long)r->train_samples,
             (long long)r->val_samples, (long long)r->test_samples);
    line(t, "training");
    text_add(t, "{");
    put_whole(t, "epochs", r->n_epochs);
    put_whole(t, "epochs_planned", r->epochs_planned);
    put_whole(t, "batch_size", r->batch_size);
    put_whole(t, "steps_per_epoch", r->steps_per_epoch);
    text_add(t, "}");
    line(t, "model");
    text_add(t, "{");
    put_whole(t, "parameters", r->parameters);
    put_real(t, "flops_per_sample", r->flops);
    text_add(t, "}");
    line(t, "times");
    text_add(t, "{");
    put_real(t, "total_s", r->seconds);
    put_real(t, "train_s", r->train_s);
    text_add(t, "}");
    line(t, "peak_bytes");
    json_number(t, r->peak_bytes);
    if (r->n_epochs)
        put_epoch(t, "final", r, r->n_epochs - 1);
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == r->best_epoch)
            put_epoch(t, "best", r, i);
    if (r->test)
        put_test(t, r);
    put_judgements(t, r);
    text_add(t, "\n}\n");
}

/* ---- tables --------------------------------------------------------------- */

static void put_cells(struct text *t, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        text_add(t, ",");
        number_csv(t, v[i]);
    }
}

/* Further metrics: their names as "fit_top3,val_top3" (row NULL), or their values in an epoch. */
static void put_measured(struct text *t, const struct rn_report *r, const struct rn_epoch *row)
{
    static const char *const splits[] = {"fit", "val"};

    for (int64_t i = 0; i < 2 * r->n_measures; i++) {
        const char *split = splits[i % 2], *name = r->measures[i / 2].name;
        if (!rn_measure_is_new(r, i / 2))
            continue;
        if (row)
            put_cells(t, (double[]){rn_measured(r, split, name, row->epoch)}, 1);
        else
            text_add(t, ",%s_%s", split, name);
    }
}

static void put_epochs(struct text *t, const struct rn_report *r)
{
    text_add(t, "epoch,step,train_loss,train_accuracy,fit_loss,fit_accuracy,val_loss,val_accuracy,"
                "lr,train_s,samples_per_s,val_s");
    put_measured(t, r, NULL);
    text_add(t, "\n");
    for (int64_t i = 0; i < r->n_epochs; i++) {
        const struct rn_epoch *e = &r->epochs[i];
        const double v[] = {e->train_loss,    e->train_accuracy, e->fit_loss, e->fit_accuracy,
                            e->val_loss,      e->val_accuracy,   e->lr,       e->train_s,
                            e->samples_per_s, e->val_s};
        text_add(t, "%lld,%lld", (long long)e->epoch, (long long)e->step);
        put_cells(t, v, sizeof v / sizeof *v);
        put_measured(t, r, e);
        text_add(t, "\n");
    }
}

static void put_predictions(struct text *t, const struct report *report)
{
    const struct rn_test *test = report->view.test;

    text_add(t, "index,true,predicted,p_true,p_predicted,loss\n");
    for (int64_t i = 0; i < test->n; i++) {
        const struct rn_sample *s = &test->samples[i];
        const double v[] = {s->p_true, s->p_predicted, s->loss};
        if (test->classes)
            text_add(t, "%lld,%lld,%lld", (long long)s->index, (long long)s->truth,
                     (long long)s->predicted);
        else
            text_add(t, "%lld", (long long)s->index);
        if (!test->classes && report->predicted)
            put_cells(t, (double[]){report->wanted[i], report->predicted[i]}, 2);
        else if (!test->classes)
            text_add(t, ",,");
        put_cells(t, v, 3);
        text_add(t, "\n");
    }
}

/* ---- files ---------------------------------------------------------------- */

static int write_one(const char *dir, const char *name, const char *ending, const char *data,
                     size_t n)
{
    struct text path = {0};

    text_add(&path, "%s/%s%s", dir, name, ending);
    int status = path.status ? path.status : file_write(text_str(&path), data, n);
    text_free(&path);
    return status;
}

/* Writes the text and frees it. */
static int write_text(const char *dir, const char *name, struct text *t)
{
    int status = t->status ? t->status : write_one(dir, name, "", text_str(t), t->n);

    text_free(t);
    return status;
}

static int write_figures(const struct rn_report *r)
{
    struct text dir = {0};

    text_add(&dir, "%s/figures", r->dir);
    int status = dir.status ? dir.status : file_mkdirs(text_str(&dir));
    for (int64_t i = 0; !status && i < r->n_figures; i++) {
        const struct rn_figure *f = &r->figures[i];
        status = write_one(text_str(&dir), f->name, ".svg", f->svg, strlen(f->svg));
        if (!status)
            status = write_one(text_str(&dir), f->name, ".csv", f->csv, strlen(f->csv));
    }
    text_free(&dir);
    return status;
}

int report_write(struct report *report)
{
    const struct rn_report *r = &report->view;
    struct text t = {0};

    TRY(write_figures(r));
    put_epochs(&t, r);
    TRY(write_text(r->dir, "epochs.csv", &t));
    if (r->test) {
        put_predictions(&t, report);
        TRY(write_text(r->dir, "predictions.csv", &t));
    }
    report_summary_json(report, &t);
    return write_text(r->dir, "summary.json", &t);
}
