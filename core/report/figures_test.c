/* figures_test.c - the figures of the test pass: mistakes and scores by class, confusion matrices,
 * predicted against true numbers. */
#include "figures.h"

#include "base/error.h"
#include "chart.h"
#include "escape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CLASSES_SHOWN 30 /* more do not stay legible */
#define CLASSES_WHOLE 40 /* up to so many, all are shown */

/* ---- confusion ------------------------------------------------------------ */

struct matrix { /* the classes that are shown, in their order, and how */
    const struct rn_test *t;
    const int64_t *shown;
    int64_t n, most;   /* most: the largest count off the diagonal */
    double most_share; /* and the largest share of a class */
    bool normalized;   /* shares of a class are shown, and not counts */
};

/* Recall of a row, precision of a column; NaN: nothing to divide by. */
static double margin(const struct matrix *m, int64_t row, int64_t col)
{
    const struct rn_class_fact *f = &m->t->per_class[m->shown[row < m->n ? row : col]];
    int64_t of = row < m->n ? f->support : f->predicted;

    return of ? (double)f->correct / (double)of : NAN;
}

static bool is_margin(const struct matrix *m, int64_t row, int64_t col)
{
    return row == m->n || col == m->n;
}

/* The darker the worse. */
static double shade_margin(const struct matrix *m, int64_t row, int64_t col)
{
    double good = margin(m, row, col);

    return isnan(good) ? 2 : sqrt(1 - good);
}

static void label_margin(const struct matrix *m, int64_t row, int64_t col, char out[16])
{
    double percent = 100 * margin(m, row, col);

    if (isnan(percent))
        snprintf(out, 16, "\xE2\x80\x93");
    else
        snprintf(out, 16, percent >= 99.95 ? "%.0f" : "%.1f", percent);
}

static int64_t cell_count(const struct matrix *m, int64_t row, int64_t col)
{
    return m->t->confusion[m->shown[row] * m->t->classes + m->shown[col]];
}

static double cell_share(const struct matrix *m, int64_t row, int64_t col)
{
    int64_t support = m->t->per_class[m->shown[row]].support;

    return support ? (double)cell_count(m, row, col) / (double)support : 0;
}

static double shade(const void *ctx, int64_t row, int64_t col)
{
    const struct matrix *m = ctx;

    if (is_margin(m, row, col))
        return shade_margin(m, row, col);
    if (row == col)
        return 2;
    double of_most = m->normalized ? cell_share(m, row, col) / m->most_share
                                   : (double)cell_count(m, row, col) / (double)m->most;
    return of_most > 0 ? sqrt(of_most) : -1;
}

static void label(const void *ctx, int64_t row, int64_t col, char out[16])
{
    const struct matrix *m = ctx;

    out[0] = '\0';
    if (is_margin(m, row, col)) {
        label_margin(m, row, col, out);
        return;
    }
    int64_t count = cell_count(m, row, col);
    double percent = 100 * cell_share(m, row, col);
    if (!m->normalized && (count || row == col))
        snprintf(out, 16, "%lld", (long long)count);
    else if (m->normalized && percent >= 99.95)
        snprintf(out, 16, "100");
    else if (m->normalized && percent > 0)
        snprintf(out, 16, percent < 0.05 ? "<0.1" : "%.1f", percent);
}

static void tip_cell(const void *ctx, int64_t row, int64_t col, struct text *out)
{
    const struct matrix *m = ctx;

    if (is_margin(m, row, col)) {
        const struct rn_class_fact *f = &m->t->per_class[m->shown[row < m->n ? row : col]];
        text_add(out, "%s: %lld of %lld %s", f->name, (long long)f->correct,
                 (long long)(row < m->n ? f->support : f->predicted),
                 row < m->n ? "were found" : "said to be it are it");
        return;
    }
    text_add(out, "true %s, predicted %s: %lld (%.1f %% of the class)",
             m->t->per_class[m->shown[row]].name, m->t->per_class[m->shown[col]].name,
             (long long)cell_count(m, row, col), 100 * cell_share(m, row, col));
}

static int64_t mistakes_of(const struct rn_class_fact *f)
{
    return f->support + f->predicted - 2 * f->correct;
}

static int by_index(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* All classes; of more than CLASSES_WHOLE those with most mistakes, in their order. */
static int64_t choose_classes(const struct rn_test *t, int64_t *out)
{
    int64_t n = 0, most = t->classes > CLASSES_WHOLE ? CLASSES_SHOWN : t->classes;

    for (int64_t c = 0; c < t->classes; c++) {
        int64_t at = n < most ? n++ : most;
        for (; at > 0 && mistakes_of(&t->per_class[out[at - 1]]) < mistakes_of(&t->per_class[c]);
             at--)
            if (at < most)
                out[at] = out[at - 1];
        if (at < most)
            out[at] = c;
    }
    qsort(out, (size_t)n, sizeof *out, by_index);
    return n;
}

static void confusion_csv(struct text *t, const struct rn_test *test, bool normalized)
{
    text_add(t, "true\\predicted");
    for (int64_t c = 0; c < test->classes; c++) {
        text_add(t, ",");
        escape_csv(t, test->per_class[c].name);
    }
    text_add(t, "\n");
    for (int64_t row = 0; row < test->classes; row++) {
        const struct rn_class_fact *f = &test->per_class[row];
        escape_csv(t, f->name);
        for (int64_t col = 0; col < test->classes; col++) {
            int64_t count = test->confusion[row * test->classes + col];
            if (normalized)
                text_add(t, ",%.9g", f->support ? (double)count / (double)f->support : 0);
            else
                text_add(t, ",%lld", (long long)count);
        }
        text_add(t, "\n");
    }
}

static void say_confusion(struct text *alt, const struct rn_test *t, const char *what)
{
    text_add(alt, "%s of %lld classes over %lld test samples.", what, (long long)t->classes,
             (long long)t->n);
    for (int64_t i = 0; i < t->n_pairs && i < 3; i++)
        text_add(alt, "%s %s taken for %s %lld times",
                 i ? "," : " Most frequent mistakes:", t->per_class[t->pairs[i].truth].name,
                 t->per_class[t->pairs[i].predicted].name, (long long)t->pairs[i].count);
    text_add(alt, t->n_pairs ? "." : " No mistakes.");
}

static void find_most(struct matrix *m)
{
    for (int64_t row = 0; row < m->n; row++)
        for (int64_t col = 0; col < m->n; col++) {
            int64_t count = row == col ? 0 : cell_count(m, row, col);
            m->most = count > m->most ? count : m->most;
            m->most_share = fmax(m->most_share, count ? cell_share(m, row, col) : 0);
        }
}

static int draw_confusion(struct sheet *s, bool normalized)
{
    const struct rn_test *t = s->r->view.test;
    int64_t *shown = pool_alloc(s->p, (size_t)t->classes * sizeof *shown);
    const char **names = pool_alloc(s->p, (size_t)t->classes * sizeof *names);
    const char *what =
        normalized ? "Confusion matrix, share of each true class" : "Confusion matrix, counts";
    char subtitle[128], most[32];

    if (!shown || !names)
        return RN_ENOMEM;
    struct matrix m = {t, shown, choose_classes(t, shown), 0, 0, normalized};
    for (int64_t i = 0; i < m.n; i++)
        names[i] = t->per_class[shown[i]].name;
    find_most(&m);
    if (m.n < t->classes)
        snprintf(subtitle, sizeof subtitle,
                 "The %lld of %lld classes with most mistakes; the CSV has all.", (long long)m.n,
                 (long long)t->classes);
    else
        snprintf(subtitle, sizeof subtitle, "%lld test samples%s", (long long)t->n,
                 normalized ? "; in %" : "");
    if (normalized)
        snprintf(most, sizeof most, "%.2g %% of the class", 100 * m.most_share);
    else
        snprintf(most, sizeof most, "%lld mistake%s", (long long)m.most, m.most == 1 ? "" : "s");
    say_confusion(&s->alt, t, what);
    confusion_csv(&s->csv, t, normalized);
    int status = chart_heat(&s->svg, &(struct chart_heat){
                                         .head = {what, text_str(&s->alt), subtitle, NULL},
                                         .row_label = "true",
                                         .col_label = "predicted",
                                         .row_margin = "recall %",
                                         .col_margin = "precision %",
                                         .scale_low = normalized || !m.most ? "0" : "1",
                                         .scale_high = most,
                                         .names = names,
                                         .numbers = shown,
                                         .n = m.n,
                                         .shade = shade,
                                         .label = label,
                                         .tip = tip_cell,
                                         .ctx = &m,
                                     });
    return sheet_keep(s, normalized ? "confusion_matrix_normalized" : "confusion_matrix_counts",
                      what, status);
}

static bool has_classes(const struct sheet *s)
{
    return s->r->view.test && s->r->view.test->classes > 0;
}

int draw_counts(struct sheet *s) { return has_classes(s) ? draw_confusion(s, false) : RN_OK; }

int draw_shares(struct sheet *s) { return has_classes(s) ? draw_confusion(s, true) : RN_OK; }

/* ---- classes -------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const struct chart_bar *x = a, *y = b;

    return (x->part[0] < y->part[0]) - (x->part[0] > y->part[0]);
}

/* The share of each class that was missed, with its interval. */
int draw_classes(struct sheet *s)
{
    const struct rn_test *t = s->r->view.test;
    const char *title = "Missed samples of each class";
    int64_t n = 0;

    if (!has_classes(s))
        return RN_OK;
    struct chart_bar *bars = pool_alloc(s->p, (size_t)t->classes * sizeof *bars);
    text_add(&s->csv, "class,support,predicted,correct,precision,recall,f1\n");
    for (int64_t c = 0; bars && c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        double low, high;
        escape_csv(&s->csv, f->name);
        text_add(&s->csv, ",%lld,%lld,%lld,%.9g,%.9g,%.9g\n", (long long)f->support,
                 (long long)f->predicted, (long long)f->correct, f->precision, f->recall, f->f1);
        if (!f->support)
            continue;
        int64_t missed = f->support - f->correct;
        wilson_interval(missed, f->support, &low, &high);
        const char *value = pool_printf(s->p, "%.1f %% (%lld of %lld)", 100 * (1 - f->recall),
                                        (long long)missed, (long long)f->support);
        if (!value)
            return RN_ENOMEM;
        bars[n++] = (struct chart_bar){f->name, value, {1 - f->recall}, low, high};
    }
    if (!bars)
        return RN_ENOMEM;
    qsort(bars, (size_t)n, sizeof *bars, by_length);
    text_add(&s->alt, "Missed samples of each class, most first.");
    for (int64_t i = 0; i < n && i < 3; i++)
        text_add(&s->alt, " %s: %s.", bars[i].name, bars[i].value);
    const char *subtitle = n > CLASSES_SHOWN ? "the 30 worst; 1 \xE2\x88\x92 recall, 95 % interval"
                                             : "1 \xE2\x88\x92 recall, with its 95 % interval";
    int status = chart_bars(&s->svg, &(struct chart_bars){
                                         .head = {title, text_str(&s->alt), subtitle, NULL},
                                         .bars = bars,
                                         .n = n > CLASSES_SHOWN ? CLASSES_SHOWN : n,
                                         .percent = true,
                                     });
    return sheet_keep(s, "class_errors", title, status);
}

/* Those with the lowest F1, in the order of classes. */
static int64_t worst_classes(const struct rn_test *t, int64_t *out)
{
    int64_t n = 0, most = t->classes > CLASSES_WHOLE ? CLASSES_SHOWN : t->classes;

    for (int64_t c = 0; c < t->classes; c++) {
        if (!t->per_class[c].support)
            continue;
        int64_t at = n < most ? n++ : most;
        for (; at > 0 && t->per_class[out[at - 1]].f1 > t->per_class[c].f1; at--)
            if (at < most)
                out[at] = out[at - 1];
        if (at < most)
            out[at] = c;
    }
    qsort(out, (size_t)n, sizeof *out, by_index);
    return n;
}

int draw_scores(struct sheet *s)
{
    static const char title[] = "Recall, precision and F1 of each class";
    const struct rn_test *t = s->r->view.test;

    if (!has_classes(s))
        return RN_OK;
    int64_t *shown = pool_alloc(s->p, (size_t)t->classes * sizeof *shown);
    struct chart_dots_row *rows = pool_alloc(s->p, (size_t)t->classes * sizeof *rows);
    if (!shown || !rows)
        return RN_ENOMEM;
    int64_t n = worst_classes(t, shown), lowest = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct rn_class_fact *f = &t->per_class[shown[i]];
        rows[i] =
            (struct chart_dots_row){.name = f->name, .value = {f->recall, f->precision, f->f1}};
        if (!f->predicted)
            rows[i].value[1] = NAN;
        wilson_interval(f->correct, f->support, &rows[i].low, &rows[i].high);
        if (f->f1 < t->per_class[shown[lowest]].f1)
            lowest = i;
    }
    text_add(&s->csv, "class,support,recall,recall_low,recall_high,precision,f1\n");
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        double low, high;
        wilson_interval(f->correct, f->support, &low, &high);
        escape_csv(&s->csv, f->name);
        text_add(&s->csv, ",%lld,%.9g,%.9g,%.9g,%.9g,%.9g\n", (long long)f->support, f->recall, low,
                 high, f->precision, f->f1);
    }
    text_add(&s->alt, "Recall with its 95 %% interval, precision and F1 of %lld classes.",
             (long long)n);
    if (n)
        text_add(&s->alt, " Lowest F1: %s, %.1f %%.", t->per_class[shown[lowest]].name,
                 100 * t->per_class[shown[lowest]].f1);
    int status = chart_dots(&s->svg, &(struct chart_dots){
                                         .head = {title, text_str(&s->alt),
                                                  n < t->classes && t->classes > CLASSES_WHOLE
                                                      ? "The 30 classes with the lowest F1; the "
                                                        "line is the 95 % interval of recall."
                                                      : "The line is the 95 % interval of recall.",
                                                  NULL},
                                         .names = {"recall", "precision", "F1"},
                                         .rows = rows,
                                         .n = n,
                                     });
    return sheet_keep(s, "class_scores", title, status);
}

/* ---- numbers -------------------------------------------------------------- */

#define POINTS_SHOWN 1000 /* of more every k-th is drawn */

int draw_values(struct sheet *s)
{
    static const char title[] = "Predicted against true";
    const struct rn_test *test = s->r->view.test;

    if (!test || !s->r->predicted)
        return RN_OK;
    int64_t every = (test->n + POINTS_SHOWN - 1) / POINTS_SHOWN, n = 0, worst = -1;
    double *x = pool_alloc(s->p, POINTS_SHOWN * sizeof *x);
    double *y = pool_alloc(s->p, POINTS_SHOWN * sizeof *y);
    const double *wanted = s->r->wanted, *predicted = s->r->predicted;

    if (!x || !y)
        return RN_ENOMEM;
    text_add(&s->csv, "index,true,predicted\n");
    for (int64_t i = 0; i < test->n; i++) {
        double off = fabs(predicted[i] - wanted[i]);
        if (isfinite(off) && (worst < 0 || off > fabs(predicted[worst] - wanted[worst])))
            worst = i;
        if (i % every)
            continue;
        x[n] = wanted[i];
        y[n++] = predicted[i];
        text_add(&s->csv, "%lld,", (long long)i);
        number_csv(&s->csv, wanted[i]);
        text_add(&s->csv, ",");
        number_csv(&s->csv, predicted[i]);
        text_add(&s->csv, "\n");
    }
    text_add(&s->alt, "Predicted against true values of %lld test samples", (long long)test->n);
    if (every > 1)
        text_add(&s->alt, ", %lld of them shown", (long long)n);
    text_add(&s->alt, "; on the line both are equal.");
    if (worst >= 0)
        text_add(&s->alt, " Farthest from it: sample %lld, predicted %.4g, true %.4g.",
                 (long long)worst, predicted[worst], wanted[worst]);
    int status =
        chart_points(&s->svg, &(struct chart_points){.head = {title, text_str(&s->alt), NULL, NULL},
                                                     .x_label = "true",
                                                     .y_label = "predicted",
                                                     .x = x,
                                                     .y = y,
                                                     .n = n});
    return sheet_keep(s, "predicted_true", title, status);
}
