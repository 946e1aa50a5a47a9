/* summary.c - summary.json: the numbers and words of a run, and what load.c needs of it beside the
 * tables. docs/summary.schema.json says what each key means. */
#include "facts.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

/* ---- pieces --------------------------------------------------------------- */

static void put_interval(struct text *t, double low, double high)
{
    json_key(t, "accuracy_interval");
    text_add(t, "[");
    json_number(t, low);
    text_add(t, ", ");
    json_number(t, high);
    text_add(t, "]");
}

static void line(struct text *t, const char *name) { text_add(t, ",\n  \"%s\": ", name); }

/* A list of objects, a line each; put() writes the members of item i. */
typedef void put_fn(struct text *t, const void *from, int64_t i);
static void put_list(struct text *t, int64_t n, put_fn *put, const void *from)
{
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, "%s\n    {", i ? "," : "");
        put(t, from, i);
        text_add(t, "}");
    }
    text_add(t, "]");
}

static void put_words(struct text *t, int64_t n, const char *const *words)
{
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, i ? ", " : "");
        json_string(t, words[i]);
    }
    text_add(t, "]");
}

/* The further metrics of a split; those that stand there already where a test has classes are left
 * out. */
static void put_further(struct text *t, const struct rn_report *r, const char *split, int64_t epoch,
                        bool with_known)
{
    for (int64_t i = 0; i < r->n_measures; i++) {
        const struct rn_measure *m = &r->measures[i];
        bool known = !strcmp(m->name, "macro_f1") || !strcmp(m->name, "top3");
        if (m->epoch == epoch && !strcmp(m->split, split) && (with_known || !known))
            json_real(t, m->name, m->value);
    }
}

static void put_accuracy(struct text *t, int64_t n, double accuracy)
{
    double low, high;

    json_real(t, "accuracy", accuracy);
    wilson_interval((int64_t)llround(accuracy * (double)n), n, &low, &high);
    put_interval(t, low, high);
}

static void put_epoch(struct text *t, const char *name, const struct rn_report *r, int64_t row)
{
    const struct rn_epoch *e = &r->epochs[row];

    line(t, name);
    text_add(t, "{");
    json_whole(t, "epoch", e->epoch);
    json_whole(t, "step", e->step);
    json_key(t, "train");
    text_add(t, "{");
    json_real(t, "loss", e->train_loss);
    if (!isnan(e->train_accuracy))
        json_real(t, "accuracy", e->train_accuracy);
    text_add(t, "}");
    json_key(t, "fit");
    text_add(t, "{");
    json_real(t, "loss", e->fit_loss);
    if (!isnan(e->fit_accuracy))
        json_real(t, "accuracy", e->fit_accuracy);
    put_further(t, r, "fit", e->epoch, true);
    text_add(t, "}");
    json_key(t, "val");
    text_add(t, "{");
    json_whole(t, "n", r->val_samples);
    json_real(t, "loss", e->val_loss);
    if (!isnan(e->val_accuracy))
        put_accuracy(t, r->val_samples, e->val_accuracy);
    put_further(t, r, "val", e->epoch, true);
    text_add(t, "}}");
}

static void put_class(struct text *t, const void *from, int64_t i)
{
    const struct rn_class_fact *f = &((const struct rn_test *)from)->per_class[i];

    json_text(t, "name", f->name);
    json_whole(t, "support", f->support);
    json_whole(t, "predicted", f->predicted);
    json_whole(t, "correct", f->correct);
    json_real(t, "precision", f->precision);
    json_real(t, "recall", f->recall);
    json_real(t, "f1", f->f1);
}

static void put_pair(struct text *t, const void *from, int64_t i)
{
    const struct rn_test *test = from;

    json_text(t, "true", test->per_class[test->pairs[i].truth].name);
    json_text(t, "predicted", test->per_class[test->pairs[i].predicted].name);
    json_whole(t, "count", test->pairs[i].count);
}

static void put_classes(struct text *t, const struct rn_test *test)
{
    line(t, "per_class");
    put_list(t, test->classes, put_class, test);
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
    put_list(t, test->n_pairs, put_pair, test);
}

/* As it was measured, when it was one of the experiment's metrics. */
static void put_known(struct text *t, const struct rn_report *r, const char *name, double value)
{
    double measured = rn_measured(r, "test", name, 0);

    json_real(t, name, isnan(measured) ? value : measured);
}

static void put_bin(struct text *t, const void *from, int64_t i)
{
    const struct rn_confidence *b = &((const struct rn_test *)from)->confidence[i];

    json_real(t, "over", (double)i / RN_CONFIDENCE_BINS);
    json_whole(t, "n", b->n);
    json_whole(t, "right", b->right);
    json_real(t, "mean", b->mean);
}

static void put_test(struct text *t, const struct rn_report *r)
{
    const struct rn_test *test = r->test;

    line(t, "test");
    text_add(t, "{");
    json_whole(t, "n", test->n);
    json_real(t, "loss", test->loss);
    if (test->classes) {
        json_real(t, "accuracy", test->accuracy);
        put_interval(t, test->low, test->high);
        put_known(t, r, "macro_f1", test->macro_f1);
        put_known(t, r, "top3", test->top3);
        json_real(t, "ece", test->ece);
    }
    put_further(t, r, "test", 0, !test->classes);
    if (test->epoch)
        json_whole(t, "epoch", test->epoch);
    text_add(t, "}");
    if (test->classes) {
        line(t, "confidence");
        put_list(t, RN_CONFIDENCE_BINS, put_bin, test);
        put_classes(t, test);
    }
}

static void put_finding(struct text *t, const void *from, int64_t i)
{
    static const char *const tones[] = {"", "good", "neutral", "bad"};
    const struct rn_finding *f = &((const struct report *)from)->view.findings[i];

    json_text(t, "rule", f->rule);
    json_text(t, "tone", tones[f->tone]);
    json_text(t, "text", f->text);
    json_text(t, "override", f->override);
}

static void put_expectation(struct text *t, const void *from, int64_t i)
{
    const struct report *report = from;
    const struct rn_expectation *e = &report->expectations[i];

    json_text(t, "metric", e->metric);
    json_text(t, "wanted", e->wanted);
    json_real(t, "min", report->bounds[i].min);
    json_real(t, "max", report->bounds[i].max);
    json_real(t, "value", e->value);
    json_key(t, "holds");
    text_add(t, e->holds ? "true" : "false");
    json_key(t, "warns");
    text_add(t, e->warns ? "true" : "false");
    if (e->where)
        json_text(t, "where", e->where);
}

/* ---- what was there before it began --------------------------------------- */

static void put_layer(struct text *t, const void *from, int64_t i)
{
    const struct rn_layer_fact *l = &((const struct rn_report *)from)->layers[i];

    json_text(t, "name", l->name);
    json_text(t, "type", l->type);
    json_text(t, "output", l->output);
    json_whole(t, "parameters", l->params);
    json_real(t, "flops", l->flops);
    json_real(t, "bytes", l->bytes);
    json_real(t, "forward_us", l->forward_us);
    json_real(t, "backward_us", l->backward_us);
    json_real(t, "update_us", l->update_us);
}

static void put_model(struct text *t, const struct rn_report *r)
{
    line(t, "model");
    text_add(t, "{");
    json_whole(t, "parameters", r->parameters);
    json_real(t, "flops_per_sample", r->flops);
    json_key(t, "layers");
    put_list(t, r->n_layers, put_layer, r);
    text_add(t, "}");
}

static void put_change(struct text *t, const void *from, int64_t i)
{
    const struct rn_change *c = &((const struct rn_previous *)from)->changes[i];

    json_text(t, "key", c->key);
    json_text(t, "before", c->before);
    json_text(t, "now", c->now);
}

static void put_previous(struct text *t, const struct rn_previous *p)
{
    line(t, "previous");
    text_add(t, "{");
    json_text(t, "id", p->id);
    json_text(t, "started", p->started);
    json_text(t, "status", p->status);
    json_real(t, "accuracy", p->accuracy);
    put_interval(t, p->low, p->high);
    json_real(t, "loss", p->loss);
    json_key(t, "changes");
    put_list(t, p->n_changes, put_change, p);
    text_add(t, "}");
}

static void put_plan(struct text *t, const struct rn_report *r)
{
    line(t, "seed");
    text_add(t, "%llu", (unsigned long long)r->seed);
    line(t, "samples");
    text_add(t, "{");
    json_whole(t, "train", r->train_samples);
    json_whole(t, "val", r->val_samples);
    json_whole(t, "test", r->test_samples);
    text_add(t, "}");
    line(t, "classes");
    text_add(t, "%lld", (long long)r->classes);
    if (r->class_names) {
        line(t, "class_names");
        put_words(t, r->classes, r->class_names);
    }
    line(t, "training");
    text_add(t, "{");
    json_whole(t, "epochs", r->n_epochs);
    json_whole(t, "epochs_planned", r->epochs_planned);
    json_whole(t, "batch_size", r->batch_size);
    json_whole(t, "steps_per_epoch", r->steps_per_epoch);
    json_whole(t, "patience", r->patience);
    json_text(t, "patience_monitor", r->patience_monitor);
    text_add(t, "}");
    line(t, "metrics");
    text_add(t, "[");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i)) {
            text_add(t, i ? ", " : "");
            json_string(t, r->measures[i].name);
        }
    text_add(t, "]");
    line(t, "changed");
    text_add(t, "{");
    for (int64_t i = 0; i < r->n_changed; i++)
        json_text(t, r->changed[i].key, r->changed[i].value);
    text_add(t, "}");
    if (r->previous)
        put_previous(t, r->previous);
    put_model(t, r);
}

/* ---- all of it ------------------------------------------------------------ */

static void put_times(struct text *t, const struct rn_report *r)
{
    line(t, "times");
    text_add(t, "{");
    json_real(t, "total_s", r->seconds);
    json_real(t, "train_s", r->train_s);
    json_key(t, "parts");
    text_add(t, "{");
    for (int64_t i = 0; i < r->n_times; i++)
        json_real(t, r->times[i].name, r->times[i].seconds);
    text_add(t, "}}");
    line(t, "peak_bytes");
    json_number(t, r->peak_bytes);
    if (r->device_bytes > 0) {
        line(t, "device_memory_bytes");
        json_number(t, r->device_bytes);
    }
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
    if (r->attempt > 1) {
        line(t, "attempt");
        text_add(t, "%lld", (long long)r->attempt);
        line(t, "resumed_step");
        text_add(t, "%lld", (long long)r->resumed_step);
    }
    put_plan(t, r);
    put_times(t, r);
    line(t, "warnings");
    put_words(t, r->n_warnings, r->warnings);
    if (r->n_epochs)
        put_epoch(t, "final", r, r->n_epochs - 1);
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == r->best_epoch)
            put_epoch(t, "best", r, i);
    if (r->test)
        put_test(t, r);
    line(t, "findings");
    put_list(t, r->n_findings, put_finding, report);
    line(t, "expectations");
    put_list(t, r->n_expectations, put_expectation, report);
    text_add(t, "\n}\n");
}
