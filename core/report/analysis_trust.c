/* analysis_trust.c - how far the probabilities of the test pass can be trusted: calibration, what
 * refusing the least sure samples would give, and mistakes whose label may be the wrong one. */
#include "analysis.h"

#include <math.h>
#include <stdlib.h>

#define TRUST_SAMPLES 100 /* fewer say nothing about probabilities */

/* ---- calibration ---------------------------------------------------------- */

/* Were each of a bin's n samples right with its mean probability m, its share of right ones would
 * have the standard error e = sqrt(m (1 - m) / n), and differ from m by sqrt(2 / pi) e on average
 * (the mean of a half-normal), with a deviation of sqrt(1 - 2 / pi) e. */
bool judge_calibration(const struct rn_test *t, struct calibration *out)
{
    const double mean = sqrt(2 / acos(-1)), spread = 1 - 2 / acos(-1);
    struct calibration c = {0};
    double variance = 0, gap = 0;

    for (int i = 0; t && t->confidence && i < RN_CONFIDENCE_BINS; i++)
        c.n += t->confidence[i].n;
    if (!t || t->classes < 2 || c.n < TRUST_SAMPLES)
        return false;
    for (int i = 0; i < RN_CONFIDENCE_BINS; i++) {
        const struct rn_confidence *b = &t->confidence[i];
        double share = (double)b->n / (double)c.n;
        if (!b->n)
            continue;
        double wrong = fmax(0, b->mean * (1 - b->mean)) / (double)b->n;
        c.sure += share * b->mean;
        c.right += (double)b->right / (double)c.n;
        c.ece += share * fabs(b->mean - (double)b->right / (double)b->n);
        c.chance += share * mean * sqrt(wrong);
        variance += share * share * spread * wrong;
        gap += share * share * wrong;
    }
    c.gap_error = sqrt(gap);
    c.top = c.chance + 2 * sqrt(variance);
    *out = c;
    return isfinite(c.ece) && isfinite(c.top);
}

static int rule_confidence(struct judge *j)
{
    static const char rule[] = "confidence";
    struct calibration c;

    if (!judge_calibration(j->r->test, &c))
        return RN_OK;
    double gap = c.sure - c.right;
    int d = percent_digits(c.top) > 0 ? percent_digits(c.top) : 1;
    if (c.ece <= c.top)
        return SAY(
            j, rule, RN_NEUTRAL,
            "No deviation of its confidence from the share of right answers can be shown: they "
            "differ by %.*f points on average, and chance alone gives up to %.*f with %lld "
            "samples.",
            d, 100 * c.ece, d, 100 * c.top, (long long)c.n);
    if (fabs(gap) <= 2 * c.gap_error)
        return SAY(
            j, rule, RN_NEUTRAL,
            "Its confidence differs from the share of right answers by %.*f points on average "
            "(chance alone: %.*f); that it is too high or too low over all cannot be shown.",
            d, 100 * c.ece, d, 100 * c.chance);
    return SAY(j, rule, RN_NEUTRAL,
               "%s: on average it is %.*f %% sure and right in %.*f %% of all cases. Its "
               "confidence differs from the share of right answers by %.*f points on average "
               "(chance alone: %.*f).",
               gap > 0 ? "Overconfident" : "Underconfident", d, 100 * c.sure, d, 100 * c.right, d,
               100 * c.ece, d, 100 * c.chance);
}

/* ---- refusing the least sure ---------------------------------------------- */

static int by_confidence(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;

    if (isnan(x->p) || isnan(y->p))
        return isnan(x->p) - isnan(y->p);
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return (int)(y->right - x->right); /* any order, but always the same */
}

struct answer *surest_first(struct pool *p, const struct rn_test *t)
{
    struct answer *a = pool_alloc(p, (size_t)t->n * sizeof *a);

    for (int64_t i = 0; a && i < t->n; i++)
        a[i] = (struct answer){t->samples[i].p_predicted,
                               t->samples[i].truth == t->samples[i].predicted};
    if (a)
        qsort(a, (size_t)t->n, sizeof *a, by_confidence);
    return a;
}

static bool all_have_confidence(const struct rn_test *t)
{
    if (!t || t->classes < 2 || t->n < TRUST_SAMPLES || !t->samples)
        return false;
    for (int64_t i = 0; i < t->n; i++)
        if (!isfinite(t->samples[i].p_predicted))
            return false;
    return true;
}

/* The smallest share that, refused, takes half of the mistakes with it and leaves an accuracy whose
 * interval lies above that of the whole. */
static int rule_coverage(struct judge *j)
{
    static const int64_t percents[] = {1, 2, 5, 10, 20, 30};
    const struct rn_test *t = j->r->test;

    if (!all_have_confidence(t))
        return RN_OK;
    struct answer *a = surest_first(j->p, t);
    if (!a)
        return RN_ENOMEM;
    int status = RN_OK;
    double mistakes = (double)t->n * (1 - t->accuracy);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        int64_t kept = t->n - t->n * percents[i] / 100, right = 0;
        double low, high;

        for (int64_t k = 0; k < kept; k++)
            right += a[k].right;
        wilson_interval(right, kept, &low, &high);
        bool cut = kept < t->n && a[kept - 1].p > a[kept].p; /* between samples equally sure: no */
        if (!cut || (double)(kept - right) > mistakes / 2 || low <= t->high)
            continue;
        int d = percent_digits((high - low) / 2);
        status = SAY(j, "coverage", RN_NEUTRAL,
                     "Refusing the least sure %lld %% of samples, those below a confidence of "
                     "%.3g, leaves %.*f %% right of the rest of these samples.",
                     (long long)percents[i], a[kept - 1].p, d, 100 * (double)right / (double)kept);
        break;
    }
    return status;
}

/* ---- labels --------------------------------------------------------------- */

#define SURE       0.99
#define SURE_SHOWN 3

static const char *class_of(const struct rn_test *t, int64_t c)
{
    return c >= 0 && c < t->classes ? t->per_class[c].name : "?";
}

/* Only where being that sure means something: of such answers at least 99 % are right. */
static int rule_labels(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    int64_t sure = 0, wrong = 0, shown[SURE_SHOWN], n = 0;
    struct text list = {0};

    if (!all_have_confidence(t))
        return RN_OK;
    for (int64_t i = 0; i < t->n; i++) {
        const struct rn_sample *s = &t->samples[i];
        if (s->p_predicted < SURE)
            continue;
        sure++;
        if (s->truth == s->predicted)
            continue;
        wrong++;
        int64_t at = n < SURE_SHOWN ? n++ : SURE_SHOWN;
        for (; at > 0 && t->samples[shown[at - 1]].p_true > s->p_true; at--)
            if (at < SURE_SHOWN)
                shown[at] = shown[at - 1];
        if (at < SURE_SHOWN)
            shown[at] = i;
    }
    if (!wrong || sure < TRUST_SAMPLES || (double)wrong > (1 - SURE) * (double)sure)
        return RN_OK;
    for (int64_t i = 0; i < n; i++) {
        const struct rn_sample *s = &t->samples[shown[i]];
        text_add(&list, "%s%lld (labelled %s, taken for %s)", i ? ", " : "", (long long)s->index,
                 class_of(t, s->truth), class_of(t, s->predicted));
    }
    int status = list.status;
    if (!status)
        status = SAY(j, "labels", RN_NEUTRAL,
                     "Where it is at least 99 %% sure, it errs %lld time%s in %lld. There the "
                     "label itself may be wrong; worth a look: test sample%s %s.",
                     (long long)wrong, wrong == 1 ? "" : "s", (long long)sure, n == 1 ? "" : "s",
                     text_str(&list));
    text_free(&list);
    return status;
}

int rules_trust(struct judge *j)
{
    RN_TRY(rule_confidence(j));
    RN_TRY(rule_coverage(j));
    return rule_labels(j);
}
