/* figures_trust.c - the figures of how far a model's confidence can be trusted. */
#include "figures.h"

#include "base/error.h"
#include "escape.h"

#include <math.h>
#include <stdio.h>

#define BINS RN_CONFIDENCE_BINS

static const struct rn_test *confident_test(const struct sheet *s)
{
    const struct rn_test *t = s->r->view.test;

    return t && t->classes > 0 && t->confidence ? t : NULL;
}

/* ---- calibration ---------------------------------------------------------- */

int draw_calibration(struct sheet *s)
{
    static const char title[] = "Confidence against accuracy";
    const struct rn_test *t = confident_test(s);
    double x[BINS], y[BINS], low[BINS], high[BINS];
    int64_t count[BINS];
    char subtitle[192];

    if (!t)
        return RN_OK;
    text_add(&s->csv, "confidence_from,confidence_to,samples,right,mean_confidence,accuracy,"
                      "accuracy_low,accuracy_high\n");
    for (int i = 0; i < BINS; i++) {
        const struct rn_confidence *c = &t->confidence[i];
        count[i] = c->n;
        x[i] = c->n ? c->mean : NAN;
        y[i] = c->n ? (double)c->right / (double)c->n : NAN;
        low[i] = high[i] = NAN;
        if (c->n)
            wilson_interval(c->right, c->n, &low[i], &high[i]);
        text_add(&s->csv, "%.9g,%.9g,%lld,%lld", (double)i / BINS, (i + 1.0) / BINS,
                 (long long)c->n, (long long)c->right);
        put_cell(&s->csv, x[i]);
        put_cell(&s->csv, y[i]);
        put_cell(&s->csv, low[i]);
        put_cell(&s->csv, high[i]);
        text_add(&s->csv, "\n");
    }
    snprintf(subtitle, sizeof subtitle,
             "Expected calibration error %.2g %%. Below the line: surer than right, above it: "
             "righter than sure; with 95 %% intervals.",
             100 * t->ece);
    text_add(&s->alt,
             "Of the test samples in bins of confidence, the share that was right. Expected "
             "calibration error %.2g %%.",
             100 * t->ece);
    int top = BINS - 1;
    if (count[top])
        text_add(
            &s->alt,
            " Of the %lld with the highest confidence, %.4g %% on average, %.4g %% were right.",
            (long long)count[top], 100 * x[top], 100 * y[top]);
    int status = chart_reliability(
        &s->svg, &(struct chart_reliability){.head = {title, text_str(&s->alt), subtitle, NULL},
                                             .x_label = "confidence in the predicted class",
                                             .y_label = "share that was right",
                                             .count_label = "samples (log scale)",
                                             .x = x,
                                             .y = y,
                                             .low = low,
                                             .high = high,
                                             .count = count,
                                             .n = BINS});
    return sheet_keep(s, "calibration", title, status);
}

/* ---- confidence ----------------------------------------------------------- */

int draw_confidence(struct sheet *s)
{
    static const char title[] = "Confidence when right and when wrong";
    const struct rn_test *t = confident_test(s);
    double share[2][BINS];
    int64_t n = 0, right = 0;
    char names[2][64];

    if (!t)
        return RN_OK;
    for (int i = 0; i < BINS; i++) {
        n += t->confidence[i].n;
        right += t->confidence[i].right;
    }
    text_add(&s->csv, "confidence_from,confidence_to,right,wrong,share_of_right,share_of_wrong\n");
    for (int i = 0; i < BINS; i++) {
        int64_t good = t->confidence[i].right, bad = t->confidence[i].n - good;
        share[0][i] = right ? (double)good / (double)right : NAN;
        share[1][i] = n > right ? (double)bad / (double)(n - right) : NAN;
        text_add(&s->csv, "%.9g,%.9g,%lld,%lld", (double)i / BINS, (i + 1.0) / BINS,
                 (long long)good, (long long)bad);
        put_cell(&s->csv, share[0][i]);
        put_cell(&s->csv, share[1][i]);
        text_add(&s->csv, "\n");
    }
    snprintf(names[0], sizeof names[0], "the %lld right ones", (long long)right);
    snprintf(names[1], sizeof names[1], "the %lld wrong ones", (long long)(n - right));
    text_add(&s->alt,
             "How sure the model was, of the samples it got right and of those it got wrong.");
    for (int k = 0; k < 2; k++)
        if (isfinite(share[k][BINS - 1]))
            text_add(&s->alt, " Of %s %.3g %% had a confidence above %.0f %%.", names[k],
                     100 * share[k][BINS - 1], 100.0 * (BINS - 1) / BINS);
    int status = chart_bins(&s->svg, &(struct chart_bins){
                                         .head = {title, text_str(&s->alt), NULL, NULL},
                                         .x_label = "confidence in the predicted class",
                                         .y_label = "share of each group",
                                         .names = {names[0], names[1]},
                                         .share = {share[0], share[1]},
                                         .n = BINS,
                                     });
    return sheet_keep(s, "confidence", title, status);
}

/* ---- coverage ------------------------------------------------------------- */

#define POINTS 100

int draw_coverage(struct sheet *s)
{
    static const char title[] = "Accuracy when the least sure are refused";
    const struct rn_test *t = confident_test(s);
    double x[POINTS], y[POINTS], low[POINTS], high[POINTS];
    int64_t n = 0, right = 0, seen = 0;
    char subtitle[128] = "";

    if (!t || t->n < 2)
        return RN_OK;
    const struct answer *a = surest_first(s->p, t);
    if (!a)
        return RN_ENOMEM;
    text_add(&s->csv, "kept,accuracy,accuracy_low,accuracy_high,samples,least_confidence\n");
    for (int i = 1; i <= POINTS; i++) {
        int64_t kept = (t->n * i + POINTS - 1) / POINTS;
        if (kept == seen)
            continue;
        for (; seen < kept; seen++)
            right += a[seen].right;
        x[n] = (double)kept / (double)t->n;
        y[n] = (double)right / (double)kept;
        wilson_interval(right, kept, &low[n], &high[n]);
        number_csv(&s->csv, x[n]);
        put_cell(&s->csv, y[n]);
        put_cell(&s->csv, low[n]);
        put_cell(&s->csv, high[n]);
        text_add(&s->csv, ",%lld", (long long)kept);
        put_cell(&s->csv, a[kept - 1].p);
        text_add(&s->csv, "\n");
        n++;
        if (i == POINTS * 9 / 10)
            snprintf(subtitle, sizeof subtitle,
                     "Without the least sure tenth %.2f %% are right, of all %.2f %%.",
                     100 * y[n - 1], 100 * t->accuracy);
    }
    text_add(&s->alt,
             "Accuracy of the test samples that the model is surest of, by the share kept. %s",
             subtitle);
    struct chart_series series = {
        .name = "accuracy", .column = "accuracy", .x = x, .y = y, .n = n, .low = low, .high = high};
    int status = chart_lines(
        &s->svg, &(struct chart_lines){.head = {title, text_str(&s->alt), subtitle, NULL},
                                       .x_label = "share of the samples that is kept",
                                       .y_label = "share that was right, with its 95 % interval",
                                       .series = &series,
                                       .n_series = 1,
                                       .x_low = 0,
                                       .x_high = 1,
                                       .x_percent = true,
                                       .percent = true,
                                       .height = 280,
                                       .mark = NAN,
                                       .level = NAN});
    return sheet_keep(s, "coverage", title, status);
}
