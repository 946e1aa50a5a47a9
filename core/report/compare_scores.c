/* compare_scores.c - the scores of runs with their intervals, and the tests of each pair. */
#include "compare.h"

#include "around.h"
#include "base/error.h"
#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_SHOWN = 24 };

/* ---- pairs ---------------------------------------------------------------- */

bool compare_knows_samples(const struct comparison *c, int64_t run)
{
    return around_fact(&c->view.runs[run], CHANGE_TEST_SET) != NULL;
}

bool same_samples(const struct rn_run *a, const struct rn_test *x, const struct rn_run *b,
                  const struct rn_test *y)
{
    const char *of_a = around_fact(a, CHANGE_TEST_SET), *of_b = around_fact(b, CHANGE_TEST_SET);

    if (!x || !y || x->classes != y->classes || x->n != y->n || !of_a || !of_b ||
        strcmp(of_a, of_b) != 0)
        return false;
    for (int64_t i = 0; i < x->n; i++)
        if (x->samples[i].index != y->samples[i].index ||
            x->samples[i].truth != y->samples[i].truth)
            return false;
    return true;
}

bool compare_same_samples(const struct comparison *c, int64_t a, int64_t b)
{
    return same_samples(&c->view.runs[a], c->view.reports[a]->test, &c->view.runs[b],
                        c->view.reports[b]->test);
}

static bool has_picture(const struct rn_test *t, int64_t sample)
{
    for (int64_t i = 0; i < t->n_pictures; i++)
        if (t->pictures[i].sample == sample)
            return true;
    return false;
}

/* Some that only x got right, those with a picture first. */
static int pick(struct pool *p, const struct rn_test *x, const struct rn_test *y,
                const int64_t **samples, int64_t *n)
{
    int64_t *out = pool_alloc(p, SAMPLES_SHOWN * sizeof *out);

    if (!out)
        return RN_ENOMEM;
    *n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < x->n && *n < SAMPLES_SHOWN; i++) {
            const struct rn_sample *s = &x->samples[i];
            if (s->predicted == s->truth && y->samples[i].predicted != s->truth &&
                (has_picture(x, i) || has_picture(y, i)) == !pass)
                out[(*n)++] = i;
        }
    *samples = out;
    return RN_OK;
}

int pair_of(struct pool *p, const struct rn_test *x, const struct rn_test *y, struct rn_pair *out)
{
    out->n = x->n;
    for (int64_t i = 0; i < x->n; i++) {
        bool one = x->samples[i].predicted == x->samples[i].truth;
        bool two = y->samples[i].predicted == y->samples[i].truth;
        out->both += one && two;
        out->only_a += one && !two;
        out->only_b += two && !one;
        out->neither += !one && !two;
    }
    out->p = mcnemar_exact(out->only_a, out->only_b);
    TRY(pick(p, x, y, &out->samples_a, &out->n_samples_a));
    return pick(p, y, x, &out->samples_b, &out->n_samples_b);
}

static int make_pairs(struct comparison *c)
{
    int n = (int)c->view.n;
    struct rn_pair *pairs = pool_alloc(c->pool, (size_t)(n * n) * sizeof *pairs);
    double p[COMPARE_MAX * COMPARE_MAX];

    if (!pairs)
        return RN_ENOMEM;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++) {
            const struct rn_test *x = c->view.reports[a]->test, *y = c->view.reports[b]->test;
            if (!compare_same_samples(c, a, b) || !x->classes)
                continue;
            pairs[c->view.n_pairs] = (struct rn_pair){.a = a, .b = b};
            TRY(pair_of(c->pool, x, y, &pairs[c->view.n_pairs++]));
        }
    for (int64_t i = 0; i < c->view.n_pairs; i++)
        p[i] = pairs[i].p;
    TRY(holm(p, c->view.n_pairs));
    for (int64_t i = 0; i < c->view.n_pairs; i++)
        pairs[i].p_corrected = p[i];
    c->view.pairs = pairs;
    return RN_OK;
}

/* ---- scores --------------------------------------------------------------- */

struct shown {
    const char *name;
    bool percent, more;
};
static const struct shown known[] = {
    {"test.accuracy", true, true},   {"test.macro_f1", false, true},
    {"test.top3", true, true},       {"test.loss", false, false},
    {"test.ece", true, false},       {"best.val.accuracy", true, true},
    {"best.val.loss", false, false}, {"fit.loss", false, false},
    {"val.loss", false, false},      {"epochs", false, false},
    {"parameters", false, false},    {"train_s", false, false},
    {"seconds", false, false},       {"samples_per_s", false, true},
    {"peak_bytes", false, false}};
enum { KNOWN = sizeof known / sizeof *known, ROOM = KNOWN + 32 };

static double value_of(struct comparison *c, int i, const char *name)
{
    const struct rn_test *t = c->view.reports[i]->test;

    if (!strcmp(name, "test.top3") || !strcmp(name, "test.ece")) {
        double v = !t || !t->classes ? NAN : !strcmp(name, "test.ece") ? t->ece : t->top3;
        if (!isnan(v))
            return v;
    }
    return report_metric(c->reports[i], name);
}

/* A 95 % interval, where its mathematics is known: the best epoch was chosen by the samples that it
 * is measured on, so there is none of it. */
static void interval(const struct rn_report *r, const char *name, double v, double *low,
                     double *high)
{
    const struct rn_test *t = r->test;
    double sum = 0;

    *low = *high = NAN;
    if (t && !strcmp(name, "test.accuracy") && t->classes)
        *low = t->low, *high = t->high;
    if (strcmp(name, "test.loss") != 0 || !t || t->n < NORMAL_MIN)
        return;
    for (int64_t i = 0; i < t->n; i++)
        sum += (t->samples[i].loss - v) * (t->samples[i].loss - v);
    double half = NORMAL_95 * sqrt(sum / (double)(t->n - 1) / (double)t->n);
    if (isfinite(half))
        *low = v - half, *high = v + half;
}

static int add_score(struct comparison *c, struct rn_score *scores, const struct shown *s)
{
    size_t n = (size_t)c->view.n;
    double *v = pool_alloc(c->pool, 3 * n * sizeof *v);
    bool some = false;

    if (!v)
        return RN_ENOMEM;
    for (int i = 0; i < c->view.n; i++) {
        v[i] = value_of(c, i, s->name);
        interval(c->view.reports[i], s->name, v[i], &v[n + (size_t)i], &v[2 * n + (size_t)i]);
        some |= !isnan(v[i]);
    }
    if (some)
        scores[c->view.n_scores++] =
            (struct rn_score){s->name, v, v + n, v + 2 * n, s->percent, s->more};
    return RN_OK;
}

static bool is_shown(const struct rn_score *scores, int64_t n, const char *name)
{
    for (size_t k = 0; k < KNOWN; k++)
        if (!strcmp(known[k].name, name))
            return true;
    for (int64_t k = 0; k < n; k++)
        if (!strcmp(scores[k].name, name))
            return true;
    return false;
}

/* Further metrics of the test that some run was asked for. */
static int add_further(struct comparison *c, struct rn_score *scores)
{
    for (int i = 0; i < c->view.n; i++) {
        const struct rn_report *r = c->view.reports[i];
        for (int64_t k = 0; k < r->n_measures && c->view.n_scores < ROOM; k++) {
            const struct rn_measure *m = &r->measures[k];
            const struct metric *known_metric = metric_find(m->name);
            if (strcmp(m->split, "test") != 0)
                continue;
            const char *name = pool_printf(c->pool, "test.%s", m->name);
            if (!name)
                return RN_ENOMEM;
            struct shown s = {name, false, known_metric && known_metric->higher_is_better};
            if (!is_shown(scores, c->view.n_scores, name))
                TRY(add_score(c, scores, &s));
        }
    }
    return RN_OK;
}

int compare_scores(struct comparison *c)
{
    struct rn_score *scores = pool_alloc(c->pool, ROOM * sizeof *scores);

    if (!scores)
        return RN_ENOMEM;
    for (size_t k = 0; k < KNOWN; k++) {
        if (!strcmp(known[k].name, "test.loss"))
            TRY(add_further(c, scores));
        TRY(add_score(c, scores, &known[k]));
    }
    c->view.scores = scores;
    return make_pairs(c);
}
