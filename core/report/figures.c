/* figures.c - which figures a report has, and those of the curves: what they show and what they say
 * in words. */
#include "figures.h"

#include "base/error.h"
#include "chart.h"
#include "escape.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIGURES_MAX 8

int sheet_keep(struct sheet *s, const char *name, const char *title, int status)
{
    struct rn_figure *f = &s->figures[s->r->view.n_figures];
    int bad = status ? status : s->svg.status | s->csv.status | s->alt.status;

    *f = (struct rn_figure){
        .name = name,
        .title = pool_strdup(s->p, title),
        .alt = pool_strdup(s->p, text_str(&s->alt)),
        .svg = pool_strndup(s->p, text_str(&s->svg), s->svg.n),
        .csv = pool_strndup(s->p, text_str(&s->csv), s->csv.n),
    };
    text_free(&s->svg);
    text_free(&s->csv);
    text_free(&s->alt);
    if (!bad && (!f->title || !f->alt || !f->svg || !f->csv))
        bad = RN_ENOMEM;
    if (!bad)
        s->r->view.n_figures++;
    return bad;
}

/* ---- curves --------------------------------------------------------------- */

static double *column(struct sheet *s, size_t offset)
{
    const struct rn_report *v = &s->r->view;
    double *y = pool_alloc(s->p, (size_t)v->n_epochs * sizeof *y + 1);

    for (int64_t i = 0; y && i < v->n_epochs; i++)
        memcpy(&y[i], (const char *)&v->epochs[i] + offset, sizeof *y);
    return y;
}

static int64_t count_finite(const double *y, int64_t n)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        count += isfinite(y[i]) != 0;
    return count;
}

static void curves_csv(struct text *t, const struct rn_report *v, const char *what,
                       double *const y[3])
{
    text_add(t, "epoch,train_%s,fit_%s,val_%s\n", what, what, what);
    for (int64_t i = 0; i < v->n_epochs; i++) {
        text_add(t, "%lld", (long long)v->epochs[i].epoch);
        for (int s = 0; s < 3; s++) {
            text_add(t, ",");
            number_csv(t, y[s][i]);
        }
        text_add(t, "\n");
    }
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

/* The epoch whose training loss was the first that is no number; 0: none. */
static int64_t first_broken(const struct rn_report *v)
{
    for (int64_t i = 0; i < v->n_epochs; i++)
        if (!isfinite(v->epochs[i].train_loss))
            return v->epochs[i].epoch;
    return 0;
}

struct curves {
    const char *name, *title, *what, *unit_label;
    size_t offset[3]; /* train, fit, val */
    bool percent;
};

static const struct curves loss_curves = {"loss_train_val",
                                          "Loss",
                                          "loss",
                                          "mean loss",
                                          {offsetof(struct rn_epoch, train_loss),
                                           offsetof(struct rn_epoch, fit_loss),
                                           offsetof(struct rn_epoch, val_loss)},
                                          false};
static const struct curves accuracy_curves = {"accuracy",
                                              "Accuracy",
                                              "accuracy",
                                              "samples classified right",
                                              {offsetof(struct rn_epoch, train_accuracy),
                                               offsetof(struct rn_epoch, fit_accuracy),
                                               offsetof(struct rn_epoch, val_accuracy)},
                                              true};

/* A log scale where the loss falls far: the interesting end of the curve is flat otherwise. */
static bool wants_log(double *const y[3], int64_t n)
{
    double low = INFINITY, high = 0;

    for (int s = 0; s < 3; s++)
        for (int64_t i = 0; i < n; i++)
            if (isfinite(y[s][i])) {
                low = fmin(low, y[s][i]);
                high = fmax(high, y[s][i]);
            }
    return low > 0 && high > 20 * low;
}

/* The 95 % interval of each validation accuracy: how much of a wiggle may be chance. */
static int add_band(struct sheet *s, struct chart_series *val, int64_t n)
{
    double *low = pool_alloc(s->p, (size_t)n * sizeof *low + 1);
    double *high = pool_alloc(s->p, (size_t)n * sizeof *high + 1);
    int64_t samples = s->r->view.val_samples;

    if (!low || !high)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++) {
        low[i] = high[i] = NAN;
        if (isfinite(val->y[i]))
            wilson_interval((int64_t)llround(val->y[i] * (double)samples), samples, &low[i],
                            &high[i]);
    }
    val->low = low;
    val->high = high;
    return RN_OK;
}

static int draw_curves(struct sheet *s, const struct curves *c)
{
    static const char *const names[] = {"train, running", "train", "validation"};
    static const int looks[] = {4, 0, 1};
    const struct rn_report *v = &s->r->view;
    struct chart_series series[3] = {{0}};
    double *y[3];
    int n_series = 0;
    char marked[64], note[96];

    for (int i = 0; i < 3; i++) {
        y[i] = column(s, c->offset[i]);
        if (!y[i])
            return RN_ENOMEM;
        if (count_finite(y[i], v->n_epochs))
            series[n_series++] =
                (struct chart_series){.name = names[i], .y = y[i], .look = looks[i]};
    }
    if (c->percent && !n_series)
        return RN_OK; /* not a classification */
    if (c->percent && v->val_samples > 0 && series[n_series - 1].look == looks[2])
        TRY(add_band(s, &series[n_series - 1], v->n_epochs));

    int64_t broken = c->percent ? 0 : first_broken(v);
    bool log = !c->percent && wants_log(y, v->n_epochs);
    text_add(&s->alt, "%s over %lld epoch%s.", c->title, (long long)v->n_epochs,
             v->n_epochs == 1 ? "" : "s");
    for (int i = 0; i < 3; i++)
        say_curve(&s->alt, names[i], y[i], v->n_epochs, c->percent ? 100 : 1,
                  c->percent ? " %" : "");
    if (v->best_epoch)
        text_add(&s->alt, " Lowest validation loss at epoch %lld.", (long long)v->best_epoch);
    snprintf(marked, sizeof marked, "best: epoch %lld", (long long)v->best_epoch);
    snprintf(note, sizeof note, "The training loss is not a finite number from epoch %lld on.",
             (long long)broken);
    if (broken)
        text_add(&s->alt, " %s", note);
    curves_csv(&s->csv, v, c->what, y);
    int status = chart_lines(
        &s->svg, &(struct chart_lines){
                     .title = c->title,
                     .desc = text_str(&s->alt),
                     .x_label = "epoch",
                     .y_label = log ? "mean loss (log scale)" : c->unit_label,
                     .n = v->n_epochs,
                     .first = v->n_epochs ? v->epochs[0].epoch : 1,
                     .series = series,
                     .n_series = n_series,
                     .log = log,
                     .percent = c->percent,
                     .mark = v->best_epoch && v->n_epochs > 1 ? (double)v->best_epoch : NAN,
                     .marked = marked,
                     .note = broken ? note : NULL,
                 });
    return sheet_keep(s, c->name, c->title, status);
}

/* ---- all of them ---------------------------------------------------------- */

int figures_draw(struct report *r)
{
    struct sheet s = {.r = r, .p = r->drawn};

    s.figures = pool_alloc(s.p, FIGURES_MAX * sizeof *s.figures);
    if (!s.figures)
        return RN_ENOMEM;
    r->view.figures = s.figures;
    int status = draw_curves(&s, &loss_curves);
    if (!status)
        status = draw_curves(&s, &accuracy_curves);
    bool classes = r->view.test && r->view.test->classes > 0;
    if (!status && classes)
        status = draw_classes(&s);
    if (!status && classes)
        status = draw_confusion(&s, false);
    if (!status && classes)
        status = draw_confusion(&s, true);
    if (!status && classes && r->view.test->n_pictures)
        status = draw_samples(&s);
    if (!status && r->view.test && r->predicted)
        status = draw_values(&s);
    text_free(&s.svg);
    text_free(&s.csv);
    text_free(&s.alt);
    return status;
}
