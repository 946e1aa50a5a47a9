/* compare_words.c - what can be said about a few runs, and what cannot. No sentence says more than
 * its test: it compares trained networks, on these samples. */
#include "compare.h"

#include "base/error.h"
#include "say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 3 * COMPARE_MAX * COMPARE_MAX };

struct words {
    struct comparison *c;
    struct saying s;
    int n_losses; /* pairs whose losses were compared */
};

/* ---- accuracy ------------------------------------------------------------- */

static const char *method(const struct words *w, double p, char out[96])
{
    char value[32];
    int n = snprintf(out, 96, "McNemar's exact test, %s", say_p(p, value));

    if (w->c->view.n_pairs > 1)
        snprintf(out + n, (size_t)(96 - n), ", with Holm's correction for %lld pairs",
                 (long long)w->c->view.n_pairs);
    return out;
}

static int say_better(struct words *w, const struct rn_pair *p)
{
    bool first = p->only_a > p->only_b;
    int64_t one = first ? p->a : p->b, two = first ? p->b : p->a;
    char how[96];

    return say(&w->s, RN_GOOD, "pair",
               "%s gets more of the same %lld test samples right than %s: %.2f %% against %.2f %%. "
               "Only %s had %lld of them, only %s %lld (%s).",
               w->c->label[one], (long long)p->n, w->c->label[two],
               100 * w->c->view.reports[one]->test->accuracy,
               100 * w->c->view.reports[two]->test->accuracy, w->c->label[one],
               (long long)(first ? p->only_a : p->only_b), w->c->label[two],
               (long long)(first ? p->only_b : p->only_a), method(w, p->p_corrected, how));
}

static int say_alike(struct words *w, const struct rn_pair *p)
{
    const char *one = w->c->label[p->a], *two = w->c->label[p->b];
    char how[96];

    if (!p->only_a && !p->only_b)
        return say(&w->s, RN_NEUTRAL, "pair",
                   "%s and %s are right and wrong on the same of %lld test samples: %.2f %% are "
                   "right.",
                   one, two, (long long)p->n, 100 * w->c->view.reports[p->a]->test->accuracy);
    return say(&w->s, RN_NEUTRAL, "pair",
               "%s and %s: no difference in accuracy can be shown. %.2f %% and %.2f %% of the same "
               "%lld test samples are right; only %s had %lld of them, only %s %lld (%s).",
               one, two, 100 * w->c->view.reports[p->a]->test->accuracy,
               100 * w->c->view.reports[p->b]->test->accuracy, (long long)p->n, one,
               (long long)p->only_a, two, (long long)p->only_b, method(w, p->p_corrected, how));
}

/* Of many pairs, those without a difference are told in one sentence. */
static int say_rest(struct words *w, const bool *differs)
{
    const struct rn_comparison *v = &w->c->view;
    struct text t = {0};
    int64_t rest = 0;
    double least = 1;

    for (int64_t i = 0; i < v->n_pairs; i++) {
        if (differs[i])
            continue;
        text_add(&t, "%s%s and %s", rest++ ? "; " : "", w->c->label[v->pairs[i].a],
                 w->c->label[v->pairs[i].b]);
        least = fmin(least, v->pairs[i].p_corrected);
    }
    int status = t.status;
    if (!status && rest == v->n_pairs)
        status =
            say(&w->s, RN_NEUTRAL, "pairs",
                "Between no two of these runs can a difference in accuracy be shown: the least "
                "p is %.3f (McNemar's exact test, with Holm's correction for %lld pairs).",
                least, (long long)rest);
    else if (!status && rest)
        status = say(&w->s, RN_NEUTRAL, "pairs",
                     "No difference in accuracy can be shown between %s.", text_str(&t));
    text_free(&t);
    return status;
}

static int say_pairs(struct words *w)
{
    const struct rn_comparison *v = &w->c->view;
    bool differs[COMPARE_MAX * COMPARE_MAX] = {false};

    for (int64_t i = 0; i < v->n_pairs; i++) {
        differs[i] = v->pairs[i].p_corrected < SIGNIFICANT;
        if (differs[i])
            TRY(say_better(w, &v->pairs[i]));
        else if (v->n_pairs == 1)
            TRY(say_alike(w, &v->pairs[i]));
    }
    return v->n_pairs > 1 ? say_rest(w, differs) : RN_OK;
}

/* ---- loss of numbers ------------------------------------------------------ */

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

static bool same_loss(const struct rn_comparison *v, int64_t a, int64_t b)
{
    for (int64_t i = 0; i < v->n_parameters; i++) {
        const struct rn_row *row = &v->parameters[i];
        const char *x = row->values[a], *y = row->values[b];
        if (begins(row->key, "loss.") && (!x != !y || (x && strcmp(x, y) != 0)))
            return false;
    }
    return true;
}

struct loss_pair { /* of runs without classes: the differences sample by sample, b - a */
    int64_t a, b;
    double mean, half; /* half of the 95 % interval */
};

/* Whether there is such a pair, and something to say about it. */
static bool look_at_losses(const struct words *w, int64_t a, int64_t b, struct loss_pair *out)
{
    const struct rn_test *x = w->c->view.reports[a]->test, *y = w->c->view.reports[b]->test;
    double sum = 0, squares = 0;

    if (!compare_same_samples(w->c, a, b) || x->classes || x->n < NORMAL_MIN ||
        !same_loss(&w->c->view, a, b))
        return false;
    for (int64_t i = 0; i < x->n; i++)
        sum += y->samples[i].loss - x->samples[i].loss;
    double n = (double)x->n, mean = sum / n;
    for (int64_t i = 0; i < x->n; i++)
        squares += pow(y->samples[i].loss - x->samples[i].loss - mean, 2);
    *out = (struct loss_pair){a, b, mean, NORMAL_95 * sqrt(squares / (n - 1) / n)};
    return isfinite(out->mean) && isfinite(out->half);
}

static int say_loss_pair(struct words *w, const struct loss_pair *l, bool differs, const char *how)
{
    long long n = w->c->view.reports[l->a]->test->n;
    double middle = differs ? fabs(l->mean) : l->mean, low = middle - l->half;
    int d = digits_apart(low, middle + l->half);

    if (!differs)
        return say(&w->s, RN_NEUTRAL, "loss",
                   "Test loss: no difference can be shown. %s minus %s is %.*g on average over the "
                   "same %lld samples (95 %% interval %.*g to %.*g).",
                   w->c->label[l->b], w->c->label[l->a], d, middle, n, d, low, d, middle + l->half);
    return say(&w->s, RN_GOOD, "loss",
               "%s has a smaller test loss than %s: by %.*g on average over the same %lld samples "
               "(95 %% interval %.*g to %.*g%s).",
               w->c->label[l->mean < 0 ? l->b : l->a], w->c->label[l->mean < 0 ? l->a : l->b], d,
               middle, n, d, low, d, middle + l->half, how);
}

/* Of many pairs, those that differ by Holm's correction, and the others in one sentence. */
static int say_loss_pairs(struct words *w, const struct loss_pair *l, int n)
{
    double p[COMPARE_MAX * COMPARE_MAX];
    struct text rest = {0};
    char how[96] = "", value[32];

    for (int i = 0; i < n; i++)
        p[i] = l[i].half > 0    ? erfc(NORMAL_95 * fabs(l[i].mean) / l[i].half / sqrt(2))
               : l[i].mean == 0 ? 1
                                : 0;
    int status = holm(p, n);
    for (int i = 0; i < n && !status; i++) {
        if (n > 1)
            snprintf(how, sizeof how, "; %s with Holm's correction for %d pairs",
                     say_p(p[i], value), n);
        if (n == 1 || p[i] < SIGNIFICANT)
            status = say_loss_pair(w, &l[i], p[i] < SIGNIFICANT, how);
        else
            text_add(&rest, "%s%s and %s", rest.n ? "; " : "", w->c->label[l[i].a],
                     w->c->label[l[i].b]);
    }
    status = status ? status : rest.status;
    if (!status && rest.n)
        status = say(&w->s, RN_NEUTRAL, "losses",
                     "No difference in test loss can be shown between %s.", text_str(&rest));
    text_free(&rest);
    return status;
}

static int say_losses(struct words *w)
{
    struct loss_pair pairs[COMPARE_MAX * COMPARE_MAX] = {{0}};

    for (int64_t a = 0; a < w->c->view.n; a++)
        for (int64_t b = a + 1; b < w->c->view.n; b++)
            w->n_losses += look_at_losses(w, a, b, &pairs[w->n_losses]);
    return say_loss_pairs(w, pairs, w->n_losses);
}

/* ---- what cannot be compared ---------------------------------------------- */

static int say_missing(struct words *w)
{
    const struct rn_comparison *v = &w->c->view;
    int64_t tested = 0, known = 0, same = 0;

    for (int64_t i = 0; i < v->n; i++) {
        tested += v->reports[i]->test != NULL;
        known += compare_knows_samples(w->c, i);
        for (int64_t k = i + 1; k < v->n; k++)
            same += compare_same_samples(w->c, i, k);
    }
    if (same == v->n * (v->n - 1) / 2)
        return RN_OK;
    if (tested < v->n)
        return say(
            &w->s, RN_NEUTRAL, "untested",
            "%lld of %lld runs were not measured on a test set: nothing can be said of them.",
            (long long)(v->n - tested), (long long)v->n);
    if (known < v->n)
        return say(&w->s, RN_NEUTRAL, "other_samples",
                   "It is not known that all runs were measured on the same test samples: only "
                   "those of which it is known can be compared.");
    return say(&w->s, RN_BAD, "other_samples",
               "Not all runs were measured on the same test samples: their scores are numbers of "
               "different things, and no test can compare them.");
}

/* ---- around it ------------------------------------------------------------ */

static int say_states(struct words *w)
{
    for (int i = 0; i < w->c->view.n; i++) {
        const struct rn_run *r = &w->c->view.runs[i];
        if (strcmp(r->status, "finished") != 0)
            TRY(say(&w->s, RN_BAD, "status", "%s is %s: %s.", w->c->label[i], r->status,
                    *r->reason ? r->reason : "no reason is known"));
    }
    return RN_OK;
}

/* Differences around a run that change what its numbers mean. */
static int say_environment(struct words *w)
{
    static const struct {
        const char *key, *text;
        enum rn_tone tone;
    } rules[] = {
        {"data, ", "The data differ: the runs did not learn or were not measured on the same.",
         RN_BAD},
        {"plugin ",
         "Plugins differ (see the environment): part of what differs may come from "
         "there, not from the parameters.",
         RN_BAD},
        {"runner", "The runs are of different versions of the runner.", RN_NEUTRAL},
        {"git commit", "The runs are of different commits.", RN_NEUTRAL},
        {"device", "Devices differ: times are not comparable, and results may differ by rounding.",
         RN_NEUTRAL}};
    const struct rn_comparison *v = &w->c->view;

    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        for (int64_t i = 0; i < v->n_environment; i++)
            if (begins(v->environment[i].key, rules[k].key)) {
                TRY(say(&w->s, rules[k].tone, "environment", "%s", rules[k].text));
                break;
            }
    return RN_OK;
}

static int say_time(struct words *w)
{
    const struct rn_comparison *v = &w->c->view;
    int fast = 0, slow = 0;

    if (!w->c->same || !strstr(w->c->same, "machine"))
        return RN_OK;
    for (int i = 0; i < v->n; i++) {
        if (!(v->reports[i]->train_s > 0))
            return RN_OK;
        fast = v->reports[i]->train_s < v->reports[fast]->train_s ? i : fast;
        slow = v->reports[i]->train_s > v->reports[slow]->train_s ? i : slow;
    }
    if (v->reports[slow]->train_s < 1)
        return RN_OK;
    int d = digits_apart(v->reports[fast]->train_s, v->reports[slow]->train_s);
    double ratio = v->reports[slow]->train_s / v->reports[fast]->train_s;
    if (ratio < 1.2) /* other work on the machine makes as much */
        return RN_OK;
    return say(&w->s, RN_NEUTRAL, "time",
               "%s trained for %.*g s, %s for %.*g s: %.1f times as long.", w->c->label[fast], d,
               v->reports[fast]->train_s, w->c->label[slow], d, v->reports[slow]->train_s, ratio);
}

static int say_limits(struct words *w)
{
    if (!w->c->view.n_pairs && !w->n_losses)
        return RN_OK;
    return say(&w->s, RN_NEUTRAL, "limits",
               "The test is about these trained networks. Whether one configuration is better than "
               "another, several seeds of each would have to show.");
}

int compare_words(struct comparison *c)
{
    struct words w = {.c = c};

    TRY(say_open(&w.s, c->pool, FINDINGS_MAX));
    TRY(say_pairs(&w));
    TRY(say_losses(&w));
    TRY(say_missing(&w));
    TRY(say_limits(&w));
    TRY(say_states(&w));
    TRY(say_environment(&w));
    TRY(say_time(&w));
    c->view.findings = w.s.list;
    c->view.n_findings = w.s.n;
    return RN_OK;
}
