/* compare_figures.c - the figures of a comparison: curves of all runs over each other, the score
 * against what it cost, validation against test. */
#include "compare.h"

#include "base/error.h"
#include "escape.h"
#include "figures.h"
#include "svg.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { FIGURES_MAX = 6 };

struct album {
    struct comparison *c;
    struct rn_figure *figures;
};

static int keep(struct album *a, const char *name, const char *title, int status, struct text *svg,
                struct text *csv, struct text *alt)
{
    struct rn_comparison *v = &a->c->view;

    status = figure_keep(a->c->pool, &a->figures[v->n_figures], name, title, status, svg, csv, alt);
    v->n_figures += !status;
    return status;
}

/* ---- curves --------------------------------------------------------------- */

static int series_of(struct comparison *c, int i, size_t offset, struct chart_series *out)
{
    const struct rn_report *r = c->view.reports[i];
    double *x = pool_alloc(c->pool, (size_t)r->n_epochs * sizeof *x + 1);
    double *y = pool_alloc(c->pool, (size_t)r->n_epochs * sizeof *y + 1);

    if (!x || !y)
        return RN_ENOMEM;
    for (int64_t k = 0; k < r->n_epochs; k++) {
        x[k] = (double)r->epochs[k].epoch;
        memcpy(&y[k], (const char *)&r->epochs[k] + offset, sizeof *y);
    }
    *out = (struct chart_series){.name = c->label[i],
                                 .column = pool_printf(c->pool, "run %d", i + 1),
                                 .x = x,
                                 .y = y,
                                 .n = r->n_epochs,
                                 .look = i % SVG_SERIES};
    return out->column ? RN_OK : RN_ENOMEM;
}

static void put_numbers(struct text *csv, const struct chart_series *s, int n)
{
    int64_t most = 0;

    text_add(csv, "epoch");
    for (int i = 0; i < n; i++) {
        text_add(csv, ",%s", s[i].column);
        most = s[i].n > most ? s[i].n : most;
    }
    for (int64_t k = 0; k < most; k++) {
        text_add(csv, "\n%lld", (long long)k + 1);
        for (int i = 0; i < n; i++) {
            text_add(csv, ",");
            if (k < s[i].n && !isnan(s[i].y[k]))
                number_csv(csv, s[i].y[k]);
        }
    }
    text_add(csv, "\n");
}

static double last_of(const struct chart_series *s)
{
    for (int64_t k = s->n; k-- > 0;)
        if (isfinite(s->y[k]))
            return s->y[k];
    return NAN;
}

static int draw_curves(struct album *a, const char *name, const char *title, size_t offset,
                       const char *y_label, bool percent)
{
    struct comparison *c = a->c;
    struct chart_series s[COMPARE_MAX];
    struct text svg = {0}, csv = {0}, alt = {0};
    bool some = false;

    for (int i = 0; i < c->view.n; i++)
        TRY(series_of(c, i, offset, &s[i]));
    for (int i = 0; i < c->view.n; i++) {
        double last = last_of(&s[i]);
        some |= isfinite(last);
        if (isfinite(last))
            text_add(&alt, "%s%s ends at %.4g%s.", alt.n ? " " : "", c->label[i],
                     last * (percent ? 100 : 1), percent ? " %" : "");
    }
    if (!some) {
        text_free(&alt);
        return RN_OK;
    }
    put_numbers(&csv, s, (int)c->view.n);
    int status =
        chart_lines(&svg, &(struct chart_lines){.head = {title, text_str(&alt), NULL, NULL},
                                                .x_label = "epoch",
                                                .y_label = y_label,
                                                .series = s,
                                                .n_series = (int)c->view.n,
                                                .whole = true,
                                                .percent = percent,
                                                .mark = NAN,
                                                .level = NAN});
    return keep(a, name, title, status, &svg, &csv, &alt);
}

/* ---- points --------------------------------------------------------------- */

static const struct rn_score *score(const struct comparison *c, const char *name)
{
    for (int64_t i = 0; i < c->view.n_scores; i++)
        if (!strcmp(c->view.scores[i].name, name))
            return &c->view.scores[i];
    return NULL;
}

/* One score against another: nothing is drawn where the runs are alike in one of them. */
static int draw_scatter(struct album *a, const char *name, const char *title, const char *x_name,
                        const char *x_label, bool diagonal)
{
    struct comparison *c = a->c;
    const struct rn_score *acc = score(c, "test.accuracy"), *x = score(c, x_name);
    const struct rn_score *y = acc ? acc : score(c, "test.loss");
    struct chart_point points[COMPARE_MAX];
    struct text svg = {0}, csv = {0}, alt = {0};
    bool varies = diagonal;
    int n = 0;

    if (!x || !y || (diagonal && x->percent != y->percent))
        return RN_OK;
    text_add(&csv, "run,%s,%s\n", x_name, y->name);
    for (int i = 0; i < c->view.n; i++) {
        if (!isfinite(x->values[i]) || !isfinite(y->values[i]))
            continue;
        varies |= n && fabs(x->values[i] - points[0].x) > 0.01 * fabs(points[0].x);
        points[n++] =
            (struct chart_point){c->label[i], x->values[i], y->values[i], y->low[i], y->high[i]};
        escape_csv(&csv, c->label[i]);
        text_add(&csv, ",%.9g,%.9g\n", x->values[i], y->values[i]);
        text_add(&alt, "%s%s: %.4g%s at %.4g%s.", alt.n ? " " : "", c->label[i],
                 y->values[i] * (y->percent ? 100 : 1), y->percent ? " %" : "",
                 x->values[i] * (x->percent ? 100 : 1), x->percent ? " %" : "");
    }
    if (n < 2 || !varies) {
        text_free(&csv);
        text_free(&alt);
        return RN_OK;
    }
    int status =
        chart_scatter(&svg, &(struct chart_scatter){.head = {title, text_str(&alt), NULL, NULL},
                                                    .x_label = x_label,
                                                    .y_label = acc ? "test accuracy" : "test loss",
                                                    .points = points,
                                                    .n = n,
                                                    .x_percent = x->percent,
                                                    .percent = y->percent,
                                                    .diagonal = diagonal});
    return keep(a, name, title, status, &svg, &csv, &alt);
}

int compare_figures(struct comparison *c)
{
    struct album a = {c, pool_alloc(c->pool, FIGURES_MAX * sizeof *a.figures)};
    bool classes = score(c, "test.accuracy") != NULL;

    if (!a.figures)
        return RN_ENOMEM;
    c->view.figures = a.figures;
    TRY(draw_curves(&a, "val_loss", "Validation loss", offsetof(struct rn_epoch, val_loss), "loss",
                    false));
    TRY(draw_curves(&a, "val_accuracy", "Validation accuracy",
                    offsetof(struct rn_epoch, val_accuracy), "accuracy", true));
    TRY(draw_curves(&a, "train_loss", "Training loss, as the weights changed",
                    offsetof(struct rn_epoch, train_loss), "loss", false));
    TRY(draw_scatter(&a, "score_time", "Score against training time", "train_s",
                     "training, in seconds", false));
    TRY(draw_scatter(&a, "score_parameters", "Score against size", "parameters", "parameters",
                     false));
    return draw_scatter(&a, "validation_test", "Validation against test",
                        classes ? "best.val.accuracy" : "best.val.loss",
                        classes ? "best validation accuracy" : "best validation loss", true);
}
