/* analysis.c - what the numbers say, in sentences: the verdict, what all rules share, and their
 * order. Each rule speaks only as far as its evidence reaches: a difference counts when it exceeds
 * what chance does to a sample of that size. */
#include "analysis.h"

#include "config/tree.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int judge_add(struct judge *j, const char *rule, enum rn_tone tone, const char *text)
{
    if (!text)
        return RN_ENOMEM;
    if (j->n < FINDINGS_MAX)
        j->findings[j->n++] = (struct rn_finding){.tone = tone, .rule = rule, .text = text};
    return RN_OK;
}

/* ---- noise ---------------------------------------------------------------- */

int loss_digits(double loss)
{
    int d = digits_apart(loss, loss);

    return d < 4 ? 4 : d;
}

int percent_digits(double half) { return half >= 0.02 ? 0 : half >= 0.0005 ? 1 : 2; }

struct share share_of(double p, int64_t n)
{
    struct share s = {.p = p};

    wilson_interval((int64_t)round(p * (double)n), n, &s.low, &s.high);
    return s;
}

/* Half the 95 % interval of the difference, on the side of 0, out of Wilson's intervals. Newcombe,
 * "Interval estimation for the difference between independent proportions", 1998, method 10. */
double difference_noise(struct share a, struct share b)
{
    return a.p > b.p ? hypot(a.p - a.low, b.high - b.p) : hypot(a.high - a.p, b.p - b.low);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double median_of(double *x, int64_t n)
{
    if (n < 1)
        return NAN;
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
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
        text_add(t, "Loss %.*g on test", loss_digits(test->loss), test->loss);
    } else if (last && isfinite(last->val_accuracy)) {
        text_add(t, "%.1f %% on validation, not tested", 100 * last->val_accuracy);
    } else if (last && isfinite(last->val_loss)) {
        text_add(t, "Loss %.*g on validation, not tested", loss_digits(last->val_loss),
                 last->val_loss);
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
                          : judge_add(j, "verdict", diverged ? RN_BAD : RN_NEUTRAL,
                                      pool_strdup(j->p, text_str(&t)));
    text_free(&t);
    return status;
}

const struct rn_epoch *first_broken(const struct rn_report *r, bool *to_the_end)
{
    const struct rn_epoch *first = NULL;

    *to_the_end = true;
    for (int64_t i = 0; i < r->n_epochs; i++) {
        bool broken = !isfinite(r->epochs[i].train_loss);
        first = broken && !first ? &r->epochs[i] : first;
        *to_the_end &= broken || !first;
    }
    return first;
}

static int rule_diverged(struct judge *j)
{
    const struct rn_report *r = j->r;
    bool on;
    const struct rn_epoch *broken = first_broken(r, &on);

    if (broken)
        return SAY(j, "diverged", RN_BAD,
                   "The training loss is not a finite number %s epoch %lld%s. A lower learning "
                   "rate (now %.3g) is the first thing to try.",
                   on ? "from" : "in", (long long)broken->epoch, on ? " on" : "", broken->lr);
    if (!strcmp(r->status, "diverged"))
        return SAY(j, "diverged", RN_BAD,
                   "Training diverged. A lower learning rate is the first "
                   "thing to try.");
    return RN_OK;
}

int analysis_make(struct pool *p, const struct rn_report *r, const double *wanted,
                  const double *predicted, const struct adviser *adviser,
                  struct rn_finding **findings, int64_t *n)
{
    struct judge j = {.p = p, .r = r, .adviser = adviser};
    struct rn_finding *out = pool_alloc(p, sizeof j.findings);

    judge_numbers(r->test, wanted, predicted, &j.numbers);
    struct fit f = judge_fit(r, &j.numbers);
    if (!out)
        return RN_ENOMEM;
    RN_TRY(rule_verdict(&j, &f));
    RN_TRY(rule_diverged(&j));
    RN_TRY(rules_test(&j));
    RN_TRY(rules_trust(&j));
    RN_TRY(rules_fit(&j, &f));
    RN_TRY(rules_inside(&j));
    if (adviser && adviser->accepts)
        RN_TRY(tree_resolved(p, r->config_yaml ? r->config_yaml : "", &j.config));
    RN_TRY(rules_next(&j, &f));
    memcpy(out, j.findings, sizeof j.findings);
    *findings = out;
    *n = j.n;
    return RN_OK;
}
