/* figures_inside.c - the figures of the inside of a model: gradients, updates, silent units,
 * weights, and the time that its layers take. */
#include "figures.h"

#include "base/error.h"
#include "escape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LINES_SHOWN  7 /* more cannot be told apart */
#define PANELS_SHOWN 8
#define BARS_SHOWN   24

/* ---- a curve for each name ------------------------------------------------ */

struct entry {
    const char *name;
    size_t length; /* of the name */
    int64_t epoch;
    double value, size; /* entries of the same name and epoch add up */
};

struct table { /* of the names, in the order of the model, over epochs */
    int64_t n, n_x;
    const char **name;
    double *size, *x, *y; /* y[name * n_x + epoch]; NaN: not measured */
};

/* False: entry i is left out. */
typedef bool entry_of(const struct rn_report *v, int64_t i, struct entry *e);

static bool is_name(const char *name, const struct entry *e)
{
    return !strncmp(name, e->name, e->length) && !name[e->length];
}

/* Names come in the same order each epoch, so the next one is tried first. */
static int64_t find_name(struct sheet *s, struct table *t, const struct entry *e, int64_t last)
{
    for (int64_t k = 0; k < t->n; k++) {
        int64_t i = (last + k) % t->n;
        if (is_name(t->name[i], e))
            return i;
    }
    t->name[t->n] = pool_strndup(s->p, e->name, e->length);
    return t->name[t->n] ? t->n++ : -1;
}

static int fill_table(struct sheet *s, struct table *t, int64_t rows, entry_of *get)
{
    const struct rn_report *v = &s->r->view;
    int64_t last = 0, names = 0;
    struct entry e;

    t->name = pool_alloc(s->p, (size_t)rows * sizeof *t->name + 1);
    t->x = pool_alloc(s->p, (size_t)rows * sizeof *t->x + 1);
    if (!t->name || !t->x)
        return RN_ENOMEM;
    for (int64_t i = 0; i < rows; i++) {
        if (!get(v, i, &e))
            continue;
        if (!t->n_x || t->x[t->n_x - 1] != (double)e.epoch)
            t->x[t->n_x++] = (double)e.epoch;
        if ((last = find_name(s, t, &e, last)) < 0)
            return RN_ENOMEM;
    }
    names = t->n;
    t->size = pool_alloc(s->p, (size_t)names * sizeof *t->size + 1);
    t->y = pool_alloc(s->p, (size_t)(names * t->n_x) * sizeof *t->y + 1);
    if (!t->size || !t->y)
        return RN_ENOMEM;
    for (int64_t i = 0; i < names * t->n_x; i++)
        t->y[i] = NAN;
    for (int64_t i = 0, k = 0; i < rows; i++) {
        if (!get(v, i, &e))
            continue;
        k += t->x[k] != (double)e.epoch;
        last = find_name(s, t, &e, last);
        double *y = &t->y[last * t->n_x + k];
        *y = isnan(*y) ? e.value : *y + e.value;
        t->size[last] += k ? 0 : e.size;
    }
    return RN_OK;
}

/* Marks the largest `most`; returns how many. */
static int mark_largest(const double *size, int64_t n, int most, bool *chosen)
{
    int count = 0;

    for (; count < most && count < n; count++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++)
            if (!chosen[i] && (best < 0 || size[i] > size[best]))
                best = i;
        chosen[best] = true;
    }
    return count;
}

static void table_csv(struct text *csv, const struct table *t)
{
    text_add(csv, "epoch");
    for (int64_t i = 0; i < t->n; i++) {
        text_add(csv, ",");
        escape_csv(csv, t->name[i]);
    }
    text_add(csv, "\n");
    for (int64_t k = 0; k < t->n_x; k++) {
        number_csv(csv, t->x[k]);
        for (int64_t i = 0; i < t->n; i++)
            put_cell(csv, t->y[i * t->n_x + k]);
        text_add(csv, "\n");
    }
}

struct inside {
    const char *name, *title, *y_label, *of; /* of: "layers" */
    const char *level_name, *said;           /* said: what the alternative begins with */
    double level;
    bool log, percent;
};

static int draw_table(struct sheet *s, const struct inside *f, const struct table *t)
{
    const struct rn_report *v = &s->r->view;
    struct chart_series series[LINES_SHOWN];
    bool *chosen = pool_alloc(s->p, (size_t)t->n + 1);
    char subtitle[96] = "";
    int n = 0;

    if (!chosen)
        return RN_ENOMEM;
    if (mark_largest(t->size, t->n, LINES_SHOWN, chosen) < t->n)
        snprintf(subtitle, sizeof subtitle, "the %d largest of %lld %s; the CSV has all",
                 LINES_SHOWN, (long long)t->n, f->of);
    text_add(&s->alt, "%s over %lld epoch%s.", f->said, (long long)t->n_x, t->n_x == 1 ? "" : "s");
    for (int64_t i = 0; i < t->n; i++) {
        const double *y = t->y + i * t->n_x;
        if (!chosen[i])
            continue;
        series[n] = (struct chart_series){
            .name = t->name[i], .column = t->name[i], .x = t->x, .y = y, .n = t->n_x, .look = n};
        n++;
        if (isfinite(y[t->n_x - 1]))
            text_add(&s->alt, f->percent ? " %s: %.3g %% at the end." : " %s: %.3g at the end.",
                     t->name[i], y[t->n_x - 1] * (f->percent ? 100 : 1));
    }
    table_csv(&s->csv, t);
    int status = chart_lines(
        &s->svg, &(struct chart_lines){.head = {f->title, text_str(&s->alt), subtitle, NULL},
                                       .x_label = "epoch",
                                       .y_label = f->y_label,
                                       .series = series,
                                       .n_series = n,
                                       .x_low = v->n_steps ? 0 : t->x[0],
                                       .x_high = t->x[t->n_x - 1],
                                       .whole = true,
                                       .log = f->log,
                                       .percent = f->percent,
                                       .height = 280,
                                       .mark = NAN,
                                       .level = f->level,
                                       .level_name = f->level_name});
    return sheet_keep(s, f->name, f->title, status);
}

/* ---- gradients, updates, units -------------------------------------------- */

/* The layer is what stands before the last dot. */
static bool gradient_of(const struct rn_report *v, int64_t i, struct entry *e)
{
    const struct rn_param_fact *p = &v->params[i];
    const char *dot = strrchr(p->name, '.');

    *e = (struct entry){p->name, dot ? (size_t)(dot - p->name) : strlen(p->name), p->epoch,
                        p->grad_norm * p->grad_norm, (double)p->n};
    return true;
}

int draw_gradients(struct sheet *s)
{
    static const struct inside figure = {
        .name = "gradient_norms",
        .title = "Gradient norm of each layer",
        .y_label = "L2 norm in the last step of the epoch (log scale)",
        .of = "layers",
        .said = "L2 norm of the gradient of each layer in the last step of each epoch,",
        .level = NAN,
        .log = true};
    struct table t = {0};

    if (!s->r->view.n_params)
        return RN_OK;
    TRY(fill_table(s, &t, s->r->view.n_params, gradient_of));
    for (int64_t i = 0; i < t.n * t.n_x; i++)
        t.y[i] = sqrt(t.y[i]);
    return draw_table(s, &figure, &t);
}

static bool is_weight(const char *name)
{
    size_t n = strlen(name);

    return n >= 6 && !strcmp(name + n - 6, "weight");
}

static bool ratio_of(const struct rn_report *v, int64_t i, struct entry *e)
{
    const struct rn_param_fact *p = &v->params[i];

    *e = (struct entry){p->name, strlen(p->name), p->epoch,
                        p->weight_norm > 0 ? p->update_norm / p->weight_norm : NAN, (double)p->n};
    return is_weight(p->name);
}

int draw_ratios(struct sheet *s)
{
    static const struct inside figure = {
        .name = "update_ratios",
        .title = "Update against weights",
        .y_label = "norm of the update / norm of the weights (log scale)",
        .of = "weights",
        .level_name = "1/1000: a usual size",
        .said = "How large the last update of each epoch was against the weights,",
        .level = 1e-3,
        .log = true};
    struct table t = {0};

    TRY(fill_table(s, &t, s->r->view.n_params, ratio_of));
    return t.n ? draw_table(s, &figure, &t) : RN_OK;
}

static bool silence_of(const struct rn_report *v, int64_t i, struct entry *e)
{
    const struct rn_units_fact *u = &v->units[i];

    *e = (struct entry){u->layer, strlen(u->layer), u->epoch,
                        u->n ? (double)u->silent / (double)u->n : NAN, (double)u->n};
    return true;
}

int draw_silent(struct sheet *s)
{
    static const struct inside figure = {
        .name = "silent_units",
        .title = "Silent units",
        .y_label = "units that gave 0 for a whole batch",
        .of = "layers",
        .said = "Share of the units of each layer that gave 0 for every sample of a batch,",
        .level = NAN,
        .percent = true};
    struct table t = {0};

    TRY(fill_table(s, &t, s->r->view.n_units, silence_of));
    return t.n ? draw_table(s, &figure, &t) : RN_OK;
}

/* ---- weights -------------------------------------------------------------- */

/* The epochs shown, of those whose histograms were kept: the first, the best between, the last. */
static int histogram_epochs(const struct rn_report *v, int64_t out[CHART_PARTS])
{
    int64_t first = 0, last = 0;
    bool best = false;
    int n = 0;

    for (int64_t i = 0; i < v->n_params; i++) {
        if (!v->params[i].bins || !is_weight(v->params[i].name))
            continue;
        first = first ? first : v->params[i].epoch;
        last = v->params[i].epoch;
        best = best || last == v->best_epoch;
    }
    if (first)
        out[n++] = first;
    if (best && v->best_epoch != first && v->best_epoch != last)
        out[n++] = v->best_epoch;
    if (last != first)
        out[n++] = last;
    return n;
}

static int add_histogram(struct sheet *s, const struct rn_param_fact *p, int k,
                         struct chart_histogram *h)
{
    double *share = pool_alloc(s->p, RN_BINS * sizeof *share),
           wide = (p->most - p->least) / RN_BINS;
    int64_t sum = 0;

    if (!share)
        return RN_ENOMEM;
    for (int b = 0; b < RN_BINS; b++)
        sum += p->bins[b];
    for (int b = 0; b < RN_BINS; b++) {
        share[b] = sum ? (double)p->bins[b] / (double)sum : 0;
        escape_csv(&s->csv, p->name);
        text_add(&s->csv, ",%lld", (long long)p->epoch);
        put_cell(&s->csv, p->least + wide * b);
        put_cell(&s->csv, p->least + wide * (b + 1));
        text_add(&s->csv, ",%lld\n", (long long)p->bins[b]);
    }
    h->share[k] = share;
    h->least[k] = p->least;
    h->most[k] = p->most;
    return RN_OK;
}

/* Of the parameters of the first epoch shown those that are weights. */
static int choose_panels(struct sheet *s, int64_t epoch, struct chart_histogram *panels, int64_t *n)
{
    const struct rn_report *v = &s->r->view;
    double *size = pool_alloc(s->p, (size_t)v->n_params * sizeof *size);
    bool *chosen = pool_alloc(s->p, (size_t)v->n_params);
    int64_t shown = 0, of = 0;

    if (!size || !chosen)
        return RN_ENOMEM;
    for (int64_t i = 0; i < v->n_params; i++) {
        const struct rn_param_fact *p = &v->params[i];
        bool fits = p->epoch == epoch && p->bins && is_weight(p->name);
        size[i] = fits ? (double)p->n : -1;
        of += fits;
    }
    mark_largest(size, v->n_params, of < PANELS_SHOWN ? (int)of : PANELS_SHOWN, chosen);
    for (int64_t i = 0; i < v->n_params; i++)
        if (chosen[i])
            panels[shown++].name = v->params[i].name;
    *n = of;
    return RN_OK;
}

int draw_weights(struct sheet *s)
{
    static const char title[] = "Weights as they are spread";
    const struct rn_report *v = &s->r->view;
    struct chart_histogram panels[PANELS_SHOWN] = {{0}}, spare;
    struct chart_histograms c = {.parts = panels, .n = RN_BINS};
    int64_t epochs[CHART_PARTS], of;
    char names[CHART_PARTS][48], subtitle[96] = "";
    int n = histogram_epochs(v, epochs);

    if (!n)
        return RN_OK;
    TRY(choose_panels(s, epochs[0], panels, &of));
    c.n_parts = of < PANELS_SHOWN ? of : PANELS_SHOWN;
    text_add(&s->csv, "parameter,epoch,from,to,count\n");
    for (int64_t i = 0; i < v->n_params; i++) {
        const struct rn_param_fact *p = &v->params[i];
        for (int k = 0; k < n && p->bins && is_weight(p->name); k++) {
            if (p->epoch != epochs[k])
                continue;
            struct chart_histogram *h = &spare; /* for the CSV alone */
            for (int64_t q = 0; q < c.n_parts; q++)
                h = !strcmp(panels[q].name, p->name) ? &panels[q] : h;
            TRY(add_histogram(s, p, k, h));
        }
    }
    for (int k = 0; k < n; k++) {
        snprintf(names[k], sizeof names[k], "%s %lld",
                 epochs[k] == v->best_epoch ? "best epoch" : "epoch", (long long)epochs[k]);
        c.names[k] = names[k];
    }
    if (of > PANELS_SHOWN)
        snprintf(subtitle, sizeof subtitle, "the %d largest of %lld weights; the CSV has all",
                 PANELS_SHOWN, (long long)of);
    text_add(&s->alt, "Histograms of %lld weights after %s%s%s.", (long long)c.n_parts, names[0],
             n > 1 ? " and " : "", n > 1 ? names[n - 1] : "");
    for (int64_t q = 0; q < c.n_parts; q++)
        if (panels[q].share[n - 1])
            text_add(&s->alt, " %s: from %.3g to %.3g.", panels[q].name, panels[q].least[n - 1],
                     panels[q].most[n - 1]);
    c.head = (struct chart_head){title, text_str(&s->alt), subtitle, NULL};
    return sheet_keep(s, "weight_histograms", title, chart_histograms(&s->svg, &c));
}

/* ---- time ----------------------------------------------------------------- */

int draw_layer_times(struct sheet *s)
{
    static const char title[] = "Time of a training step by layer";
    const struct rn_report *v = &s->r->view;
    struct chart_bar *bars = pool_alloc(s->p, (size_t)v->n_layers * sizeof *bars + 1);
    double *us = pool_alloc(s->p, (size_t)v->n_layers * sizeof *us + 1), sum = 0;
    bool *chosen = pool_alloc(s->p, (size_t)v->n_layers + 1);
    int64_t n = 0, slowest = 0;
    char subtitle[96];

    if (!bars || !us || !chosen)
        return RN_ENOMEM;
    for (int64_t i = 0; i < v->n_layers; i++) {
        us[i] = rn_layer_us(&v->layers[i]);
        sum += us[i];
        slowest = us[i] > us[slowest] ? i : slowest;
    }
    if (!(sum > 0))
        return RN_OK;
    int shown = mark_largest(us, v->n_layers, BARS_SHOWN, chosen);
    text_add(&s->csv, "layer,forward_us,backward_us,update_us\n");
    for (int64_t i = 0; i < v->n_layers; i++) {
        const struct rn_layer_fact *l = &v->layers[i];
        escape_csv(&s->csv, l->name);
        put_cell(&s->csv, l->forward_us);
        put_cell(&s->csv, l->backward_us);
        put_cell(&s->csv, l->update_us);
        text_add(&s->csv, "\n");
        const char *value =
            pool_printf(s->p, "%.*f \xC2\xB5s (%.0f %%)", us[i] < 10, us[i], 100 * us[i] / sum);
        if (!value)
            return RN_ENOMEM;
        if (chosen[i])
            bars[n++] = (struct chart_bar){
                l->name, value, {l->forward_us, l->backward_us, l->update_us}, NAN, NAN};
    }
    snprintf(subtitle, sizeof subtitle, "\xC2\xB5s a step%s",
             shown < v->n_layers ? "; the 24 slowest layers, the CSV has all" : "");
    text_add(&s->alt,
             "Microseconds of a training step in each layer, %.4g in all. Most: %s, %.0f %%.", sum,
             v->layers[slowest].name, 100 * us[slowest] / sum);
    int status =
        chart_bars(&s->svg, &(struct chart_bars){.head = {title, text_str(&s->alt), subtitle, NULL},
                                                 .part_names = {"forward", "backward", "update"},
                                                 .bars = bars,
                                                 .n = n});
    return sheet_keep(s, "time_by_layer", title, status);
}
