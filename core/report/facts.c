/* facts.c - collects what was measured, judges expectations; metrics by their names stand in
 * named.c, the test pass in scores.c. */
#include "facts.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double nine(double v)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char b[32];

    if (!isfinite(v) || v == 0)
        return v;
    double digits = 8 - floor(log10(fabs(v))); /* behind the point */
    if (digits >= 0 && digits <= 22) /* both are exact, so the quotient is what strtod() gives */
        return rint(v * tens[(int)digits]) / tens[(int)digits];
    snprintf(b, sizeof b, "%.9g", v);
    return strtod(b, NULL);
}

/* ---- opening -------------------------------------------------------------- */

static const char *copy_text(struct pool *p, const char *s, bool *ok)
{
    const char *out = pool_strdup(p, s ? s : "");

    *ok = *ok && out;
    return out;
}

void *copy_array(struct pool *p, const void *from, int64_t n, size_t size, bool *ok)
{
    size_t bytes = n > 0 ? (size_t)n * size : 0;
    void *out = pool_alloc(p, bytes + 1);

    *ok = *ok && out;
    if (out && bytes)
        memcpy(out, from, bytes);
    return out;
}

void *roomy(void *old, int64_t n, int64_t more, int64_t *cap, size_t size)
{
    int64_t wanted = n + more + n / 2 + 8;
    void *out = n + more <= *cap ? old : mem_array((size_t)wanted, size);

    if (!out || out == old)
        return out;
    if (n)
        memcpy(out, old, (size_t)n * size);
    mem_free(old);
    *cap = wanted;
    return out;
}

static bool copy_texts(struct pool *p, struct rn_report *v)
{
    const char **texts[] = {
        &v->name,   &v->description, &v->id,   &v->dir,          &v->command,         &v->started,
        &v->device, &v->config_yaml, &v->data, &v->config_input, &v->patience_monitor};
    bool ok = true;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = copy_text(p, *texts[i], &ok);
    v->status = "running";
    v->reason = "";
    return ok;
}

static const struct rn_fact *copy_facts(struct pool *p, const struct rn_fact *from, int64_t n,
                                        bool *ok)
{
    struct rn_fact *facts = copy_array(p, from, n, sizeof *facts, ok);

    for (int64_t i = 0; *ok && i < n; i++) {
        facts[i].key = copy_text(p, facts[i].key, ok);
        facts[i].value = copy_text(p, facts[i].value, ok);
    }
    return facts;
}

static bool copy_lists(struct report *r)
{
    struct pool *p = r->pool;
    struct rn_report *v = &r->view;
    bool ok = true;
    struct rn_layer_fact *layers = copy_array(p, v->layers, v->n_layers, sizeof *layers, &ok);
    int64_t n_names = v->class_names ? v->classes : 0;
    const char **names = copy_array(p, v->class_names, n_names, sizeof *names, &ok);

    for (int64_t i = 0; ok && i < v->n_layers; i++) {
        layers[i].name = copy_text(p, layers[i].name, &ok);
        layers[i].type = copy_text(p, layers[i].type, &ok);
        layers[i].output = copy_text(p, layers[i].output, &ok);
        layers[i].flops = nine(layers[i].flops);
        layers[i].bytes = nine(layers[i].bytes);
    }
    for (int64_t i = 0; ok && i < n_names; i++)
        names[i] = copy_text(p, names[i], &ok);
    v->layers = r->layers = layers;
    v->flops = nine(v->flops);
    v->environment = copy_facts(p, v->environment, v->n_environment, &ok);
    v->changed = copy_facts(p, v->changed, v->n_changed, &ok);
    v->class_names = n_names ? names : NULL;
    return ok;
}

/* What a run does not know when it begins. */
static void forget_what_comes(struct rn_report *v)
{
    v->epochs = NULL;
    v->test = NULL;
    v->findings = NULL;
    v->expectations = NULL;
    v->figures = NULL;
    v->measures = NULL;
    v->steps = NULL;
    v->params = NULL;
    v->units = NULL;
    v->times = NULL;
    v->warnings = NULL;
    v->files = NULL;
    v->previous = NULL;
    v->log = "";
    v->n_epochs = v->best_epoch = v->n_findings = v->n_expectations = v->n_figures = 0;
    v->n_measures = v->n_steps = v->n_params = v->n_units = v->n_times = 0;
    v->n_warnings = v->n_files = 0;
}

int report_open(const struct rn_report *facts, struct report **out)
{
    struct report *r = mem_alloc(sizeof *r);

    *out = NULL;
    if (!r)
        return RN_ENOMEM;
    r->view = *facts;
    r->view.size = sizeof r->view;
    forget_what_comes(&r->view);
    r->pool = pool_new();
    r->drawn = pool_new();
    if (!r->pool || !r->drawn || !copy_texts(r->pool, &r->view) || !copy_lists(r)) {
        report_close(r);
        return RN_ENOMEM;
    }
    *out = r;
    return RN_OK;
}

void report_close(struct report *r)
{
    if (!r)
        return;
    pool_free(r->pool);
    pool_free(r->drawn);
    pool_free(r->said);
    pool_free(r->listed);
    thin_close(r);
    mem_free(r->epochs);
    mem_free(r->expectations);
    mem_free(r->bounds);
    mem_free(r->measures);
    mem_free(r);
}

const struct rn_report *report_view(struct report *r) { return &r->view; }

/* ---- expectations ---------------------------------------------------------- */

void judge_expectations(struct report *r)
{
    for (int64_t i = 0; i < r->view.n_expectations; i++) {
        struct rn_expectation *e = &r->expectations[i];
        e->value = report_metric(r, e->metric);
        const struct bound *b = &r->bounds[i];
        e->off = e->value < b->min   ? b->min - e->value
                 : e->value > b->max ? e->value - b->max
                 : isnan(e->value)   ? (double)NAN
                                     : 0;
        e->holds = e->off == 0;
    }
}

int report_expect(struct report *r, const struct report_expect *from)
{
    int64_t n = r->view.n_expectations;
    struct rn_expectation *e = roomy(r->expectations, n, 1, &r->expectations_cap, sizeof *e);

    if (!e)
        return RN_ENOMEM;
    r->view.expectations = r->expectations = e;
    struct bound *b = roomy(r->bounds, n, 1, &r->bounds_cap, sizeof *b);
    if (!b)
        return RN_ENOMEM;
    r->bounds = b;
    double min = from->min, max = from->max;
    b[n] = (struct bound){min, max};
    e[n].warns = from->warns;
    e[n].where = from->where ? pool_strdup(r->pool, from->where) : NULL;
    e[n].metric = pool_strdup(r->pool, from->metric);
    e[n].wanted = isnan(max)   ? pool_printf(r->pool, ">= %g", min)
                  : isnan(min) ? pool_printf(r->pool, "<= %g", max)
                  : min == max ? pool_printf(r->pool, "%g", min)
                               : pool_printf(r->pool, "%g to %g", min, max);
    if (!e[n].metric || !e[n].wanted || (from->where && !e[n].where))
        return RN_ENOMEM;
    r->view.n_expectations = n + 1;
    judge_expectations(r);
    return RN_OK;
}

/* ---- epochs --------------------------------------------------------------- */

static struct rn_epoch nine_epoch(struct rn_epoch e)
{
    double *reals[] = {&e.train_loss,    &e.train_accuracy, &e.fit_loss, &e.fit_accuracy,
                       &e.val_loss,      &e.val_accuracy,   &e.lr,       &e.train_s,
                       &e.samples_per_s, &e.val_s};

    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        *reals[i] = nine(*reals[i]);
    return e;
}

int report_epoch(struct report *r, const struct rn_epoch *row)
{
    struct rn_report *v = &r->view;
    double least = INFINITY;

    struct rn_epoch *e = roomy(r->epochs, v->n_epochs, 1, &r->epochs_cap, sizeof *e);
    if (!e)
        return RN_ENOMEM;
    v->epochs = r->epochs = e;
    r->epochs[v->n_epochs++] = nine_epoch(*row);
    v->best_epoch = 0;
    for (int64_t i = 0; i < v->n_epochs; i++)
        if (isfinite(r->epochs[i].val_loss) && r->epochs[i].val_loss < least) {
            least = r->epochs[i].val_loss;
            v->best_epoch = r->epochs[i].epoch;
        }
    judge_expectations(r);
    return RN_OK;
}

/* ---- time and what was said ------------------------------------------------ */

void report_layer_time(struct report *r, int64_t i, double forward_us, double backward_us,
                       double update_us)
{
    r->layers[i].forward_us = nine(forward_us);
    r->layers[i].backward_us = nine(backward_us);
    r->layers[i].update_us = nine(update_us);
}

void report_spent(struct report *r, const struct report_spent *s)
{
    double rest = s->seconds - s->start - s->train - s->validation - s->test;
    const struct rn_time_fact times[] = {{"start", nine(s->start)},
                                         {"train", nine(s->train)},
                                         {"validation", nine(s->validation)},
                                         {"test", nine(s->test)},
                                         {"files", nine(fmax(rest, 0))}};

    memcpy(r->times, times, sizeof times);
    r->view.times = r->times;
    r->view.n_times = sizeof times / sizeof *times;
    r->view.seconds = nine(s->seconds);
    r->view.train_s = nine(s->train);
    r->view.peak_bytes = nine(s->peak_bytes);
}

void report_device_memory(struct report *r, double bytes)
{
    r->view.device_bytes = fmax(r->view.device_bytes, nine(bytes));
}

int report_said(struct report *r, const char *const *warnings, int64_t n_warnings, const char *log)
{
    struct pool *p = pool_new();
    bool ok = p != NULL;
    const char **list = ok ? copy_array(p, warnings, n_warnings, sizeof *list, &ok) : NULL;
    const char *text = ok ? copy_text(p, log, &ok) : NULL;

    for (int64_t i = 0; ok && i < n_warnings; i++)
        list[i] = copy_text(p, list[i], &ok);
    if (!ok) {
        pool_free(p);
        return RN_ENOMEM;
    }
    pool_free(r->said);
    r->said = p;
    r->view.warnings = list;
    r->view.n_warnings = n_warnings;
    r->view.log = text;
    return RN_OK;
}

/* ---- the run before -------------------------------------------------------- */

int report_previous(struct report *r, const struct rn_previous *p)
{
    bool ok = true;

    if (!p)
        return RN_OK;
    struct rn_previous *mine = copy_array(r->pool, p, 1, sizeof *mine, &ok);
    struct rn_change *changes = copy_array(r->pool, p->changes, p->n_changes, sizeof *changes, &ok);
    if (!ok)
        return RN_ENOMEM;
    mine->id = copy_text(r->pool, p->id, &ok);
    mine->started = copy_text(r->pool, p->started, &ok);
    mine->status = copy_text(r->pool, p->status, &ok);
    for (int64_t i = 0; i < p->n_changes; i++) {
        struct rn_change *c = &changes[i];
        c->key = copy_text(r->pool, c->key, &ok);
        c->before = c->before ? copy_text(r->pool, c->before, &ok) : NULL;
        c->now = c->now ? copy_text(r->pool, c->now, &ok) : NULL;
    }
    mine->changes = changes;
    r->view.previous = mine;
    return ok ? RN_OK : RN_ENOMEM;
}

/* ---- judging and drawing -------------------------------------------------- */

static int start_afresh(struct report *r)
{
    struct pool *p = pool_new();

    if (!p)
        return RN_ENOMEM;
    pool_free(r->drawn);
    r->drawn = p;
    r->view.figures = NULL;
    r->view.findings = NULL;
    r->view.n_figures = r->view.n_findings = 0;
    return RN_OK;
}

void report_advise(struct report *r, struct adviser a) { r->adviser = a; }

int report_proposed(struct report *r, const char *text, const char *override)
{
    bool ok = true;

    if (r->n_proposed < ADVICE_MAX)
        r->proposed[r->n_proposed++] =
            (struct rn_finding){.tone = RN_NEUTRAL,
                                .rule = RULE_NEXT,
                                .text = copy_text(r->pool, text, &ok),
                                .override = copy_text(r->pool, override, &ok)};
    return ok ? RN_OK : RN_ENOMEM;
}

static int judge(struct report *r)
{
    struct rn_finding *findings;
    int64_t n;

    TRY(analysis_make(r->drawn, &r->view, r->wanted, r->predicted, &r->adviser, &findings, &n));
    for (int i = 0; i < r->n_proposed && n < FINDINGS_MAX; i++)
        findings[n++] = r->proposed[i];
    r->view.findings = findings;
    r->view.n_findings = n;
    return RN_OK;
}

int report_draw(struct report *r)
{
    TRY(start_afresh(r));
    TRY(judge(r));
    return figures_draw(r);
}

int report_finish(struct report *r, const char *status, const char *reason, double seconds,
                  double train_s, double peak_bytes)
{
    bool ok = true;

    r->view.status = copy_text(r->pool, status, &ok);
    r->view.reason = copy_text(r->pool, reason, &ok);
    if (!ok)
        return RN_ENOMEM;
    r->view.seconds = nine(seconds);
    r->view.train_s = nine(train_s);
    r->view.peak_bytes = nine(peak_bytes);
    judge_expectations(r);
    return report_draw(r);
}
