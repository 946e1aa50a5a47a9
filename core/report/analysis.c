/* analysis.c - what the numbers say, in sentences. Each rule speaks only as far as its evidence
 * reaches: a difference counts when it exceeds what chance does to a sample of that size. */
#include "analysis.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define TREND_EPOCHS 3 /* fewer points show no trend */

static int add(struct judge *j, const char *rule, enum rn_tone tone, const char *text)
{
    if (!text)
        return RN_ENOMEM;
    if (j->n < FINDINGS_MAX)
        j->findings[j->n++] = (struct rn_finding){.tone = tone, .rule = rule, .text = text};
    return RN_OK;
}

#define SAY(j, rule, tone, ...) add((j), (rule), (tone), pool_printf((j)->p, __VA_ARGS__))

/* Digits after the point of a percentage known to within +-half: those that mean something. */
int percent_digits(double half) { return half >= 0.02 ? 0 : half >= 0.0005 ? 1 : 2; }

static int64_t finite_rows(const struct rn_report *r, int64_t *last)
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

static const struct rn_epoch *row_of(const struct rn_report *r, int64_t epoch)
{
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == epoch)
            return &r->epochs[i];
    return NULL;
}

/* ---- noise ---------------------------------------------------------------- */

/* Standard deviation of the losses of single samples, about `mean`. Measured on the test set where
 * that is known. Else from the accuracy, as if the wrong samples alone carried the loss, all
 * alike: sd = mean sqrt(a / (1 - a)); without one as if losses were exponential: sd = mean. */
static double loss_spread(const struct rn_report *r, double mean, double accuracy)
{
    const struct rn_test *t = r->test;

    if (t && t->n > 1 && isfinite(t->loss) && t->loss > 0) {
        double sum = 0, average = 0;
        for (int64_t i = 0; i < t->n; i++)
            average += t->samples[i].loss / (double)t->n;
        for (int64_t i = 0; i < t->n; i++)
            sum += pow(t->samples[i].loss - average, 2);
        double sd = sqrt(sum / (double)(t->n - 1));
        if (isfinite(sd) && sd > 0)
            return sd;
    }
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
    return loss_spread(r, best->val_loss, best->val_accuracy) / sqrt((double)r->val_samples);
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

static double guess_loss(const struct rn_report *r) { return log((double)r->classes); }

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

struct fit judge_fit(const struct rn_report *r)
{
    struct fit f = {.verdict = FIT_UNKNOWN, .error = val_loss_error(r)};
    int64_t last, rows = finite_rows(r, &last);

    if (rows < TREND_EPOCHS || !isfinite(f.error))
        return f;
    const struct rn_epoch *best = row_of(r, r->best_epoch), *end = &r->epochs[last];
    f.least = best->val_loss;
    f.rise = end->val_loss - f.least;
    f.gap = end->val_loss - end->fit_loss;
    if (!isfinite(f.gap))
        return f;
    int64_t onset = onset_row(r, f.least, f.error);
    f.onset = onset < 0 ? 0 : r->epochs[onset].epoch;
    double room = fmax(2 * f.error, 0.1 * end->val_loss);
    bool poor = r->classes > 1 && end->fit_loss > 0.7 * guess_loss(r);
    bool falling = best == end && trend_row(r)->val_loss - f.least > f.error;

    if (f.onset && f.rise > fmax(3 * f.error, 0.25 * f.least))
        f.verdict = FIT_STRONG;
    else if (f.onset || f.gap > room)
        f.verdict = FIT_MILD;
    else if (poor || (falling && f.gap <= 2 * f.error))
        f.verdict = FIT_UNDER;
    else
        f.verdict = f.error > 0.25 * f.least ? FIT_NOISY : FIT_GOOD;
    return f;
}

const char *fit_words(enum fit_verdict v)
{
    static const char *const words[] = {
        "",         "too noisy to judge the fit", "underfitting",
        "good fit", "mild overfitting",           "strong overfitting"};

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
    switch (f->verdict) {
    case FIT_UNKNOWN: return RN_OK;
    case FIT_NOISY:
        return SAY(j, rule, RN_NEUTRAL,
                   "Too noisy to say whether it overfits: with %lld validation samples the loss "
                   "%.3g is known only to within ±%.2g.",
                   (long long)r->val_samples, f->least, f->error);
    case FIT_STRONG:
        if (r->test && r->test->epoch == r->best_epoch)
            return SAY(j, rule, RN_NEUTRAL,
                       "Training went on into overfitting: validation loss rose from %.3g at epoch "
                       "%lld to %.3g. The weights of epoch %lld were brought back and measured.",
                       f->least, (long long)r->best_epoch, f->least + f->rise,
                       (long long)r->best_epoch);
        return SAY(j, rule, RN_BAD,
                   "Strong overfitting: validation loss has risen from %.3g at epoch %lld to %.3g "
                   "(noise ±%.2g) and stays above its minimum from epoch %lld on. Keep the weights "
                   "of epoch %lld, stop earlier, or add dropout, weight decay or data.",
                   f->least, (long long)r->best_epoch, f->least + f->rise, f->error,
                   (long long)f->onset, (long long)r->best_epoch);
    case FIT_MILD:
        if (f->onset)
            return SAY(j, rule, RN_NEUTRAL,
                       "Mild overfitting: from epoch %lld on, validation loss stays above its "
                       "minimum %.3g by more than the noise (±%.2g); at the end it is %.3g.",
                       (long long)f->onset, f->least, f->error, f->least + f->rise);
        return SAY(j, rule, RN_NEUTRAL,
                   "Mild overfitting: at the end the loss is %.3g on training samples and %.3g on "
                   "validation samples, a gap of %.2g with a noise of ±%.2g, but validation loss "
                   "has not risen beyond the noise.",
                   f->least + f->rise - f->gap, f->least + f->rise, f->gap, f->error);
    case FIT_UNDER:
        return SAY(j, rule, RN_NEUTRAL,
                   "Underfitting: the loss is alike on training samples (%.3g) and validation "
                   "samples (%.3g), and %s. Train longer, raise the learning rate or enlarge the "
                   "model.",
                   f->least + f->rise - f->gap, f->least + f->rise,
                   r->classes > 1 && f->least + f->rise - f->gap > 0.7 * guess_loss(r)
                       ? "both are near that of guessing"
                       : "both are still falling");
    case FIT_GOOD: break;
    }
    return SAY(j, rule, RN_GOOD,
               "Good fit: validation loss ends at %.3g, at most %.2g above its minimum (noise "
               "±%.2g), and training loss is close to it (%.3g).",
               f->least + f->rise, fmax(f->rise, 0), f->error, f->least + f->rise - f->gap);
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
    if (f->onset)
        return SAY(j, rule, RN_NEUTRAL,
                   "Longer training would not help: validation loss was lowest at epoch %lld and "
                   "has been higher since epoch %lld.",
                   (long long)r->best_epoch, (long long)f->onset);
    if (end->epoch == r->best_epoch && fall > f->error)
        return SAY(j, rule, RN_NEUTRAL,
                   "Longer training would probably help: validation loss was still falling, from "
                   "%.3g at epoch %lld to %.3g at epoch %lld (noise ±%.2g).",
                   before->val_loss, (long long)before->epoch, end->val_loss, (long long)end->epoch,
                   f->error);
    return SAY(j, rule, RN_NEUTRAL,
               "Whether longer training would help cannot be told: since epoch %lld validation "
               "loss has changed by %.2g, within the noise (±%.2g).",
               (long long)before->epoch, fabs(fall), fmax(f->error, fabs(fall)));
}

/* ---- the test pass -------------------------------------------------------- */

static int rule_quality(struct judge *j)
{
    static const char rule[] = "quality";
    const struct rn_test *t = j->r->test;
    int64_t most = 0;

    if (!t)
        return RN_OK;
    if (!t->classes)
        return SAY(j, rule, RN_NEUTRAL, "The mean loss over %lld test samples is %.4g.",
                   (long long)t->n, t->loss);
    for (int64_t c = 1; c < t->classes; c++)
        if (t->per_class[c].support > t->per_class[most].support)
            most = c;
    double guess = (double)t->per_class[most].support / (double)(t->n > 0 ? t->n : 1);
    int d = percent_digits((t->high - t->low) / 2);
    if (t->n && t->per_class[most].support == t->n)
        return SAY(j, rule, RN_NEUTRAL,
                   "All %lld test samples are of the class %s: how many are right (%.*f %%) says "
                   "nothing about telling classes apart.",
                   (long long)t->n, t->per_class[most].name, d, 100 * t->accuracy);
    if (t->high <= guess || (t->low <= guess && t->accuracy <= guess))
        return SAY(j, rule, RN_BAD,
                   "No better than always saying %s: %.*f %% of %lld test samples are right, and "
                   "that would give %.*f %%.",
                   t->per_class[most].name, d, 100 * t->accuracy, (long long)t->n, d, 100 * guess);
    return SAY(j, rule, t->low > guess ? RN_GOOD : RN_NEUTRAL,
               "%.*f %% of %lld test samples are right (95 %% interval %.*f to %.*f %%), with a "
               "mean loss of %.3g; always saying %s would give %.*f %%.",
               d, 100 * t->accuracy, (long long)t->n, d, 100 * t->low, d, 100 * t->high, t->loss,
               t->per_class[most].name, d, 100 * guess);
}

#define SUPPORT_MIN 10 /* a class with fewer samples is not spoken about */
#define WEAKEST     3

static int rule_weakest(struct judge *j)
{
    static const char rule[] = "weakest_classes";
    const struct rn_test *t = j->r->test;
    int64_t weak[WEAKEST], n = 0, lowest = -1;
    struct text list = {0};

    for (int64_t c = 0; t && c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        double low, high;
        if (f->support < SUPPORT_MIN)
            continue;
        if (lowest < 0 || f->recall < t->per_class[lowest].recall)
            lowest = c;
        wilson_interval(f->correct, f->support, &low, &high);
        if (high >= t->accuracy)
            continue;
        int64_t at = n < WEAKEST ? n++ : WEAKEST;
        for (; at > 0 && t->per_class[weak[at - 1]].recall > f->recall; at--)
            if (at < WEAKEST)
                weak[at] = weak[at - 1];
        if (at < WEAKEST)
            weak[at] = c;
    }
    if (lowest < 0 || t->accuracy >= 1)
        return RN_OK;
    for (int64_t i = 0; i < n; i++)
        text_add(&list, "%s%s (%.1f %% of %lld)", i ? ", " : "", t->per_class[weak[i]].name,
                 100 * t->per_class[weak[i]].recall, (long long)t->per_class[weak[i]].support);
    const struct rn_class_fact *f = &t->per_class[lowest];
    int status = list.status;
    if (!status && n)
        status = SAY(j, rule, RN_NEUTRAL,
                     "Recognised less often than the average of %.1f %%, beyond chance: %s.",
                     100 * t->accuracy, text_str(&list));
    else if (!status)
        status = SAY(j, rule, RN_GOOD,
                     "No class stands out: the lowest recall, %.1f %% of %lld samples of %s, is "
                     "within the noise of the average.",
                     100 * f->recall, (long long)f->support, f->name);
    text_free(&list);
    return status;
}

static int rule_confused(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    struct text list = {0};
    int64_t mistakes = 0, named = 0, n = 0;

    if (!t || !t->classes)
        return RN_OK;
    for (int64_t c = 0; c < t->classes; c++)
        mistakes += t->per_class[c].support - t->per_class[c].correct;
    if (!mistakes)
        return SAY(j, "confused_pairs", RN_GOOD, "Not one test sample was mistaken.");
    double even = (double)mistakes / (double)(t->classes * (t->classes - 1));
    double chance = fmax(4, even + 4 * sqrt(even)); /* had they been spread evenly (Poisson) */
    for (; n < t->n_pairs && n < 3 && (double)t->pairs[n].count > chance; n++) {
        named += t->pairs[n].count;
        text_add(&list, "%s%s taken for %s (%lld times)", n ? ", " : "",
                 t->per_class[t->pairs[n].truth].name, t->per_class[t->pairs[n].predicted].name,
                 (long long)t->pairs[n].count);
    }
    int status = list.status;
    if (!status && n && t->classes > 2)
        status = SAY(j, "confused_pairs", RN_NEUTRAL,
                     "Most frequent mistakes: %s; together %.0f %% of all %lld.", text_str(&list),
                     100 * (double)named / (double)mistakes, (long long)mistakes);
    text_free(&list);
    return status;
}

/* How far two shares of np and nq samples may differ by chance alone: half the 95 % interval of the
 * difference, on the side of 0, out of Wilson's intervals. Newcombe, "Interval estimation for the
 * difference between independent proportions", 1998, method 10. */
static double difference_noise(double p, int64_t np, double q, int64_t nq)
{
    double pl, ph, ql, qh;

    wilson_interval((int64_t)round(p * (double)np), np, &pl, &ph);
    wilson_interval((int64_t)round(q * (double)nq), nq, &ql, &qh);
    return p > q ? hypot(p - pl, qh - q) : hypot(ph - p, q - ql);
}

static int rule_val_against_test(struct judge *j)
{
    static const char rule[] = "validation_against_test";
    const struct rn_report *r = j->r;
    const struct rn_test *t = r->test;
    int64_t last;

    if (!t || !t->classes || r->val_samples < 1 || !finite_rows(r, &last))
        return RN_OK;
    const struct rn_epoch *e = t->epoch ? row_of(r, t->epoch) : &r->epochs[last];
    if (!e || !isfinite(e->val_accuracy))
        return RN_OK;
    double p = e->val_accuracy, q = t->accuracy;
    double noise = difference_noise(p, r->val_samples, q, t->n);
    int d = percent_digits(noise);
    if (fabs(p - q) <= noise)
        return SAY(j, rule, noise < 0.05 ? RN_GOOD : RN_NEUTRAL,
                   "Validation (%.*f %%) and test (%.*f %%) agree within chance (±%.2f points).", d,
                   100 * p, d, 100 * q, 100 * noise);
    return SAY(j, rule, RN_NEUTRAL,
               "Test accuracy (%.*f %%) is %.2f points %s validation (%.*f %%), more than chance "
               "explains (±%.2f): %s.",
               d, 100 * q, 100 * fabs(p - q), q < p ? "below" : "above", d, 100 * p, 100 * noise,
               q < p ? "the test samples are harder or differ from the training data, or too much "
                       "was chosen by validation"
                     : "the test samples are easier than those held out of the training data");
}

static int rule_diverged(struct judge *j)
{
    const struct rn_report *r = j->r;

    for (int64_t i = 0; i < r->n_epochs; i++)
        if (!isfinite(r->epochs[i].train_loss))
            return SAY(j, "diverged", RN_BAD,
                       "The training loss is not a finite number from epoch %lld on. A lower "
                       "learning rate (now %.3g) is the first thing to try.",
                       (long long)r->epochs[i].epoch, r->epochs[i].lr);
    if (!strcmp(r->status, "diverged"))
        return SAY(j, "diverged", RN_BAD,
                   "Training diverged. A lower learning rate is the first "
                   "thing to try.");
    return RN_OK;
}

/* ---- all in one sentence -------------------------------------------------- */

static void say_result(struct text *t, const struct rn_report *r)
{
    const struct rn_test *test = r->test;
    const struct rn_epoch *last = r->n_epochs ? &r->epochs[r->n_epochs - 1] : NULL;

    if (test && test->classes) {
        int d = percent_digits((test->high - test->low) / 2);
        text_add(t, "%.*f %% on test (95 %% interval %.*f to %.*f)", d, 100 * test->accuracy, d,
                 100 * test->low, d, 100 * test->high);
    } else if (test) {
        text_add(t, "Loss %.4g on test", test->loss);
    } else if (last && isfinite(last->val_accuracy)) {
        text_add(t, "%.1f %% on validation, not tested", 100 * last->val_accuracy);
    } else if (last && isfinite(last->val_loss)) {
        text_add(t, "Loss %.4g on validation, not tested", last->val_loss);
    } else {
        text_add(t, "Nothing was measured on held-out samples");
    }
}

static int rule_verdict(struct judge *j, const struct fit *f)
{
    const struct rn_report *r = j->r;
    struct text t = {0};
    bool diverged = !strcmp(r->status, "diverged") || !strcmp(r->status, "failed");
    size_t before;

    if (diverged)
        text_add(&t, "%s: ", strcmp(r->status, "failed") ? "Diverged" : "Failed");
    else if (!strcmp(r->status, "interrupted"))
        text_add(&t, "Interrupted: ");
    before = t.n;
    say_result(&t, r);
    if (before && t.n > before)
        t.s[before] = (char)tolower((unsigned char)t.s[before]);
    if (r->best_epoch)
        text_add(&t, ", best at epoch %lld of %lld", (long long)r->best_epoch,
                 (long long)r->n_epochs);
    if (f->verdict != FIT_UNKNOWN)
        text_add(&t, ", %s", fit_words(f->verdict));
    text_add(&t, ".");
    int status = t.status ? t.status
                          : add(j, "verdict", diverged ? RN_BAD : RN_NEUTRAL,
                                pool_strdup(j->p, text_str(&t)));
    text_free(&t);
    return status;
}

int analysis_make(struct pool *p, const struct rn_report *r, const struct rn_finding **findings,
                  int64_t *n)
{
    struct judge j = {.p = p, .r = r};
    struct fit f = judge_fit(r);
    struct rn_finding *out = pool_alloc(p, sizeof j.findings);

    if (!out)
        return RN_ENOMEM;
    RN_TRY(rule_verdict(&j, &f));
    RN_TRY(rule_diverged(&j));
    RN_TRY(rule_quality(&j));
    RN_TRY(rule_overfitting(&j, &f));
    RN_TRY(rule_longer(&j, &f));
    RN_TRY(rule_weakest(&j));
    RN_TRY(rule_confused(&j));
    RN_TRY(rule_val_against_test(&j));
    memcpy(out, j.findings, sizeof j.findings);
    *findings = out;
    *n = j.n;
    return RN_OK;
}
