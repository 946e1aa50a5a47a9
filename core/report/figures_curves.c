/* figures_curves.c - the figures of what is measured in each epoch: loss, accuracy, learning rate,
 * the gap between training and validation, throughput. */
#include "figures.h"

#include "analysis.h"
#include "base/error.h"
#include "escape.h"

#include <math.h>
#include <runner/scheduler.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define STEPS_SHOWN 300 /* points of the curve of single steps */

/* ---- epochs --------------------------------------------------------------- */

static double *column(struct sheet *s, size_t offset)
{
    const struct rn_report *v = &s->r->view;
    double *y = pool_alloc(s->p, (size_t)v->n_epochs * sizeof *y + 1);

    for (int64_t i = 0; y && i < v->n_epochs; i++)
        memcpy(&y[i], (const char *)&v->epochs[i] + offset, sizeof *y);
    return y;
}

static double *epoch_numbers(struct sheet *s)
{
    const struct rn_report *v = &s->r->view;
    double *x = pool_alloc(s->p, (size_t)v->n_epochs * sizeof *x + 1);

    for (int64_t i = 0; x && i < v->n_epochs; i++)
        x[i] = (double)v->epochs[i].epoch;
    return x;
}

static int64_t count_finite(const double *y, int64_t n)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        count += isfinite(y[i]) != 0;
    return count;
}

/* What all charts over epochs cover, so that they line up: steps begin before the first epoch ends.
 */
static void cover_epochs(const struct rn_report *v, struct chart_lines *c)
{
    c->x_label = "epoch";
    c->whole = true;
    c->x_low = v->n_steps ? 0 : v->n_epochs ? (double)v->epochs[0].epoch : 1;
    c->x_high = v->n_epochs ? (double)v->epochs[v->n_epochs - 1].epoch : 1;
}

static void say_curve(struct text *alt, const char *name, const double *y, int64_t n, double unit,
                      const char *sign)
{
    int64_t from = 0, to = n - 1;

    while (from < n && !isfinite(y[from]))
        from++;
    while (to > from && !isfinite(y[to]))
        to--;
    if (from >= n)
        return;
    if (from == to)
        text_add(alt, " %s: %.4g%s.", name, y[from] * unit, sign);
    else
        text_add(alt, " %s: from %.4g%s to %.4g%s.", name, y[from] * unit, sign, y[to] * unit,
                 sign);
}

static void say_epochs(struct text *alt, const char *what, const struct rn_report *v)
{
    text_add(alt, "%s over %lld epoch%s.", what, (long long)v->n_epochs,
             v->n_epochs == 1 ? "" : "s");
}

/* A log scale where numbers differ much: the interesting end of a curve is flat otherwise. */
static bool wants_log(const struct chart_series *series, int n_series)
{
    double low = INFINITY, high = 0;

    for (int s = 0; s < n_series; s++)
        for (int64_t i = 0; !series[s].faint && i < series[s].n; i++)
            if (isfinite(series[s].y[i])) {
                low = fmin(low, series[s].y[i]);
                high = fmax(high, series[s].y[i]);
            }
    return low > 0 && high > 20 * low;
}

/* ---- steps ---------------------------------------------------------------- */

struct steps {
    int64_t n;
    double *x, *loss, *lr; /* x: in epochs */
};

/* Means over as many points in a row as it takes to have few. */
static int thin_steps(struct sheet *s, struct steps *out)
{
    const struct rn_report *v = &s->r->view;
    int64_t every = (v->n_steps + STEPS_SHOWN - 1) / STEPS_SHOWN;
    double epoch = (double)v->steps_per_epoch;

    if (epoch < 1 && v->n_epochs && v->epochs[0].epoch > 0)
        epoch = (double)v->epochs[0].step / (double)v->epochs[0].epoch;
    *out = (struct steps){.n = every ? (v->n_steps + every - 1) / every : 0};
    out->x = pool_alloc(s->p, (size_t)out->n * sizeof *out->x + 1);
    out->loss = pool_alloc(s->p, (size_t)out->n * sizeof *out->loss + 1);
    out->lr = pool_alloc(s->p, (size_t)out->n * sizeof *out->lr + 1);
    if (!out->x || !out->loss || !out->lr)
        return RN_ENOMEM;
    for (int64_t i = 0; i < out->n; i++) {
        int64_t from = i * every, to = from + every < v->n_steps ? from + every : v->n_steps;
        for (int64_t k = from; k < to; k++)
            out->loss[i] += v->steps[k].loss / (double)(to - from);
        out->x[i] = (double)v->steps[to - 1].step / fmax(epoch, 1);
        out->lr[i] = v->steps[to - 1].lr;
    }
    return RN_OK;
}

/* ---- loss and accuracy ---------------------------------------------------- */

static const char *const split_names[3] = {"train, running", "train", "validation"};
static const int split_looks[3] = {4, 0, 1};

/* The measured of train, fit and val; returns how many. */
static int add_splits(struct chart_series *series, const double *x, double *const y[3],
                      const char *const columns[3], int64_t n)
{
    int count = 0;

    for (int i = 0; i < 3; i++)
        if (count_finite(y[i], n))
            series[count++] = (struct chart_series){.name = split_names[i],
                                                    .column = columns[i],
                                                    .x = x,
                                                    .y = y[i],
                                                    .n = n,
                                                    .look = split_looks[i]};
    return count;
}

static void mark_best(const struct rn_report *v, struct chart_lines *c, char *room, size_t size)
{
    c->mark = c->level = NAN;
    if (!v->best_epoch || v->n_epochs < 2)
        return;
    snprintf(room, size, "best: epoch %lld", (long long)v->best_epoch);
    c->mark = (double)v->best_epoch;
    c->marked = room;
}

/* The epochs that early stopping waited through. */
static void shade_patience(struct report *r, struct chart_lines *c, char *room, size_t size)
{
    const struct rn_report *v = &r->view;
    double best = NAN, from = 0, last = v->n_epochs ? (double)v->epochs[v->n_epochs - 1].epoch : 0;

    if (v->patience < 1 || !v->patience_monitor)
        return;
    bool more = rn_more_is_better(RN_MODE_AUTO, v->patience_monitor);
    for (int64_t i = 0; i < v->n_epochs; i++) {
        double y = epoch_metric(r, v->epochs[i].epoch, v->patience_monitor);
        if (isnan(y) || (!isnan(best) && !(more ? y > best : y < best)))
            continue;
        best = y;
        from = (double)v->epochs[i].epoch;
    }
    if (isnan(best))
        return;
    c->shade_from = from;
    c->shade_to = fmin(from + (double)v->patience, last);
    snprintf(room, size, "patience: %lld", (long long)v->patience);
    c->shaded = room;
}

/* Rows of epochs and of steps, by their x. */
static void loss_csv(struct text *t, const struct rn_report *v, double *const y[3],
                     const struct steps *steps)
{
    int64_t k = 0;

    text_add(t, "epoch,train_loss,fit_loss,val_loss%s\n", steps->n ? ",step_loss" : "");
    for (int64_t i = 0; i <= v->n_epochs; i++) {
        double x = i < v->n_epochs ? (double)v->epochs[i].epoch : INFINITY;
        for (; k < steps->n && steps->x[k] < x; k++) {
            number_csv(t, steps->x[k]);
            text_add(t, ",,,");
            put_cell(t, steps->loss[k]);
            text_add(t, "\n");
        }
        if (i == v->n_epochs)
            break;
        number_csv(t, x);
        for (int s = 0; s < 3; s++)
            put_cell(t, y[s][i]);
        bool both = k < steps->n && steps->x[k] <= x;
        if (both || steps->n)
            put_cell(t, both ? steps->loss[k++] : NAN);
        text_add(t, "\n");
    }
}

int draw_loss(struct sheet *s)
{
    static const char *const columns[] = {"train_loss", "fit_loss", "val_loss"};
    static const char *const scales[] = {"linear", "log"};
    const struct rn_report *v = &s->r->view;
    double *x = epoch_numbers(s);
    double *y[3] = {column(s, offsetof(struct rn_epoch, train_loss)),
                    column(s, offsetof(struct rn_epoch, fit_loss)),
                    column(s, offsetof(struct rn_epoch, val_loss))};
    struct chart_series series[4];
    struct steps steps;
    char marked[64], note[96], shaded[64];
    int n = 0;

    if (!x || !y[0] || !y[1] || !y[2])
        return RN_ENOMEM;
    TRY(thin_steps(s, &steps));
    if (!steps.n && !s->r->view.n_epochs)
        return RN_OK; /* nothing was trained */
    if (steps.n)
        series[n++] = (struct chart_series){.name = "steps",
                                            .column = "step_loss",
                                            .x = steps.x,
                                            .y = steps.loss,
                                            .n = steps.n,
                                            .look = 4,
                                            .faint = true};
    n += add_splits(series + n, x, y, columns, v->n_epochs);
    loss_csv(&s->csv, v, y, &steps);
    say_epochs(&s->alt, "Loss", v);
    for (int i = 0; i < 3; i++)
        say_curve(&s->alt, split_names[i], y[i], v->n_epochs, 1, "");
    if (v->best_epoch)
        text_add(&s->alt, " Lowest validation loss at epoch %lld.", (long long)v->best_epoch);
    bool on;
    const struct rn_epoch *broken = first_broken(v, &on);
    if (broken)
        snprintf(note, sizeof note, "The training loss is not a finite number %s epoch %lld%s.",
                 on ? "from" : "in", (long long)broken->epoch, on ? " on" : "");
    if (broken)
        text_add(&s->alt, " %s", note);

    bool log = wants_log(series, n);
    struct chart_lines c = {.head = {"Loss", text_str(&s->alt), NULL, broken ? note : NULL},
                            .y_label = log ? "mean loss (log scale)" : "mean loss",
                            .series = series,
                            .n_series = n,
                            .log = log};
    cover_epochs(v, &c);
    mark_best(v, &c, marked, sizeof marked);
    shade_patience(s->r, &c, shaded, sizeof shaded);
    int status = chart_lines(&s->svg, &c);
    c.log = !log;
    c.y_label = log ? "mean loss" : "mean loss (log scale)";
    if (!status && n)
        status = chart_lines(&s->other, &c);
    return sheet_keep_two(s, "loss_train_val", "Loss", scales[log], scales[!log], status);
}

/* The 95 % interval of each validation accuracy: how much of a wiggle may be chance. */
static int add_band(struct sheet *s, struct chart_series *val)
{
    double *low = pool_alloc(s->p, (size_t)val->n * sizeof *low + 1);
    double *high = pool_alloc(s->p, (size_t)val->n * sizeof *high + 1);
    int64_t samples = s->r->view.val_samples;

    if (!low || !high)
        return RN_ENOMEM;
    for (int64_t i = 0; i < val->n; i++) {
        low[i] = high[i] = NAN;
        if (isfinite(val->y[i]))
            wilson_interval((int64_t)llround(val->y[i] * (double)samples), samples, &low[i],
                            &high[i]);
    }
    val->low = low;
    val->high = high;
    return RN_OK;
}

/* Accuracies become errors: 98 % and 99 % look alike, 2 % and 1 % do not. */
static int invert(struct sheet *s, struct chart_series *c)
{
    double *y = pool_alloc(s->p, (size_t)c->n * sizeof *y + 1);
    double *low = pool_alloc(s->p, (size_t)c->n * sizeof *low + 1);
    double *high = pool_alloc(s->p, (size_t)c->n * sizeof *high + 1);

    if (!y || !low || !high)
        return RN_ENOMEM;
    for (int64_t i = 0; i < c->n; i++) {
        y[i] = 1 - c->y[i];
        low[i] = c->low ? 1 - c->high[i] : NAN;
        high[i] = c->low ? 1 - c->low[i] : NAN;
    }
    c->y = y;
    c->low = c->low ? low : NULL;
    c->high = c->low ? high : NULL;
    return RN_OK;
}

static void accuracy_csv(struct text *t, const struct rn_report *v, double *const y[3],
                         const struct chart_series *val)
{
    text_add(t, "epoch,train_accuracy,fit_accuracy,val_accuracy,val_low,val_high,train_error,"
                "fit_error,val_error\n");
    for (int64_t i = 0; i < v->n_epochs; i++) {
        text_add(t, "%lld", (long long)v->epochs[i].epoch);
        for (int s = 0; s < 3; s++)
            put_cell(t, y[s][i]);
        put_cell(t, val && val->low ? val->low[i] : NAN);
        put_cell(t, val && val->low ? val->high[i] : NAN);
        for (int s = 0; s < 3; s++)
            put_cell(t, 1 - y[s][i]);
        text_add(t, "\n");
    }
}

int draw_accuracy(struct sheet *s)
{
    static const char *const columns[] = {"train_accuracy", "fit_accuracy", "val_accuracy"};
    static const char *const errors[] = {"train_error", "fit_error", "val_error"};
    const struct rn_report *v = &s->r->view;
    double *x = epoch_numbers(s);
    double *y[3] = {column(s, offsetof(struct rn_epoch, train_accuracy)),
                    column(s, offsetof(struct rn_epoch, fit_accuracy)),
                    column(s, offsetof(struct rn_epoch, val_accuracy))};
    struct chart_series series[3];
    char marked[64], shaded[64];

    if (!x || !y[0] || !y[1] || !y[2])
        return RN_ENOMEM;
    int n = add_splits(series, x, y, columns, v->n_epochs);
    if (!n)
        return RN_OK; /* not a classification */
    bool with_val = series[n - 1].y == y[2];
    if (with_val && v->val_samples > 0)
        TRY(add_band(s, &series[n - 1]));
    accuracy_csv(&s->csv, v, y, with_val ? &series[n - 1] : NULL);
    say_epochs(&s->alt, "Accuracy", v);
    for (int i = 0; i < 3; i++)
        say_curve(&s->alt, split_names[i], y[i], v->n_epochs, 100, " %");
    if (v->best_epoch)
        text_add(&s->alt, " Lowest validation loss at epoch %lld.", (long long)v->best_epoch);
    struct chart_lines c = {.head = {"Accuracy", text_str(&s->alt), NULL, NULL},
                            .y_label = "samples classified right",
                            .series = series,
                            .n_series = n,
                            .percent = true};
    cover_epochs(v, &c);
    mark_best(v, &c, marked, sizeof marked);
    shade_patience(s->r, &c, shaded, sizeof shaded);
    int status = chart_lines(&s->svg, &c);
    for (int i = 0, k = 0; !status && i < n && k < 3; k++)
        if (series[i].y == y[k]) {
            series[i].column = errors[k];
            status = invert(s, &series[i++]);
        }
    c.log = true;
    c.y_label = "samples classified wrong (log scale)";
    if (!status)
        status = chart_lines(&s->other, &c);
    return sheet_keep_two(s, "accuracy", "Accuracy", "accuracy", "error, log", status);
}

/* ---- one curve ------------------------------------------------------------ */

static void curve_csv(struct text *t, const char *name, const struct chart_series *c)
{
    text_add(t, "epoch,%s\n", name);
    for (int64_t i = 0; i < c->n; i++) {
        number_csv(t, c->x[i]);
        put_cell(t, c->y[i]);
        text_add(t, "\n");
    }
}

int draw_rate(struct sheet *s)
{
    const struct rn_report *v = &s->r->view;
    struct chart_series rate = {
        .name = "lr", .column = "lr", .n = v->n_epochs, .look = 2, .x = epoch_numbers(s)};
    struct steps steps;

    rate.y = column(s, offsetof(struct rn_epoch, lr));
    if (!rate.x || !rate.y)
        return RN_ENOMEM;
    TRY(thin_steps(s, &steps));
    if (count_finite(steps.lr, steps.n)) {
        rate.x = steps.x;
        rate.y = steps.lr;
        rate.n = steps.n;
    }
    if (!count_finite(rate.y, rate.n))
        return RN_OK;
    curve_csv(&s->csv, "lr", &rate);
    say_epochs(&s->alt, "Learning rate", v);
    say_curve(&s->alt, "It goes", rate.y, rate.n, 1, "");
    struct chart_lines c = {.head = {"Learning rate", text_str(&s->alt), NULL, NULL},
                            .y_label = wants_log(&rate, 1) ? "log scale" : NULL,
                            .series = &rate,
                            .n_series = 1,
                            .log = wants_log(&rate, 1),
                            .height = 190,
                            .mark = NAN,
                            .level = NAN};
    cover_epochs(v, &c);
    return sheet_keep(s, "learning_rate", "Learning rate", chart_lines(&s->svg, &c));
}

int draw_throughput(struct sheet *s)
{
    const struct rn_report *v = &s->r->view;
    struct chart_series rate = {.name = "samples_per_s",
                                .column = "samples_per_s",
                                .n = v->n_epochs,
                                .look = 0,
                                .x = epoch_numbers(s)};

    rate.y = column(s, offsetof(struct rn_epoch, samples_per_s));
    if (!rate.x || !rate.y)
        return RN_ENOMEM;
    if (!count_finite(rate.y, rate.n))
        return RN_OK;
    curve_csv(&s->csv, "samples_per_s", &rate);
    say_epochs(&s->alt, "Training samples a second", v);
    say_curve(&s->alt, "Throughput", rate.y, rate.n, 1, "");
    struct chart_lines c = {.head = {"Throughput", text_str(&s->alt), NULL, NULL},
                            .y_label = "training samples a second",
                            .series = &rate,
                            .n_series = 1,
                            .height = 220,
                            .mark = NAN,
                            .level = NAN};
    cover_epochs(v, &c);
    return sheet_keep(s, "throughput", "Throughput", chart_lines(&s->svg, &c));
}

/* ---- gap ------------------------------------------------------------------ */

struct gap {
    double *loss, *accuracy;            /* how much better the training samples are */
    double *zero, *noise[2], *under[2]; /* 95 % of chance about 0, of loss and of accuracy */
};

/* Half of Wilson's interval of an accuracy of n samples: it is not 0 where all are right. */
static double half_interval(double p, int64_t n)
{
    if (!isfinite(p) || n < 1)
        return NAN;
    struct share s = share_of(p, n);
    return (s.high - s.low) / 2;
}

static int measure_gap(struct sheet *s, struct gap *g)
{
    const struct rn_report *v = &s->r->view;
    double **all[] = {&g->loss,     &g->accuracy, &g->zero,    &g->noise[0],
                      &g->noise[1], &g->under[0], &g->under[1]};
    double dispersion = loss_dispersion(v);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(*all[i] = pool_alloc(s->p, (size_t)v->n_epochs * sizeof(double) + 1)))
            return RN_ENOMEM;
    for (int64_t i = 0; i < v->n_epochs; i++) {
        const struct rn_epoch *e = &v->epochs[i];
        g->loss[i] = e->val_loss - e->fit_loss;
        g->accuracy[i] = e->fit_accuracy - e->val_accuracy;
        g->noise[0][i] = NORMAL_95 * loss_gap_error(v, dispersion, e);
        g->noise[1][i] = hypot(half_interval(e->val_accuracy, v->val_samples),
                               half_interval(e->fit_accuracy, rn_fit_samples(v)));
        for (int k = 0; k < 2; k++)
            g->under[k][i] = -g->noise[k][i];
    }
    return RN_OK;
}

static int draw_one_gap(struct sheet *s, const struct gap *g, const double *x, bool accuracy,
                        struct text *out)
{
    const struct rn_report *v = &s->r->view;
    struct chart_series series[] = {{.name = "what is chance, 95 %",
                                     .x = x,
                                     .y = g->zero,
                                     .n = v->n_epochs,
                                     .low = g->under[accuracy],
                                     .high = g->noise[accuracy],
                                     .look = 6,
                                     .faint = true},
                                    {.name = "gap",
                                     .column = accuracy ? "accuracy_gap" : "loss_gap",
                                     .x = x,
                                     .y = accuracy ? g->accuracy : g->loss,
                                     .n = v->n_epochs,
                                     .look = 1}};
    struct chart_lines c = {
        .head = {"Gap between training and validation", text_str(&s->alt), NULL, NULL},
        .y_label = accuracy ? "train accuracy \xE2\x88\x92 validation accuracy"
                            : "validation loss \xE2\x88\x92 train loss",
        .series = series,
        .n_series = 2,
        .percent = accuracy,
        .height = 260};
    char marked[64];

    cover_epochs(v, &c);
    mark_best(v, &c, marked, sizeof marked);
    return chart_lines(out, &c);
}

static void gap_csv(struct text *t, const struct rn_report *v, const struct gap *g, bool classified)
{
    text_add(t, "epoch,loss_gap,loss_chance%s\n",
             classified ? ",accuracy_gap,accuracy_chance" : "");
    for (int64_t i = 0; i < v->n_epochs; i++) {
        text_add(t, "%lld", (long long)v->epochs[i].epoch);
        put_cell(t, g->loss[i]);
        put_cell(t, g->noise[0][i]);
        if (classified) {
            put_cell(t, g->accuracy[i]);
            put_cell(t, g->noise[1][i]);
        }
        text_add(t, "\n");
    }
}

int draw_gap(struct sheet *s)
{
    const struct rn_report *v = &s->r->view;
    double *x = epoch_numbers(s);
    struct gap g;

    if (!x)
        return RN_ENOMEM;
    TRY(measure_gap(s, &g));
    bool classified = count_finite(g.accuracy, v->n_epochs) > 0;
    if (!count_finite(g.loss, v->n_epochs))
        return RN_OK;
    gap_csv(&s->csv, v, &g, classified);
    say_epochs(&s->alt, "How much better the model does on samples it was trained on", v);
    say_curve(&s->alt, "loss", g.loss, v->n_epochs, 1, "");
    say_curve(&s->alt, "accuracy", g.accuracy, v->n_epochs, 100, " points");
    int status = draw_one_gap(s, &g, x, false, &s->svg);
    if (!status && classified)
        status = draw_one_gap(s, &g, x, true, &s->other);
    return sheet_keep_two(s, "generalization_gap", "Gap between training and validation", "loss",
                          "accuracy", status);
}
