/* scores.c - the final pass over the test set: predictions, confusion matrix, the scores of each
 * class, the accuracy's interval, and how far confidence can be trusted. */
#include "facts.h"

#include "base/error.h"
#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>

#define PAIRS_MAX 20

/* ---- scores --------------------------------------------------------------- */

int digits_apart(double a, double b)
{
    double most = fmax(fabs(a), fabs(b));
    int d = most >= 1000 && most < 1e6 ? 1 + (int)floor(log10(most)) : 3;
    char x[32], y[32];

    for (; d < 9; d++) {
        snprintf(x, sizeof x, "%.*g", d, a);
        snprintf(y, sizeof y, "%.*g", d, b);
        if (a == b || strcmp(x, y) != 0)
            break;
    }
    return d;
}

static void score_classes(const struct rn_report *v, const int64_t *confusion, int64_t n,
                          struct rn_class_fact *out)
{
    for (int64_t c = 0; c < n; c++) {
        struct rn_class_fact *f = &out[c];
        f->correct = confusion[c * n + c];
        for (int64_t k = 0; k < n; k++) {
            f->support += confusion[c * n + k];
            f->predicted += confusion[k * n + c];
        }
        metric_class(f);
        f->name = v->class_names && c < v->classes ? v->class_names[c] : NULL;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct rn_confusion *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth > y->truth ? 1 : -1;
    return x->predicted > y->predicted ? 1 : x->predicted < y->predicted ? -1 : 0;
}

static int find_pairs(struct report *r, struct rn_test *t)
{
    int64_t n = t->classes, count = 0;
    struct rn_confusion *all = mem_array((size_t)(n * n), sizeof *all);

    if (!all)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n * n; i++)
        if (i / n != i % n && t->confusion[i])
            all[count++] = (struct rn_confusion){i / n, i % n, t->confusion[i]};
    qsort(all, (size_t)count, sizeof *all, by_count);
    t->n_pairs = count < PAIRS_MAX ? count : PAIRS_MAX;
    bool ok = true;
    t->pairs = copy_array(r->pool, all, t->n_pairs, sizeof *all, &ok);
    mem_free(all);
    return ok ? RN_OK : RN_ENOMEM;
}

/* The three highest, highest first, of equal ones the first; NaN is below every number. */
static void find_top(const double *x, int64_t n, struct rn_sample *s)
{
    int count = 0;

    for (int64_t i = 0; i < n; i++) {
        int at = count < 3 ? count : 3;
        for (; at > 0 && (x[i] > s->p_top[at - 1] || (isnan(s->p_top[at - 1]) && !isnan(x[i])));
             at--)
            if (at < 3) {
                s->top[at] = s->top[at - 1];
                s->p_top[at] = s->p_top[at - 1];
            }
        if (at < 3) {
            s->top[at] = i;
            s->p_top[at] = x[i];
            count += count < 3;
        }
    }
}

/* A score of a loss that knows no probabilities is none: NaN. */
static double probability(double score)
{
    return score > -1e-3 && score < 1 + 1e-3 ? nine(fmin(fmax(score, 0), 1)) : NAN;
}

static int read_samples(const struct report_test *t, struct rn_sample *out)
{
    for (int64_t i = 0; i < t->n; i++) {
        out[i] = (struct rn_sample){.index = i,
                                    .truth = -1,
                                    .predicted = -1,
                                    .p_true = NAN,
                                    .p_predicted = NAN,
                                    .loss = t->loss ? nine(t->loss[i]) : NAN,
                                    .top = {-1, -1, -1},
                                    .p_top = {NAN, NAN, NAN}};
        if (!t->classes)
            continue;
        const double *scores = t->scores + i * t->classes;
        int64_t truth = t->truth[i];
        if (truth < 0 || truth >= t->classes)
            return FAIL(RN_EDATA, "test sample %lld has the class %lld, expected 0 to %lld",
                        (long long)i, (long long)truth, (long long)t->classes - 1);
        find_top(scores, t->classes, &out[i]);
        out[i].truth = truth;
        out[i].predicted = out[i].top[0];
        for (int k = 0; k < 3; k++)
            out[i].p_top[k] = probability(out[i].p_top[k]);
        out[i].p_true = probability(scores[truth]);
        out[i].p_predicted = out[i].p_top[0];
    }
    return RN_OK;
}

/* ---- confidence ----------------------------------------------------------- */

/* C. Guo et al., "On calibration of modern neural networks", ICML 2017, with bins of equal width */
static int measure_confidence(struct report *r, struct rn_test *to)
{
    struct rn_confidence *bins = pool_alloc(r->pool, RN_CONFIDENCE_BINS * sizeof *bins);
    int64_t n = 0;

    if (!bins)
        return RN_ENOMEM;
    for (int64_t i = 0; i < to->n; i++) {
        const struct rn_sample *s = &to->samples[i];
        if (isnan(s->p_predicted))
            continue;
        int64_t bin = (int64_t)ceil(s->p_predicted * RN_CONFIDENCE_BINS) - 1;
        struct rn_confidence *b = &bins[bin < 0                     ? 0
                                        : bin >= RN_CONFIDENCE_BINS ? RN_CONFIDENCE_BINS - 1
                                                                    : bin];
        b->n++;
        b->right += s->truth == s->predicted;
        b->mean += s->p_predicted;
        n++;
    }
    to->ece = n ? 0 : NAN;
    for (int i = 0; i < RN_CONFIDENCE_BINS; i++) {
        if (bins[i].n)
            to->ece += fabs((double)bins[i].right - bins[i].mean) / (double)n;
        bins[i].mean = bins[i].n ? bins[i].mean / (double)bins[i].n : NAN;
    }
    to->confidence = bins;
    return RN_OK;
}

static double share_in_top(const struct rn_test *t)
{
    int64_t right = 0;

    for (int64_t i = 0; i < t->n; i++)
        for (int k = 0; k < 3; k++)
            right += t->samples[i].top[k] == t->samples[i].truth;
    return t->n ? (double)right / (double)t->n : NAN;
}

/* ---- all of it ------------------------------------------------------------ */

static int score_test(struct report *r, struct rn_test *to, const int64_t *confusion)
{
    int64_t n = to->classes, correct = 0;
    struct rn_class_fact *classes = pool_alloc(r->pool, (size_t)n * sizeof *classes);

    if (!classes)
        return RN_ENOMEM;
    score_classes(&r->view, confusion, n, classes);
    to->macro_f1 = metric_macro_f1(classes, n);
    for (int64_t c = 0; c < n; c++) {
        correct += classes[c].correct;
        if (!classes[c].name)
            classes[c].name = pool_printf(r->pool, "%lld", (long long)c);
        if (!classes[c].name)
            return RN_ENOMEM;
    }
    to->per_class = classes;
    to->accuracy = to->n ? (double)correct / (double)to->n : 0;
    wilson_interval(correct, to->n, &to->low, &to->high);
    to->top3 = share_in_top(to);
    TRY(measure_confidence(r, to));
    return find_pairs(r, to);
}

static int keep_values(struct report *r, const struct report_test *t)
{
    r->wanted = r->predicted = NULL;
    if (!t->predicted || !t->wanted)
        return RN_OK;
    double *wanted = pool_alloc(r->pool, (size_t)t->n * sizeof *wanted + 1);
    double *predicted = pool_alloc(r->pool, (size_t)t->n * sizeof *predicted + 1);
    if (!wanted || !predicted)
        return RN_ENOMEM;
    for (int64_t i = 0; i < t->n; i++) {
        wanted[i] = nine((double)t->wanted[i]);
        predicted[i] = nine((double)t->predicted[i]);
    }
    r->wanted = wanted;
    r->predicted = predicted;
    return RN_OK;
}

int take_test(struct report *r, const struct rn_test *t)
{
    struct rn_test to = *t;
    int64_t *confusion = pool_alloc(r->pool, (size_t)(t->classes * t->classes) * 8 + 1);

    if (!confusion)
        return RN_ENOMEM;
    for (int64_t i = 0; t->classes && i < t->n; i++)
        confusion[t->samples[i].truth * t->classes + t->samples[i].predicted]++;
    to.confusion = confusion;
    to.accuracy = to.low = to.high = to.macro_f1 = to.top3 = to.ece = NAN;
    if (t->classes)
        TRY(score_test(r, &to, confusion));
    r->test = to;
    r->view.test = &r->test;
    judge_expectations(r);
    return RN_OK;
}

int report_test(struct report *r, const struct report_test *t)
{
    struct rn_test to = {
        .n = t->n, .loss = nine(t->mean_loss), .classes = t->classes, .epoch = t->epoch};
    struct rn_sample *samples = pool_alloc(r->pool, (size_t)t->n * sizeof *samples + 1);

    if (!samples)
        return RN_ENOMEM;
    TRY(read_samples(t, samples));
    to.samples = samples;
    TRY(keep_pictures(r, t, &to));
    TRY(keep_values(r, t));
    return take_test(r, &to);
}
