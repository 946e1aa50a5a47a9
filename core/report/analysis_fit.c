/* analysis_fit.c - over- and underfitting, and whether longer training would help: by the
 * validation loss, where a difference counts when it exceeds what chance does to such a sample. */
#include "analysis.h"

#include <math.h>
#include <string.h>

int64_t finite_rows(const struct rn_report *r, int64_t *last)
{
    int64_t n = 0;

    *last = -1;
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (isfinite(r->epochs[i].val_loss)) {
            *last = i;
            n++;
        }
    return n;
}

const struct rn_epoch *row_of(const struct rn_report *r, int64_t epoch)
{
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == epoch)
            return &r->epochs[i];
    return NULL;
}

/* ---- noise ---------------------------------------------------------------- */

/* Variance of the test's losses by their mean; NaN: not measured. */
double loss_dispersion(const struct rn_report *r)
{
    const struct rn_test *t = r->test;
    double sum = 0, average = 0;

    if (!t || t->n < 2 || !isfinite(t->loss) || t->loss <= 0)
        return NAN;
    for (int64_t i = 0; i < t->n; i++)
        average += t->samples[i].loss / (double)t->n;
    for (int64_t i = 0; i < t->n; i++)
        sum += pow(t->samples[i].loss - average, 2);
    double variance = sum / (double)(t->n - 1);
    return isfinite(variance) && variance > 0 ? variance / t->loss : NAN;
}

/* Standard deviation of the losses of single samples, about `mean`, as if the wrong samples alone
 * carried the loss, all alike: it grows with the root of the mean, from that measured on the test
 * set where that is known. Else from the accuracy: sd = mean sqrt(a / (1 - a)); without one as if
 * losses were exponential: sd = mean. */
static double loss_spread(const struct rn_report *r, double dispersion, double mean,
                          double accuracy)
{
    if (isfinite(dispersion))
        return sqrt(dispersion * fabs(mean));
    if (!isfinite(accuracy))
        return mean;
    double wrong = fmax(1 - accuracy, r->val_samples > 0 ? 1.0 / (double)r->val_samples : 1);
    return mean * fmax(1, sqrt((1 - wrong) / wrong));
}

double val_loss_error(const struct rn_report *r)
{
    const struct rn_epoch *best = row_of(r, r->best_epoch);

    if (!best || r->val_samples < 2)
        return NAN;
    return loss_spread(r, loss_dispersion(r), best->val_loss, best->val_accuracy) /
           sqrt((double)r->val_samples);
}

double loss_gap_error(const struct rn_report *r, double dispersion, const struct rn_epoch *e)
{
    if (r->val_samples < 2)
        return NAN;
    return hypot(
        loss_spread(r, dispersion, e->val_loss, e->val_accuracy) / sqrt((double)r->val_samples),
        loss_spread(r, dispersion, e->fit_loss, e->fit_accuracy) / sqrt((double)rn_fit_samples(r)));
}

/* ---- overfitting ---------------------------------------------------------- */

/* The first row from which val.loss stays above its minimum by more than `error` to the end, at
 * least two rows long; -1: none. */
static int64_t onset_row(const struct rn_report *r, double least, double error)
{
    int64_t onset = -1, length = 0;

    for (int64_t i = r->n_epochs; i-- > 0;) {
        double v = r->epochs[i].val_loss;
        if (!isfinite(v))
            continue;
        if (v - least <= error)
            break;
        onset = i;
        length++;
    }
    return length >= 2 ? onset : -1;
}

#define POOR 0.1 /* of what guessing gets wrong */
#define FAR  2   /* times the loss of guessing */

/* What always saying the same class gets right: the most frequent one of the test set, or, where
 * that is not known, as much as it is at least. */
static double guess_accuracy(const struct rn_report *r)
{
    double guess = r->classes > 0 ? 1 / (double)r->classes : NAN;

    for (int64_t c = 0; r->test && r->test->n > 0 && c < r->test->classes; c++)
        guess = fmax(guess, (double)r->test->per_class[c].support / (double)r->test->n);
    return guess;
}

/* The row that the end is compared with: a quarter of the epochs before it, at least two. There
 * must be one with a finite val.loss. */
static const struct rn_epoch *trend_row(const struct rn_report *r)
{
    int64_t last, rows = finite_rows(r, &last), back = rows / 4 < 2 ? 2 : rows / 4;
    int64_t i = last;

    for (; i > 0 && back > 0; back -= isfinite(r->epochs[i].val_loss) != 0)
        i--;
    return &r->epochs[i];
}

/* Hardly better than guessing: by the training samples, or not at all by those of the test. */
static bool is_poor(const struct rn_report *r, const struct numbers *n, double guess,
                    const struct rn_epoch *end)
{
    if (!r->classes)
        return n->r2 < POOR;
    return end->fit_accuracy < guess + POOR * (1 - guess) || no_better(r->test, guess);
}

struct fit judge_fit(const struct rn_report *r, const struct numbers *n)
{
    struct fit f = {.verdict = FIT_UNKNOWN, .error = val_loss_error(r)};
    int64_t last, rows = finite_rows(r, &last);

    if (rows < TREND_EPOCHS || !isfinite(f.error))
        return f;
    const struct rn_epoch *best = row_of(r, r->best_epoch), *end = &r->epochs[last];
    f.least = best->val_loss;
    f.rise = end->val_loss - f.least;
    f.gap = end->val_loss - end->fit_loss;
    int64_t onset = onset_row(r, f.least, f.error);
    f.onset = onset < 0 ? 0 : r->epochs[onset].epoch;
    f.falling = best == end && trend_row(r)->val_loss - f.least > f.error;
    double guess = guess_accuracy(r);
    if (!isfinite(f.gap) || guess >= 1) /* one class alone */
        return f;
    f.gap_error = loss_gap_error(r, loss_dispersion(r), end);
    f.fit_rise = end->fit_loss - best->fit_loss;
    f.poor = is_poor(r, n, guess, end);
    f.far = r->classes ? end->fit_loss > FAR * log((double)r->classes) : 1 - n->r2 > FAR;

    bool gap = f.gap > 2 * f.gap_error;
    if (gap && f.onset && f.rise > fmax(3 * f.error, 0.25 * f.least))
        f.verdict = FIT_STRONG;
    else if (gap && (f.onset || f.gap > 0.1 * end->val_loss))
        f.verdict = FIT_MILD;
    else if (f.onset && f.fit_rise > 0)
        f.verdict = FIT_UNSTABLE;
    else if (f.poor || (f.falling && !gap))
        f.verdict = FIT_UNDER;
    else
        f.verdict = f.error > 0.25 * f.least ? FIT_NOISY : FIT_GOOD;
    return f;
}

const char *fit_words(enum fit_verdict v)
{
    static const char *const words[] = {"",
                                        "too noisy to judge the fit",
                                        "underfitting",
                                        "good fit",
                                        "unstable training",
                                        "mild overfitting",
                                        "strong overfitting"};

    return words[v];
}

static int rule_overfitting(struct judge *j, const struct fit *f)
{
    static const char rule[] = "overfitting";
    const struct rn_report *r = j->r;
    int64_t last, rows = finite_rows(r, &last);

    if (!rows)
        return RN_OK;
    if (rows < TREND_EPOCHS)
        return SAY(j, rule, RN_NEUTRAL,
                   "Overfitting cannot be judged from %lld epoch%s; it takes at least %d.",
                   (long long)rows, rows == 1 ? "" : "s", TREND_EPOCHS);
    int d = digits_apart(f->least, f->least + f->rise);
    int two = digits_apart(f->least + f->rise - f->gap, f->least + f->rise);
    switch (f->verdict) {
    case FIT_UNKNOWN:
        if (isfinite(r->epochs[last].fit_loss))
            return RN_OK;
        return SAY(j, rule, RN_NEUTRAL,
                   "The fit was not judged: the loss of training samples in evaluation mode is "
                   "not known.");
    case FIT_NOISY:
        return SAY(j, rule, RN_NEUTRAL,
                   "Too noisy to say whether it overfits: with %lld validation samples the loss "
                   "%.3g is known only to within ±%.2g.",
                   (long long)r->val_samples, f->least, f->error);
    case FIT_STRONG:
        if (r->test && r->test->epoch == r->best_epoch)
            return SAY(j, rule, RN_NEUTRAL,
                       "Training went on into overfitting: validation loss rose from %.*g at epoch "
                       "%lld to %.*g. The weights of epoch %lld were brought back and measured.",
                       d, f->least, (long long)r->best_epoch, d, f->least + f->rise,
                       (long long)r->best_epoch);
        return SAY(j, rule, RN_BAD,
                   "Strong overfitting: validation loss has risen from %.*g at epoch %lld to %.*g "
                   "(noise ±%.2g) and stays above its minimum from epoch %lld on. Keep the weights "
                   "of epoch %lld, stop earlier, or add dropout, weight decay or data.",
                   d, f->least, (long long)r->best_epoch, d, f->least + f->rise, f->error,
                   (long long)f->onset, (long long)r->best_epoch);
    case FIT_UNSTABLE:
        return SAY(j, rule, RN_NEUTRAL,
                   "Unstable training: validation loss rose together with training loss, from "
                   "%.*g at epoch %lld to %.*g at the end (noise ±%.2g), and the gap between them "
                   "is within the noise. That is no overfitting; a lower learning rate may help.",
                   d, f->least, (long long)r->best_epoch, d, f->least + f->rise, f->error);
    case FIT_MILD:
        if (f->onset)
            return SAY(j, rule, RN_NEUTRAL,
                       "Mild overfitting: from epoch %lld on, validation loss stays above its "
                       "minimum %.*g by more than the noise (±%.2g); at the end it is %.*g.",
                       (long long)f->onset, d, f->least, f->error, d, f->least + f->rise);
        return SAY(j, rule, RN_NEUTRAL,
                   "Mild overfitting: at the end the loss is %.*g on training samples and %.*g on "
                   "validation samples, a gap of %.2g with a noise of ±%.2g, but validation loss "
                   "has not risen beyond the noise.",
                   two, f->least + f->rise - f->gap, two, f->least + f->rise, f->gap, f->gap_error);
    case FIT_UNDER:
        return SAY(j, rule, RN_NEUTRAL,
                   "Underfitting: the loss is alike on training samples (%.*g) and validation "
                   "samples (%.*g), and %s. Train longer, raise the learning rate or enlarge the "
                   "model.",
                   two, f->least + f->rise - f->gap, two, f->least + f->rise,
                   !f->poor     ? "validation loss is still falling"
                   : r->classes ? "it is hardly right more often than by always guessing the same "
                                  "class"
                                : "it errs hardly less than by always answering the mean");
    case FIT_GOOD: break;
    }
    return SAY(j, rule, RN_GOOD,
               "Good fit: validation loss ends at %.*g, at most %.2g above its minimum (noise "
               "±%.2g), and training loss is close to it (%.*g).",
               two, f->least + f->rise, fmax(f->rise, 0), f->error, two,
               f->least + f->rise - f->gap);
}

/* ---- longer? -------------------------------------------------------------- */

static int rule_longer(struct judge *j, const struct fit *f)
{
    static const char rule[] = "longer";
    const struct rn_report *r = j->r;
    int64_t last, rows = finite_rows(r, &last);

    if (rows < TREND_EPOCHS || !isfinite(f->error) || !strcmp(r->status, "diverged"))
        return RN_OK;
    const struct rn_epoch *end = &r->epochs[last], *before = trend_row(r);
    double fall = before->val_loss - end->val_loss;
    int d = digits_apart(before->val_loss, end->val_loss);
    if (f->onset)
        return SAY(
            j, rule, RN_NEUTRAL,
            "Longer training would probably not help: validation loss was lowest at epoch %lld and "
            "has been higher since epoch %lld.",
            (long long)r->best_epoch, (long long)f->onset);
    if (f->falling)
        return SAY(j, rule, RN_NEUTRAL,
                   "Longer training would probably help: validation loss was still falling, from "
                   "%.*g at epoch %lld to %.*g at epoch %lld (noise ±%.2g).",
                   d, before->val_loss, (long long)before->epoch, d, end->val_loss,
                   (long long)end->epoch, f->error);
    if (r->patience && r->n_epochs < r->epochs_planned)
        return RN_OK; /* a callback saw that it would not */
    if (fabs(fall) > f->error)
        return SAY(j, rule, RN_NEUTRAL,
                   "Whether longer training would help cannot be told. Since epoch %lld validation "
                   "loss %s by %.2g, more than the noise (±%.2g); it was lowest at epoch %lld.",
                   (long long)before->epoch, fall > 0 ? "fell" : "rose", fabs(fall), f->error,
                   (long long)r->best_epoch);
    return SAY(j, rule, RN_NEUTRAL,
               "Whether longer training would help cannot be told: since epoch %lld validation "
               "loss has changed by %.2g, within the noise (±%.2g).",
               (long long)before->epoch, fabs(fall), f->error);
}

int rules_fit(struct judge *j, const struct fit *f)
{
    RN_TRY(rule_overfitting(j, f));
    return rule_longer(j, f);
}
