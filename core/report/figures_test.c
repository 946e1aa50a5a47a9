/* figures_test.c - the figures of the test pass: mistakes by class, confusion matrices, pictures.
 */
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
    int64_t n, most; /* most: the largest count off the diagonal */
};

static int64_t cell_count(const struct matrix *m, int64_t row, int64_t col)
{
    return m->t->confusion[m->shown[row] * m->t->classes + m->shown[col]];
}

static double cell_share(const struct matrix *m, int64_t row, int64_t col)
{
    int64_t support = m->t->per_class[m->shown[row]].support;

    return support ? (double)cell_count(m, row, col) / (double)support : 0;
}

static double shade_count(const void *ctx, int64_t row, int64_t col)
{
    const struct matrix *m = ctx;
    int64_t count = cell_count(m, row, col);

    if (row == col)
        return 2;
    return count ? sqrt((double)count / (double)m->most) : -1;
}

static void label_count(const void *ctx, int64_t row, int64_t col, char out[16])
{
    int64_t count = cell_count(ctx, row, col);

    out[0] = '\0';
    if (count || row == col)
        snprintf(out, 16, "%lld", (long long)count);
}

static double shade_share(const void *ctx, int64_t row, int64_t col)
{
    double share = cell_share(ctx, row, col);

    return share > 0 ? sqrt(share) : -1;
}

static void label_share(const void *ctx, int64_t row, int64_t col, char out[16])
{
    double percent = 100 * cell_share(ctx, row, col);

    out[0] = '\0';
    if (percent >= 99.95)
        snprintf(out, 16, "100");
    else if (percent > 0)
        snprintf(out, 16, percent < 0.05 ? "<0.1" : "%.1f", percent);
}

static void tip_cell(const void *ctx, int64_t row, int64_t col, struct text *out)
{
    const struct matrix *m = ctx;

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

int draw_confusion(struct sheet *s, bool normalized)
{
    const struct rn_test *t = s->r->view.test;
    int64_t *shown = pool_alloc(s->p, (size_t)t->classes * sizeof *shown);
    const char **names = pool_alloc(s->p, (size_t)t->classes * sizeof *names);
    const char *what =
        normalized ? "Confusion matrix, share of each true class" : "Confusion matrix, counts";
    char subtitle[96], most[32];

    if (!shown || !names)
        return RN_ENOMEM;
    struct matrix m = {t, shown, choose_classes(t, shown), 1};
    for (int64_t i = 0; i < m.n; i++)
        names[i] = t->per_class[shown[i]].name;
    for (int64_t i = 0; i < m.n * m.n; i++)
        if (i / m.n != i % m.n && cell_count(&m, i / m.n, i % m.n) > m.most)
            m.most = cell_count(&m, i / m.n, i % m.n);
    if (m.n < t->classes)
        snprintf(subtitle, sizeof subtitle, "the %lld of %lld classes with most mistakes",
                 (long long)m.n, (long long)t->classes);
    else
        snprintf(subtitle, sizeof subtitle, "%lld test samples", (long long)t->n);
    snprintf(most, sizeof most, "%lld mistake%s", (long long)m.most, m.most == 1 ? "" : "s");
    say_confusion(&s->alt, t, what);
    confusion_csv(&s->csv, t, normalized);
    int status = chart_heat(&s->svg, &(struct chart_heat){
                                         .title = what,
                                         .subtitle = subtitle,
                                         .desc = text_str(&s->alt),
                                         .row_label = "true",
                                         .col_label = "predicted",
                                         .scale_low = normalized ? "0" : "1",
                                         .scale_high = normalized ? "100 %" : most,
                                         .names = names,
                                         .n = m.n,
                                         .shade = normalized ? shade_share : shade_count,
                                         .label = normalized ? label_share : label_count,
                                         .tip = tip_cell,
                                         .ctx = &m,
                                     });
    return sheet_keep(s, normalized ? "confusion_matrix_normalized" : "confusion_matrix_counts",
                      what, status);
}

/* ---- classes -------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const struct chart_bar *x = a, *y = b;

    return (x->length < y->length) - (x->length > y->length);
}

/* The share of each class that was missed, with its interval. */
int draw_classes(struct sheet *s)
{
    const struct rn_test *t = s->r->view.test;
    struct chart_bar *bars = pool_alloc(s->p, (size_t)t->classes * sizeof *bars);
    const char *title = "Missed samples of each class";
    int64_t n = 0;

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
        bars[n++] = (struct chart_bar){f->name, value, 1 - f->recall, low, high};
    }
    if (!bars)
        return RN_ENOMEM;
    qsort(bars, (size_t)n, sizeof *bars, by_length);
    text_add(&s->alt, "Missed samples of each class, most first.");
    for (int64_t i = 0; i < n && i < 3; i++)
        text_add(&s->alt, " %s: %s.", bars[i].name, bars[i].value);
    int status = chart_bars(
        &s->svg,
        &(struct chart_bars){
            .title = title,
            .desc = text_str(&s->alt),
            .x_label = n > CLASSES_SHOWN ? "the 30 worst; 1 \xE2\x88\x92 recall, 95 % interval"
                                         : "1 \xE2\x88\x92 recall, with its 95 % interval",
            .bars = bars,
            .n = n > CLASSES_SHOWN ? CLASSES_SHOWN : n,
            .percent = true,
        });
    return sheet_keep(s, "class_errors", title, status);
}

/* ---- samples -------------------------------------------------------------- */

#define TILES 10 /* of each gallery */

static int fill_tile(struct sheet *s, const struct rn_picture *picture, const char *why,
                     struct chart_tile *tile)
{
    const struct rn_test *t = s->r->view.test;
    const struct rn_sample *x = &t->samples[picture->sample];
    const char *truth = t->per_class[x->truth].name, *said = t->per_class[x->predicted].name;
    bool good = x->truth == x->predicted;

    tile->pixels = picture->pixels;
    tile->good = good;
    tile->verdict =
        pool_printf(s->p, "%s  %.0f %%", good ? "\xE2\x9C\x93 right" : "\xE2\x9C\x97 wrong",
                    100 * x->p_predicted);
    tile->line[0] = pool_printf(s->p, "true: %s", truth);
    tile->line[1] = pool_printf(s->p, "said: %s", said);
    if (!tile->verdict || !tile->line[0] || !tile->line[1])
        return RN_ENOMEM;
    text_add(&s->csv, "%s,%lld,", why, (long long)x->index);
    escape_csv(&s->csv, truth);
    text_add(&s->csv, ",");
    escape_csv(&s->csv, said);
    for (int i = 0; i < 3; i++) {
        text_add(&s->csv, ",");
        number_csv(&s->csv, i == 0 ? x->p_true : i == 1 ? x->p_predicted : x->loss);
    }
    text_add(&s->csv, "\n");
    return RN_OK;
}

static double badness(const struct rn_sample *x) { return isnan(x->loss) ? INFINITY : x->loss; }

/* The mistakes with the largest loss, worst first. */
static int64_t worst_pictures(const struct rn_test *t, const struct rn_picture *out[TILES])
{
    int64_t n = 0;

    for (int64_t i = 0; i < t->n_pictures; i++) {
        const struct rn_sample *x = &t->samples[t->pictures[i].sample];
        int64_t at = n < TILES ? n : TILES;
        if (!(t->pictures[i].why & RN_WORST) || x->truth == x->predicted)
            continue;
        for (; at > 0 && badness(&t->samples[out[at - 1]->sample]) < badness(x); at--)
            if (at < TILES)
                out[at] = out[at - 1];
        if (at < TILES) {
            out[at] = &t->pictures[i];
            n += n < TILES;
        }
    }
    return n;
}

int draw_samples(struct sheet *s)
{
    const struct rn_test *t = s->r->view.test;
    const struct rn_picture *worst[TILES];
    struct chart_tile wrong[TILES], random[TILES];
    int64_t mistakes = 0, n_random = 0, n_wrong = worst_pictures(t, worst);
    char heading[2][96];

    text_add(&s->csv, "shown_as,index,true,predicted,p_true,p_predicted,loss\n");
    for (int64_t i = 0; i < n_wrong; i++)
        TRY(fill_tile(s, worst[i], "mistake", &wrong[i]));
    for (int64_t i = 0; i < t->n_pictures && n_random < TILES; i++)
        if (t->pictures[i].why & RN_FIXED)
            TRY(fill_tile(s, &t->pictures[i], "random", &random[n_random++]));
    for (int64_t c = 0; c < t->classes; c++)
        mistakes += t->per_class[c].support - t->per_class[c].correct;
    snprintf(heading[0], 96, "The %lld worst of %lld mistakes, and how sure the model was",
             (long long)n_wrong, (long long)mistakes);
    snprintf(heading[1], 96, "%lld test samples drawn at random, the same in every run",
             (long long)n_random);
    text_add(&s->alt, "Pictures with their true class, what the model said and with which "
                      "probability. ");
    if (n_wrong)
        text_add(&s->alt, "%s. ", heading[0]);
    text_add(&s->alt, "%s.", heading[1]);
    int status = chart_pictures(
        &s->svg, &(struct chart_pictures){
                     .title = "Sample predictions",
                     .desc = text_str(&s->alt),
                     .w = t->picture_w,
                     .h = t->picture_h,
                     .channels = t->picture_channels,
                     .gallery = {{heading[0], wrong, n_wrong}, {heading[1], random, n_random}},
                 });
    return sheet_keep(s, "sample_predictions", "Sample predictions", status);
}

/* ---- numbers -------------------------------------------------------------- */

#define POINTS_SHOWN 1000 /* of more every k-th is drawn */

int draw_values(struct sheet *s)
{
    static const char title[] = "Predicted against true";
    const struct rn_test *test = s->r->view.test;
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
    int status = chart_points(&s->svg, &(struct chart_points){.title = title,
                                                              .desc = text_str(&s->alt),
                                                              .x_label = "true",
                                                              .y_label = "predicted",
                                                              .x = x,
                                                              .y = y,
                                                              .n = n});
    return sheet_keep(s, "predicted_true", title, status);
}
