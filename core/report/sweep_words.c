/* sweep_words.c - what can be said of a sweep, and what cannot. No sentence says more than its
 * numbers: without a corrected interval that excludes 0 there is no "better". */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/error.h"
#include "say.h"
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS_SAID = 1000, FINDINGS_MAX = 1100, NAMES_MAX = 8, EACH_MAX = 6 };

struct words {
    struct sweep *s;
    struct saying out;
};

/* ---- pieces --------------------------------------------------------------- */

const char *sweep_text(const struct sweep *s, double v, char out[32])
{
    snprintf(out, 32, s->view.percent ? "%.2f %%" : "%.4g", s->view.percent ? 100 * v : v);
    return out;
}

/* A difference: "0.42 points". */
static const char *points(const struct sweep *s, double v, char out[40])
{
    double shown = s->view.percent ? 100 * v : v;

    if (!s->view.percent)
        snprintf(out, 40, "%.3g", shown);
    else if (fabs(shown) >= 0.01)
        snprintf(out, 40, "%.2f points", shown);
    else
        snprintf(out, 40, "%.2g points", shown);
    return out;
}

static const struct group *reference(const struct sweep *s)
{
    return s->view.reference < 0 ? NULL : &s->groups[s->view.reference];
}

static bool counts(const struct group *g) { return g->standing <= SOME_DIVERGED; }

static const char *seeds(int64_t n) { return n == 1 ? "seed" : "seeds"; }

/* What a difference was tested by, with its numbers. */
static const char *how(const struct sweep *s, const struct rn_difference *d, char out[320])
{
    char low[40], high[40], p[32], mean[40];
    int n;

    if (d->by == RN_BY_SAMPLES)
        n = snprintf(out, 320,
                     "one seed; of %lld samples only this one had %lld right, only the reference "
                     "%lld; McNemar's exact test, %s",
                     (long long)d->n, (long long)d->only_this, (long long)d->only_reference,
                     say_p(d->p_corrected, p));
    else
        n = snprintf(out, 320, "%s on average, interval %.*s to %s, paired t over %lld seeds, %s",
                     points(s, d->mean, mean), (int)strcspn(points(s, d->low, low), " "), low,
                     points(s, d->high, high), (long long)d->n, say_p(d->p_corrected, p));
    if (s->view.n_comparisons > 1)
        snprintf(out + n, (size_t)(320 - n), ", corrected for %lld comparisons",
                 (long long)s->view.n_comparisons);
    return out;
}

/* By samples it is the test accuracy that differs, of which more is better. */
static bool is_gain(const struct sweep *s, const struct rn_difference *d)
{
    return d->by == RN_BY_SAMPLES || s->view.more_is_better ? d->mean > 0 : d->mean < 0;
}

/* ---- the best ------------------------------------------------------------- */

static int say_first(struct words *w)
{
    const struct sweep *s = w->s;
    const struct group *g = s->groups;
    char mean[32], low[32], high[32];

    if (!s->n || !counts(g))
        return say(&w->out, RN_NEUTRAL, "best",
                   "Nothing can be said yet: no configuration has a finished run in which %s was "
                   "measured.",
                   s->view.metric);
    if (g->g.objective.n < 2)
        return say(&w->out, RN_NEUTRAL, "best", "First by %s is %s: %s with its one seed.",
                   s->view.metric, g->g.label, sweep_text(s, g->g.objective.mean, mean));
    return say(&w->out, RN_NEUTRAL, "best",
               "%s %s is %s: %s on average of %lld seeds (95 %% interval %s to %s).",
               s->n > 1 ? "First by" : "The only configuration by", s->view.metric, g->g.label,
               sweep_text(s, g->g.objective.mean, mean), (long long)g->g.objective.n,
               sweep_text(s, g->g.objective.low, low), sweep_text(s, g->g.objective.high, high));
}

/* What seeds do to a metric: an interval for one more run, x = mean +- t sd sqrt(1 + 1/n). Hahn and
 * Meeker, "Statistical Intervals", 1991, chapter 4. */
static int say_spread(struct words *w, const char *metric, const struct rn_estimate *e)
{
    char sd[40], low[32], high[32];

    if (e->n < 3 || !isfinite(e->sd))
        return RN_OK;
    double n = (double)e->n, half = student_quantile(0.025, n - 1) * e->sd * sqrt(1 + 1 / n);
    return say(&w->out, RN_NEUTRAL, "spread",
               "Seeds alone give %s a standard deviation of %s: one more run lies between %s and "
               "%s with a chance of 95 %%.",
               metric, points(w->s, e->sd, sd), sweep_text(w->s, e->mean - half, low),
               sweep_text(w->s, e->mean + half, high));
}

/* Of a sweep that repeats one configuration. */
static int say_alone(struct words *w)
{
    const struct sweep *s = w->s;

    if (s->n != 1)
        return RN_OK;
    TRY(say_spread(w, s->view.metric, &s->groups->g.objective));
    return say_spread(w, s->view.test_metric, &s->groups->g.test);
}

static int say_needed(struct words *w, const struct rn_difference *d, const char *label)
{
    int64_t n = d->by == RN_BY_SEEDS ? seeds_needed(d->mean, d->sd, w->s->view.n_comparisons) : 0;
    char size[40], about[40];

    if (!n)
        return RN_OK;
    if (n > SEEDS_SAID)
        snprintf(about, sizeof about, "more than %d", SEEDS_SAID);
    else
        snprintf(about, sizeof about, "about %lld", (long long)n);
    return say(&w->out, RN_NEUTRAL, "seeds_needed",
               "Were %s really %s from the reference, with the spread that was seen, it would take "
               "%s seeds to show it with a chance of 80 %%.",
               label, points(w->s, fabs(d->mean), size), about);
}

/* What nothing was tested by. */
static int say_untested(struct words *w, const struct group *g, const char *than)
{
    const struct rn_difference *d = &g->g.difference;
    char size[40];

    if (d->by == RN_NOT_COMPARED)
        return say(&w->out, RN_NEUTRAL, "difference",
                   "%s and %s have no seed in common: they cannot be compared.", g->g.label, than);
    if (d->n == 1)
        return say(&w->out, RN_NEUTRAL, "difference",
                   "No difference between %s and %s can be shown with 1 seed: more seeds are "
                   "needed, or predictions on the same test samples.",
                   g->g.label, than);
    return say(&w->out, RN_NEUTRAL, "difference",
               "%s less %s is %s with each of %lld seeds. Seeds that change nothing show no "
               "difference.",
               g->g.label, than, points(w->s, d->mean, size), (long long)d->n);
}

static int say_difference(struct words *w, const struct group *g)
{
    const struct rn_difference *d = &g->g.difference;
    const char *than = reference(w->s)->g.label;
    char text[320];

    if (d->by == RN_NOT_COMPARED || isnan(d->p))
        return say_untested(w, g, than);
    if (d->differs && d->by == RN_BY_SAMPLES)
        return say(&w->out, is_gain(w->s, d) ? RN_GOOD : RN_NEUTRAL, "difference",
                   "%s gets %s of the same test samples right than %s (%s).", g->g.label,
                   is_gain(w->s, d) ? "more" : "fewer", than, how(w->s, d, text));
    if (d->differs)
        return say(&w->out, is_gain(w->s, d) ? RN_GOOD : RN_NEUTRAL, "difference",
                   "%s is %s than %s (%s).", g->g.label, is_gain(w->s, d) ? "better" : "worse",
                   than, how(w->s, d, text));
    if (d->by == RN_BY_SAMPLES)
        return say(&w->out, RN_NEUTRAL, "difference",
                   "No difference between %s and %s can be shown with 1 seed (%s).", g->g.label,
                   than, how(w->s, d, text));
    TRY(say(&w->out, RN_NEUTRAL, "difference",
            "No difference between %s and %s can be shown with %lld seeds (%s).", g->g.label, than,
            (long long)d->n, how(w->s, d, text)));
    return say_needed(w, d, g->g.label);
}

static int say_best(struct words *w)
{
    const struct group *r = reference(w->s), *g = w->s->groups;

    TRY(say_first(w));
    if (!w->s->n || !counts(g) || w->s->n < 2)
        return RN_OK;
    if (!r)
        return say(&w->out, RN_NEUTRAL, "reference",
                   "There is no reference, so no difference was tested.");
    if (r == g)
        return say(&w->out, RN_NEUTRAL, "difference",
                   "That is the reference: none of the others is above it.");
    if (!counts(r))
        return say(&w->out, RN_BAD, "reference",
                   "The reference %s has no finished run: no difference can be tested.",
                   r->g.label);
    return say_difference(w, g);
}

/* ---- the others ----------------------------------------------------------- */

/* Those without a difference in one sentence, by how many seeds they share with the reference. */
static int say_alike(struct words *w)
{
    const struct sweep *s = w->s;
    struct text t = {0};
    int64_t n = 0, few = INT64_MAX, many = 0;

    for (int64_t g = 1; g < s->n; g++) {
        const struct rn_difference *d = &s->groups[g].g.difference;
        if (g == s->view.reference || d->by == RN_NOT_COMPARED || d->differs)
            continue;
        int64_t of = d->by == RN_BY_SAMPLES ? 1 : d->n;
        few = of < few ? of : few;
        many = of > many ? of : many;
        if (n++ < NAMES_MAX)
            text_add(&t, "%s%s", t.n ? ", " : "", s->groups[g].g.label);
    }
    if (n > NAMES_MAX)
        text_add(&t, " and %lld more", (long long)(n - NAMES_MAX));
    char range[64];
    if (few < many)
        snprintf(range, sizeof range, "%lld to %lld", (long long)few, (long long)many);
    else
        snprintf(range, sizeof range, "%lld", (long long)few);
    int status = t.status;
    if (!status && n)
        status =
            say(&w->out, RN_NEUTRAL, "alike", "No difference to %s can be shown with %s %s for %s.",
                reference(s)->g.label, range, seeds(many), text_str(&t));
    text_free(&t);
    return status;
}

static int say_others(struct words *w)
{
    const struct sweep *s = w->s;
    int64_t said = 0, more = 0;

    if (!reference(s) || !counts(reference(s)))
        return RN_OK;
    for (int64_t g = 1; g < s->n; g++) {
        if (g == s->view.reference || !s->groups[g].g.difference.differs)
            continue;
        if (said == EACH_MAX)
            more++;
        else
            TRY(say_difference(w, &s->groups[g]));
        said += said < EACH_MAX;
    }
    if (more)
        TRY(say(&w->out, RN_NEUTRAL, "others",
                "%lld more differ from the reference; see the ranking.", (long long)more));
    return say_alike(w);
}

static int say_shares(struct words *w)
{
    const struct sweep *s = w->s;
    struct text t = {0};
    const struct group *top[2] = {NULL, NULL};

    for (int64_t g = 0; g < s->n; g++) {
        const struct group *one = &s->groups[g];
        if (isnan(one->g.best_share))
            continue;
        if (!top[0] || one->g.best_share > top[0]->g.best_share) {
            top[1] = top[0];
            top[0] = one;
        } else if (!top[1] || one->g.best_share > top[1]->g.best_share) {
            top[1] = one;
        }
    }
    if (!top[1])
        return RN_OK;
    text_add(&t,
             "Were the %lld seeds that all share drawn again, %s would be first in %.0f %% of "
             "the draws",
             (long long)s->view.best_seeds, top[0]->g.label, 100 * top[0]->g.best_share);
    if (top[1]->g.best_share >= 0.005)
        text_add(&t, " and %s in %.0f %%", top[1]->g.label, 100 * top[1]->g.best_share);
    if (top[0]->g.best_share < 0.95)
        text_add(&t, ": which is the best is open");
    int status = t.status ? t.status : say(&w->out, RN_NEUTRAL, "best_share", "%s.", text_str(&t));
    text_free(&t);
    return status;
}

/* ---- what is missing ------------------------------------------------------ */

static int say_left_out(struct words *w)
{
    const struct sweep *s = w->s;
    struct text t = {0};
    int64_t n = 0;

    for (int64_t g = 0; g < s->n; g++)
        if (s->groups[g].g.difference.by != RN_NOT_COMPARED && s->groups[g].g.difference.left_out &&
            n++ < NAMES_MAX)
            text_add(&t, "%s%s (%lld)", t.n ? ", " : "", s->groups[g].g.label,
                     (long long)s->groups[g].g.difference.left_out);
    int status = t.status;
    if (!status && n)
        status = say(&w->out, RN_NEUTRAL, "left_out",
                     "Seeds are paired: those that only one of both has were left out of the "
                     "difference to the reference: %s%s.",
                     text_str(&t), n > NAMES_MAX ? " and others" : "");
    text_free(&t);
    return status;
}

static int say_ends(struct words *w)
{
    const struct sweep *s = w->s;
    int64_t failed = 0, diverged = 0, waiting = 0;
    struct text t = {0};

    for (int64_t g = 0; g < s->n; g++) {
        const struct rn_group *one = &s->groups[g].g;
        failed += one->n_failed;
        waiting += one->n_waiting;
        if (one->n_diverged && diverged < 1000 && t.n < 400)
            text_add(&t, "%s%s (%lld of %lld)", t.n ? ", " : "", one->label,
                     (long long)one->n_diverged, (long long)one->n_trials);
        diverged += one->n_diverged;
    }
    int status = t.status;
    if (!status && diverged)
        status = say(&w->out, RN_BAD, "diverged",
                     "%lld of %lld runs diverged: %s. A configuration that diverges ranks below "
                     "those that do not, whatever its other seeds reached.",
                     (long long)diverged, (long long)s->n_runs, text_str(&t));
    text_free(&t);
    TRY(status);
    if (failed)
        TRY(say(&w->out, RN_BAD, "failed", "%lld of %lld runs gave no number; why stands below.",
                (long long)failed, (long long)s->n_runs));
    if (waiting)
        TRY(say(&w->out, RN_NEUTRAL, "waiting",
                "%lld of %lld runs go on or have not begun: all of this is of what there is.",
                (long long)waiting, (long long)s->n_runs));
    return RN_OK;
}

static int say_one_seed(struct words *w)
{
    for (int64_t g = 0; g < w->s->n; g++)
        if (w->s->groups[g].g.objective.n > 1)
            return RN_OK;
    if (w->s->n < 2 || !counts(w->s->groups))
        return RN_OK;
    return say(
        &w->out, RN_NEUTRAL, "one_seed",
        "Each configuration has one seed: what is tested are these trained networks. Whether "
        "a configuration is better, several seeds would have to show.");
}

/* ---- around it ------------------------------------------------------------ */

/* The first was chosen by validation, which flatters it; the others tell how much of the distance
 * between validation and test has other reasons. */
static int say_optimism(struct words *w)
{
    const struct sweep *s = w->s;
    const struct rn_group *first = &s->groups[0].g;
    double sum = 0;
    int64_t n = 0;
    char a[32], b[40], size[40], rest[40];

    if (!s->n || !counts(s->groups) || !isfinite(first->test.mean))
        return RN_OK;
    for (int64_t g = 1; g < s->n; g++)
        if (counts(&s->groups[g]) && isfinite(s->groups[g].g.test.mean)) {
            sum += s->groups[g].g.objective.mean - s->groups[g].g.test.mean;
            n++;
        }
    double distance = first->objective.mean - first->test.mean;
    TRY(say(&w->out, RN_NEUTRAL, "test", "On the test set, which chose nothing, %s has %s %s.",
            first->label, s->view.test_metric, sweep_text(s, first->test.mean, a)));
    if (n < 2)
        return RN_OK;
    double more = distance - sum / (double)n;
    points(s, distance, size);
    points(s, sum / (double)n, rest);
    if (s->view.more_is_better ? more <= 0 : more >= 0)
        return say(&w->out, RN_NEUTRAL, "optimism",
                   "Validation less test is %s for the first and %s on average for the others: "
                   "choosing it by validation has not flattered it.",
                   size, rest);
    return say(
        &w->out, RN_NEUTRAL, "optimism",
        "Validation less test is %s for the first and %s on average for the others: what the "
        "first has more than they (%s) may come of choosing it by validation.",
        size, rest, points(s, more, b));
}

static int say_axes(struct words *w)
{
    const struct rn_sweep *v = &w->s->view;
    struct text t = {0};
    int64_t n = 0;

    for (int64_t a = 0; a < v->n_axes; a++)
        if (!isnan(v->axes[a].importance) && n++ < NAMES_MAX)
            text_add(&t, "%s%s %.0f %%", t.n ? ", " : "", v->axes[a].path,
                     100 * v->axes[a].importance);
    int status = t.status;
    if (!status && n > 1)
        status = say(&w->out, RN_NEUTRAL, "importance",
                     "Of the variance between configurations each axis explains alone: %s.",
                     text_str(&t));
    text_free(&t);
    return status;
}

static int say_around(struct words *w)
{
    if (!*w->s->around)
        return RN_OK;
    return say(&w->out, strstr(w->s->around, "data, ") ? RN_BAD : RN_NEUTRAL, "environment",
               "Not all runs had the same around them: %s. Part of what differs may come from "
               "there.",
               w->s->around);
}

int sweep_words(struct sweep *s)
{
    struct words w = {.s = s};

    TRY(say_open(&w.out, s->p, FINDINGS_MAX));
    TRY(say_best(&w));
    TRY(say_alone(&w));
    TRY(say_others(&w));
    TRY(say_shares(&w));
    TRY(say_one_seed(&w));
    TRY(say_optimism(&w));
    TRY(say_axes(&w));
    TRY(say_ends(&w));
    TRY(say_left_out(&w));
    TRY(say_around(&w));
    for (int64_t i = 0; i < s->view.n_said; i++)
        TRY(say(&w.out, RN_NEUTRAL, "said", "%s", s->view.said[i]));
    s->view.findings = w.out.list;
    s->view.n_findings = w.out.n;
    return RN_OK;
}
