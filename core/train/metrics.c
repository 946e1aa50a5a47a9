/* metrics.c - the table of metrics and their definitions. */
#include "metrics.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

/* ---- classes -------------------------------------------------------------------------------- */

static const rn_real *row(const struct metric_input *in, int64_t i)
{
    return in->scores + i * in->width;
}

static int64_t truth(const struct metric_input *in, int64_t i)
{
    return (int64_t)in->targets[i * in->target_width];
}

/* One score tells two classes apart: the second one above 0, or as a probability above a half. */
static bool one_for_two(const struct metric_input *in)
{
    return in->width == 1 && in->classes == 2;
}

/* The class with the highest score, the first of several; NaN is below every number. */
static int64_t predicted(const struct metric_input *in, int64_t i)
{
    const rn_real *x = row(in, i);
    int64_t best = 0;

    if (one_for_two(in))
        return (double)x[0] > (in->logits ? 0 : 0.5);
    for (int64_t c = 1; c < in->width; c++)
        if (x[c] > x[best] || (isnan(x[best]) && !isnan(x[c])))
            best = c;
    return best;
}

static int64_t classes_of(const struct metric_input *in) { return one_for_two(in) ? 2 : in->width; }

/* scikit-learn's accuracy_score: the share of samples whose class is predicted. */
static int accuracy(const struct metric_input *in, double *out)
{
    int64_t right = 0;

    for (int64_t i = 0; i < in->n; i++)
        right += predicted(in, i) == truth(in, i);
    *out = (double)right / (double)in->n;
    return RN_OK;
}

/* Whether class a stands before class b. */
static bool ranks_before(const rn_real *x, int64_t a, int64_t b)
{
    if (isnan(x[a]) || isnan(x[b]))
        return isnan(x[a]) && isnan(x[b]) ? a > b : isnan(x[b]);
    return x[a] > x[b] || (x[a] == x[b] && a > b);
}

/* scikit-learn's top_k_accuracy_score(k=3): the share of samples whose class is among the three
 * with the highest scores. Of equal scores the later class stands first, as there; NaN, which it
 * refuses, is below every number. 1 with three classes or fewer. */
static int top3(const struct metric_input *in, double *out)
{
    int64_t right = 0;

    for (int64_t i = 0; i < in->n; i++) {
        int64_t before = 0;
        for (int64_t c = 0; c < in->width && in->width > 3; c++)
            before += c != truth(in, i) && ranks_before(row(in, i), c, truth(in, i));
        right += before < 3;
    }
    *out = (double)right / (double)in->n;
    return RN_OK;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

void metric_class(struct rn_class_fact *f)
{
    f->precision = ratio((double)f->correct, (double)f->predicted);
    f->recall = ratio((double)f->correct, (double)f->support);
    f->f1 = ratio(2 * (double)f->correct, (double)(f->predicted + f->support));
}

double metric_macro_f1(const struct rn_class_fact *f, int64_t n)
{
    double sum = 0, present = 0;

    for (int64_t c = 0; c < n; c++) {
        sum += f[c].f1;
        present += f[c].support || f[c].predicted;
    }
    return ratio(sum, present);
}

/* scikit-learn's f1_score(average="macro", zero_division=0). */
static int macro_f1(const struct metric_input *in, double *out)
{
    int64_t n = classes_of(in);
    struct rn_class_fact *f = mem_array((size_t)n, sizeof *f);

    if (!f)
        return RN_ENOMEM;
    for (int64_t i = 0; i < in->n; i++) {
        int64_t is = truth(in, i), said = predicted(in, i);
        f[is].support++;
        f[said].predicted++;
        f[is].correct += is == said;
    }
    for (int64_t c = 0; c < n; c++)
        metric_class(&f[c]);
    *out = metric_macro_f1(f, n);
    mem_free(f);
    return RN_OK;
}

/* The probability that the model gives to the class that it predicts. */
static double confidence(const struct metric_input *in, int64_t i)
{
    const rn_real *x = row(in, i);
    int64_t best = predicted(in, i);
    double sum = 0;

    if (one_for_two(in)) {
        double p = in->logits ? 1 / (1 + exp(-(double)x[0])) : (double)x[0];
        return p > 0.5 ? p : 1 - p;
    }
    if (!in->logits)
        return (double)x[best];
    for (int64_t c = 0; c < in->width; c++)
        sum += exp((double)x[c] - (double)x[best]);
    return 1 / sum;
}

/* Expected calibration error: in 15 bins of equal width over the confidence, the distance between
 * the mean confidence and the share that is right, weighted by the samples in the bin. Guo et al.,
 * "On calibration of modern neural networks", ICML 2017, whose bins are ((m - 1) / 15, m / 15]; as
 * torchmetrics' MulticlassCalibrationError(n_bins=15, norm="l1") but for confidences that are a
 * bin's edge. NaN when a confidence is. */
static int calibration_error(const struct metric_input *in, double *out)
{
    enum { BINS = 15 };
    double difference[BINS] = {0}, sum = 0;

    for (int64_t i = 0; i < in->n; i++) {
        double p = confidence(in, i);
        double bin = ceil(p * BINS) - 1;
        int at = bin > 0 ? (int)fmin(bin, BINS - 1) : 0;
        difference[at] += (double)(predicted(in, i) == truth(in, i)) - p;
    }
    for (int i = 0; i < BINS; i++)
        sum += fabs(difference[i]);
    *out = sum / (double)in->n;
    return RN_OK;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* scikit-learn's mean_squared_error: over all values of all samples. */
static int mse(const struct metric_input *in, double *out)
{
    double sum = 0;

    for (int64_t i = 0; i < in->n * in->width; i++) {
        double d = (double)in->scores[i] - (double)in->targets[i];
        sum += d * d;
    }
    *out = sum / (double)(in->n * in->width);
    return RN_OK;
}

/* scikit-learn's mean_absolute_error: over all values of all samples. */
static int mae(const struct metric_input *in, double *out)
{
    double sum = 0;

    for (int64_t i = 0; i < in->n * in->width; i++)
        sum += fabs((double)in->scores[i] - (double)in->targets[i]);
    *out = sum / (double)(in->n * in->width);
    return RN_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct metric table[] = {
    {"accuracy", "share of samples whose class is predicted", true, true, accuracy},
    {"top3", "share of samples whose class is among the three most likely", true, true, top3},
    {"macro_f1", "mean F1 of the classes", true, true, macro_f1},
    {"calibration_error", "distance between confidence and share of right ones, 15 bins", true,
     false, calibration_error},
    {"mse", "mean squared difference", false, false, mse},
    {"mae", "mean absolute difference", false, false, mae},
};
enum { METRICS = sizeof table / sizeof *table };

const struct metric *metric_at(int i) { return i >= 0 && i < METRICS ? &table[i] : NULL; }

const struct metric *metric_find(const char *name)
{
    for (int i = 0; i < METRICS; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

static int check_classes(const struct metric *m, const struct metric_input *in)
{
    int64_t n = classes_of(in);

    if (in->width == 1 && in->classes > 2)
        return FAIL(RN_ESHAPE,
                    "%s: the model gives one score and the data has %lld classes; expected one "
                    "score a class, or two classes",
                    m->name, (long long)in->classes);
    for (int64_t i = 0; i < in->n; i++) {
        double t = (double)in->targets[i * in->target_width];
        if (!(t >= 0 && t < (double)n && t == floor(t)))
            return FAIL(RN_EDATA, "%s: sample %lld has the class %g, expected 0 to %lld", m->name,
                        (long long)i, t, (long long)n - 1);
    }
    return RN_OK;
}

int metric_compute(const struct metric *m, const struct metric_input *in, double *out)
{
    *out = NAN;
    if (m->classes)
        TRY(check_classes(m, in));
    else if (in->width != in->target_width)
        return FAIL(RN_ESHAPE, "%s: the model gives %lld values and the target has %lld", m->name,
                    (long long)in->width, (long long)in->target_width);
    return in->n ? m->compute(in, out) : RN_OK;
}
