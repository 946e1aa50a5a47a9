/* analysis_test.c - what the test pass says: how good, which classes suffer, and whether it differs
 * from validation and from the run before by more than chance. */
#include "analysis.h"

#include <math.h>
#include <string.h>

#define NUMBERS_MIN 30 /* for their mean to be near normal */

void judge_numbers(const struct rn_test *t, const double *wanted, const double *predicted,
                   struct numbers *out)
{
    double mean = 0, wrong = 0, spread = 0, squares = 0;

    *out = (struct numbers){NAN, NAN, NAN, NAN, NAN};
    if (!t || t->classes || t->n < 2 || !wanted || !predicted)
        return;
    double n = (double)t->n;
    for (int64_t i = 0; i < t->n; i++)
        mean += wanted[i] / n;
    for (int64_t i = 0; i < t->n; i++) {
        wrong += pow(wanted[i] - predicted[i], 2) / n;
        spread += pow(wanted[i] - mean, 2) / n;
    }
    if (!isfinite(wrong) || !(spread > 0))
        return;
    double gain = spread - wrong;
    for (int64_t i = 0; i < t->n; i++)
        squares += pow(pow(wanted[i] - mean, 2) - pow(wanted[i] - predicted[i], 2) - gain, 2);
    *out = (struct numbers){.rmse = sqrt(wrong),
                            .spread = sqrt(spread),
                            .r2 = 1 - wrong / spread,
                            .gain = gain,
                            .noise = NORMAL_95 * sqrt(squares / (n - 1) / n)};
}

bool no_better(const struct rn_test *t, double guess)
{
    return t && t->classes && (t->high <= guess || (t->low <= guess && t->accuracy <= guess));
}

static int say_numbers(struct judge *j)
{
    static const char rule[] = "quality";
    const struct rn_test *t = j->r->test;
    const struct numbers *n = &j->numbers;
    int d = digits_apart(n->rmse, n->spread);

    if (!isfinite(n->r2))
        return SAY(j, rule, RN_NEUTRAL, "The mean loss over %lld test samples is %.*g.",
                   (long long)t->n, loss_digits(t->loss), t->loss);
    if (n->gain <= 0)
        return SAY(j, rule, RN_BAD,
                   "No better than always answering the mean of the true values: the root of the "
                   "mean squared error over %lld test samples is %.*g, and that would give %.*g "
                   "(R² %.2f).",
                   (long long)t->n, d, n->rmse, d, n->spread, n->r2);
    return SAY(j, rule, t->n >= NUMBERS_MIN && n->gain > n->noise ? RN_GOOD : RN_NEUTRAL,
               "The root of the mean squared error over %lld test samples is %.*g; always "
               "answering the mean of the true values would give %.*g (R² %.2f). The mean loss is "
               "%.*g.",
               (long long)t->n, d, n->rmse, d, n->spread, n->r2, loss_digits(t->loss), t->loss);
}

static int rule_quality(struct judge *j)
{
    static const char rule[] = "quality";
    const struct rn_test *t = j->r->test;
    int64_t most = 0;

    if (!t)
        return RN_OK;
    if (!t->classes)
        return say_numbers(j);
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
    if (no_better(t, guess))
        return SAY(j, rule, RN_BAD,
                   "No better than always saying %s: %.*f %% of %lld test samples are right, and "
                   "that would give %.*f %%.",
                   t->per_class[most].name, d, 100 * t->accuracy, (long long)t->n, d, 100 * guess);
    const char *loss =
        isfinite(t->loss) ? pool_printf(j->p, ", with a mean loss of %.3g", t->loss) : "";
    if (!loss)
        return RN_ENOMEM;
    return SAY(j, rule, t->low > guess ? RN_GOOD : RN_NEUTRAL,
               "%.*f %% of %lld test samples are right (95 %% interval %.*f to %.*f %%)%s; always "
               "saying %s would give %.*f %%.",
               d, 100 * t->accuracy, (long long)t->n, d, 100 * t->low, d, 100 * t->high, loss,
               t->per_class[most].name, d, 100 * guess);
}

#define WEAKEST 3

/* Below the average beyond what chance gives to the lowest of so many classes: Wilson's test, which
 * Bonferroni's correction makes as strict as there are classes. */
static bool is_weak(const struct rn_test *t, const struct rn_class_fact *f)
{
    double a = t->accuracy, z = (a - f->recall) / sqrt(a * (1 - a) / (double)f->support);

    return f->recall < a && erfc(z / sqrt(2)) * (double)t->classes < 0.05;
}

static int rule_weakest(struct judge *j)
{
    static const char rule[] = "weakest_classes";
    const struct rn_test *t = j->r->test;
    int64_t weak[WEAKEST], n = 0, all = 0, lowest = -1;
    struct text list = {0};

    for (int64_t c = 0; t && c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        if (f->support < SUPPORT_MIN)
            continue;
        if (lowest < 0 || f->recall < t->per_class[lowest].recall)
            lowest = c;
        if (!is_weak(t, f))
            continue;
        all++;
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
    if (all > n)
        text_add(&list, " and %lld more", (long long)(all - n));
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
                     "Most frequent mistake%s: %s; %s%.0f %% of all %lld.", n > 1 ? "s" : "",
                     text_str(&list), n > 1 ? "together " : "",
                     100 * (double)named / (double)mistakes, (long long)mistakes);
    text_free(&list);
    return status;
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
    double noise = difference_noise(share_of(p, r->val_samples), share_of(q, t->n));
    int d = percent_digits(noise);
    if (fabs(p - q) <= noise)
        return SAY(j, rule, noise < 0.05 ? RN_GOOD : RN_NEUTRAL,
                   "Validation (%.*f %%) and test (%.*f %%) agree within chance (±%.2f points).", d,
                   100 * p, d, 100 * q, 100 * noise);
    return SAY(j, rule, RN_NEUTRAL,
               "Test accuracy (%.*f %%) is %.2f points %s validation (%.*f %%), more than chance "
               "explains (±%.2f): %s.",
               d, 100 * q, 100 * fabs(p - q), q < p ? "below" : "above", d, 100 * p, 100 * noise,
               q < p
                   ? "the test samples may be harder or differ from the training data, or too much "
                     "was chosen by validation"
                   : "the test samples may be easier than those held out of the training data");
}

/* ---- classes that differ in number ---------------------------------------- */

#define UNEVEN         10 /* times as many samples */
#define UNEVEN_SAMPLES 100

static int rule_imbalance(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    int64_t most = -1, least = -1;

    if (!t || t->n < UNEVEN_SAMPLES || !isfinite(t->macro_f1))
        return RN_OK;
    for (int64_t c = 0; c < t->classes; c++) {
        int64_t n = t->per_class[c].support;
        if (n && (most < 0 || n > t->per_class[most].support))
            most = c;
        if (n && (least < 0 || n < t->per_class[least].support))
            least = c;
    }
    if (most < 0 || t->per_class[most].support < UNEVEN * t->per_class[least].support)
        return RN_OK;
    return SAY(j, "imbalance", RN_NEUTRAL,
               "The classes are uneven: %lld test samples of %s, %lld of %s. Accuracy says little "
               "about the rare ones; the mean F1 of all classes is %.2f.",
               (long long)t->per_class[most].support, t->per_class[most].name,
               (long long)t->per_class[least].support, t->per_class[least].name, t->macro_f1);
}

static int rule_never_predicted(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    struct text list = {0};
    int64_t n = 0;

    for (int64_t c = 0; t && t->classes > 1 && c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        if (f->predicted || f->support < SUPPORT_MIN)
            continue;
        if (n++ < WEAKEST)
            text_add(&list, "%s%s (%lld test samples)", n > 1 ? ", " : "", f->name,
                     (long long)f->support);
    }
    if (n > WEAKEST)
        text_add(&list, " and %lld more", (long long)(n - WEAKEST));
    int status = list.status;
    if (!status && n)
        status = SAY(j, "never_predicted", RN_BAD, "Never predicted, for any test sample: %s.",
                     text_str(&list));
    text_free(&list);
    return status;
}

/* ---- the run before ------------------------------------------------------- */

static bool other_test_set(const struct rn_previous *p)
{
    for (int64_t i = 0; i < p->n_changes; i++)
        if (!strcmp(p->changes[i].key, CHANGE_TEST_SET))
            return true;
    return false;
}

enum { WEIGHTY, PLAIN, FOLLOWS, RANKS };

/* Types and the learning rate weigh most; the options of a part of another type follow from it. */
static int rank_of(const struct rn_previous *p, const char *key)
{
    const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
    size_t stem = (size_t)(last - key);

    if (!strcmp(last, "type") || !strcmp(last, "lr"))
        return WEIGHTY;
    for (int64_t i = 0; stem && i < p->n_changes; i++)
        if (!strncmp(p->changes[i].key, key, stem) && !strcmp(p->changes[i].key + stem, "type"))
            return FOLLOWS;
    return PLAIN;
}

static void list_changes(struct text *t, const struct rn_previous *p)
{
    int64_t n = 0;

    for (int rank = 0; rank < RANKS; rank++)
        for (int64_t i = 0; i < p->n_changes; i++) {
            const struct rn_change *c = &p->changes[i];
            if (strcmp(c->key, CHANGE_TEST_SET) != 0 && rank_of(p, c->key) == rank && n++ < WEAKEST)
                text_add(t, "%s%s from %s to %s", n > 1 ? ", " : " Changed: ", c->key,
                         c->before ? c->before : "nothing", c->now ? c->now : "nothing");
        }
    if (n > WEAKEST)
        text_add(t, " and %lld more", (long long)(n - WEAKEST));
    text_add(t, "%s", n ? "." : " No value of the configuration was changed.");
}

/* Two intervals are all that is known of the run before, so both tests count as if they had drawn
 * samples of their own. Where runs tend to err on the same samples the true noise is smaller. */
static int rule_previous(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    const struct rn_previous *p = j->r->previous;
    struct text changes = {0};

    if (!t || !t->classes || !p || !isfinite(p->accuracy) || !isfinite(p->low) ||
        !isfinite(p->high) || !isfinite(t->accuracy))
        return RN_OK;
    double noise = difference_noise((struct share){t->accuracy, t->low, t->high},
                                    (struct share){p->accuracy, p->low, p->high});
    double gain = t->accuracy - p->accuracy;
    int d = percent_digits(noise);
    list_changes(&changes, p);
    int status = changes.status;
    if (!status && other_test_set(p))
        status = SAY(j, "previous", RN_NEUTRAL,
                     "The previous run is not known to have been measured on the same test set: "
                     "its %.*f %% cannot be compared with these %.*f %%.%s",
                     d, 100 * p->accuracy, d, 100 * t->accuracy, text_str(&changes));
    else if (!status && fabs(gain) <= noise)
        status = SAY(j, "previous", RN_NEUTRAL,
                     "No difference from the previous run can be shown: %.*f %% of the test "
                     "samples are right, then %.*f %% (chance alone: ±%.2f points).%s",
                     d, 100 * t->accuracy, d, 100 * p->accuracy, 100 * noise, text_str(&changes));
    else if (!status)
        status = SAY(j, "previous", gain > 0 ? RN_GOOD : RN_BAD,
                     "%s than the previous run: %.*f %% of the test samples are right, then "
                     "%.*f %% (chance in the samples: ±%.2f points; another seed moves it, "
                     "too).%s",
                     gain > 0 ? "Better" : "Worse", d, 100 * t->accuracy, d, 100 * p->accuracy,
                     100 * noise, text_str(&changes));
    text_free(&changes);
    return status;
}

int rules_test(struct judge *j)
{
    RN_TRY(rule_quality(j));
    RN_TRY(rule_previous(j));
    RN_TRY(rule_weakest(j));
    RN_TRY(rule_never_predicted(j));
    RN_TRY(rule_confused(j));
    RN_TRY(rule_imbalance(j));
    return rule_val_against_test(j);
}
