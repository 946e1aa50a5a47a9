/* baseline_judge.c - what a baseline's checks say of its runs, and what else is known to differ. */
#include "baseline.h"

#include "base/error.h"
#include "report/report.h"

#include <runner/callback.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAME_REL 1e-6 /* of losses that were rounded to nine digits and are the same */
/* Twice what a recorded number may have lost: six digits are written of means, nine of values. */
#define LOST_MEAN  1e-5
#define LOST_VALUE 1e-8

const char *const verdict_words[4] = {"PASS", "WARN", "FAIL", "n/c"};

struct judge {
    struct pool *p;
    const struct baseline_result *r;
    struct verdicts *out;
    bool strict, other_machine;
};

/* ---- values --------------------------------------------------------------- */

const struct baseline_run *baseline_seed(const struct baseline_result *r, int64_t seed)
{
    for (int64_t i = 0; i < r->n_runs; i++)
        if (r->runs[i].seed == seed)
            return &r->runs[i];
    return NULL;
}

bool baseline_mean(const struct baseline_result *r, const struct baseline_check *c, double *mean,
                   double *sd)
{
    double sum = 0, squares = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < r->n_runs; i++) {
        double v = baseline_metric(&r->runs[i], c->metric);
        if (c->seeded && r->runs[i].seed != c->keys->seed)
            continue;
        if (r->runs[i].fault || isnan(v))
            return false;
        sum += v;
        n++;
    }
    *mean = n ? sum / (double)n : (double)NAN;
    for (int64_t i = 0; i < r->n_runs; i++)
        if (!c->seeded || r->runs[i].seed == c->keys->seed) {
            double off = baseline_metric(&r->runs[i], c->metric) - *mean;
            squares += off * off;
        }
    *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    return n > 0;
}

double spread_allowed(double spreads, double sd, double k, double n)
{
    return spreads * sd * sqrt(1 / k + 1 / n);
}

/* ---- one check ------------------------------------------------------------ */

static struct judged *add(struct judge *j, const struct baseline_check *c, enum verdict v,
                          const char *metric)
{
    struct judged *a = &j->out->list[j->out->n++];
    const struct mark *m = c ? &c->node->mark : &j->r->b->mark;

    *a = (struct judged){.check = c,
                         .verdict = v,
                         .metric = metric,
                         .got = "",
                         .wanted = "",
                         .why = "",
                         .value = (double)NAN,
                         .off = (double)NAN};
    a->where = pool_printf(j->p, "%s:%d", j->r->b->file, (int)m->line);
    return a;
}

static enum verdict fail_of(const struct baseline_check *c)
{
    return c->keys->expect.on_fail == EXPECT_WARN ? VERDICT_WARN : VERDICT_FAIL;
}

/* NULL: it can be compared. */
static const char *obstacle(const struct judge *j, const struct baseline_check *c)
{
    const struct baseline *b = j->r->b;

    if (!c->recorded)
        return "not recorded yet: `runner test record`";
    if (c->seeded && !baseline_seed(j->r, c->keys->seed))
        return "no run has this seed";
    if (c->keys->same && !b->recorded)
        return "the machine that it was recorded on is not known";
    if (c->keys->same && j->other_machine)
        return "machine class differs";
    return NULL;
}

/* As what is recorded of a value that is compared exactly. NaN stays NaN. */
static double nine_digits(double v)
{
    char text[32];

    snprintf(text, sizeof text, "%.9g", v);
    return strtod(text, NULL);
}

/* The bounds of the mean, and how they are said. */
static int bounds(struct judge *j, const struct baseline_check *c, double *min, double *max,
                  const char **wanted)
{
    const struct check_keys *k = c->keys;
    bool more = rn_more_is_better(RN_MODE_AUTO, c->metric), both;
    double n = (double)j->r->n_runs;

    *min = c->min;
    *max = c->max;
    if (c->kind == CHECK_SPREAD) {
        double n_recorded = (double)j->r->b->recorded->n;
        double room = spread_allowed(c->spreads, k->sd, n, n_recorded) + LOST_MEAN * fabs(k->mean);
        /* without a word about it one side counts */
        both = tree_get(c->node, "direction") && k->expect.direction == EXPECT_BOTH;
        *min = both || more ? k->mean - room : (double)NAN;
        *max = both || !more ? k->mean + room : (double)NAN;
        *wanted = pool_printf(j->p, "%s %.5g (%.5g ± %.3g of %.0f, %s of the difference)",
                              both   ? "within"
                              : more ? ">="
                                     : "<=",
                              both   ? room
                              : more ? *min
                                     : *max,
                              k->mean, k->sd, n_recorded, k->within);
    } else if (c->kind == CHECK_RATIO) {
        *max += LOST_MEAN * fabs(c->max);
        *wanted = pool_printf(j->p, "<= %.5g (%.5g x %.3g)", c->max, k->expect.value, k->max_ratio);
    } else if (c->kind == CHECK_VALUE && k->expect.exact) {
        *min = nine_digits(c->min);
        *max = nine_digits(c->max);
        *wanted = pool_printf(j->p, "%.9g", k->expect.value);
    } else if (c->kind == CHECK_VALUE) {
        bool abs = tree_get(c->node, "abs");
        *min -= LOST_VALUE * fabs(k->expect.value);
        *max += LOST_VALUE * fabs(k->expect.value);
        *wanted = pool_printf(j->p, "%.6g %s %.3g%s", k->expect.value,
                              !isnan(c->min) && !isnan(c->max) ? "±"
                              : isnan(c->min)                  ? "+"
                                                               : "-",
                              abs ? k->expect.abs : 100 * k->expect.rel, abs ? "" : " %");
    } else {
        *wanted = isnan(c->max)   ? pool_printf(j->p, ">= %.5g", c->min)
                  : isnan(c->min) ? pool_printf(j->p, "<= %.5g", c->max)
                                  : pool_printf(j->p, "%.5g to %.5g", c->min, c->max);
    }
    return *wanted ? RN_OK : RN_ENOMEM;
}

static int judge_digest(struct judge *j, const struct baseline_check *c)
{
    const struct baseline_run *run = baseline_seed(j->r, c->keys->seed);
    const char *have = run && !run->fault ? run->digest : NULL;
    bool same = have && !strcmp(have, c->keys->digest);
    struct judged *a =
        add(j, c,
            !have  ? VERDICT_NONE
            : same ? VERDICT_PASS
                   : fail_of(c),
            pool_printf(j->p, "weights.sha256 of seed %lld", (long long)c->keys->seed));

    a->got = have ? have : "";
    a->wanted = c->keys->digest;
    a->why = !have ? "the run left no weights" : same ? "" : "other weights";
    return a->metric && a->where ? RN_OK : RN_ENOMEM;
}

static int judge_check(struct judge *j, const struct baseline_check *c)
{
    const char *why = obstacle(j, c), *metric = c->metric, *wanted;
    double mean, sd, min, max;

    if (c->seeded && c->kind != CHECK_DIGEST)
        metric = pool_printf(j->p, "%s of seed %lld", metric, (long long)c->keys->seed);
    if (!metric)
        return RN_ENOMEM;
    if (!why && c->kind == CHECK_DIGEST)
        return judge_digest(j, c);
    if (!why && !baseline_mean(j->r, c, &mean, &sd))
        why = "a run did not measure it";
    if (why) {
        add(j, c, VERDICT_NONE, metric)->why = why;
        return RN_OK;
    }
    TRY(bounds(j, c, &min, &max, &wanted));
    double at = c->kind == CHECK_VALUE && c->keys->expect.exact ? nine_digits(mean) : mean;
    double off = at < min ? min - at : at > max ? at - max : 0;
    struct judged *a = add(j, c, off > 0 ? fail_of(c) : VERDICT_PASS, metric);
    a->value = mean;
    a->off = off;
    a->wanted = wanted;
    a->got = c->seeded || j->r->n_runs == 1
                 ? pool_printf(j->p, "%.6g", mean)
                 : pool_printf(j->p, "%.6g (mean of %lld)", mean, (long long)j->r->n_runs);
    if (off > 0)
        a->why = pool_printf(j->p, "off by %.3g", off);
    return a->got && a->why && a->where ? RN_OK : RN_ENOMEM;
}

/* ---- runs and data -------------------------------------------------------- */

static int judge_runs(struct judge *j)
{
    const struct baseline *b = j->r->b;
    const char *was = b->recorded ? b->recorded->data : NULL, *is = NULL;

    for (int64_t i = 0; i < j->r->n_runs; i++) {
        const struct baseline_run *run = &j->r->runs[i];
        is = is ? is : run->data;
        if (!run->fault)
            continue;
        struct judged *a =
            add(j, NULL, VERDICT_FAIL, pool_printf(j->p, "run of seed %lld", (long long)run->seed));
        a->got = run->fault;
        a->wanted = "finished";
        a->why = run->log;
        if (!a->metric || !a->where)
            return RN_ENOMEM;
    }
    if (was && is && strcmp(was, is) != 0) {
        struct judged *a = add(j, NULL, VERDICT_FAIL, "data");
        a->got = is;
        a->wanted = was;
        a->why = "other samples than were recorded";
        return a->where ? RN_OK : RN_ENOMEM;
    }
    return RN_OK;
}

/* ---- what else is known --------------------------------------------------- */

static const char *curve_note(const struct judge *j)
{
    const struct rn_floats *was = &j->r->b->recorded->val_loss, *is = &j->r->val_loss;

    for (int64_t i = 0; i < was->count && i < is->count; i++)
        if (fabs(was->at[i] - is->at[i]) > SAME_REL * fabs(was->at[i]))
            return pool_printf(j->p, "val.loss of seed %lld differs from epoch %lld on",
                               (long long)j->r->b->seeds.at[0], (long long)i + 1);
    return was->count && was->count == is->count ? "val.loss of the first seed is as recorded"
                                                 : NULL;
}

static int plugin_notes(const struct judge *j, const char **notes, int *n)
{
    struct text t = {0};

    for (int64_t i = 0; i < j->r->n_plugins; i++) {
        const struct rn_fact *f = &j->r->plugins[i];
        const struct node *was = tree_get(j->r->b->plugins, f->key);
        if (was && was->text && strcmp(was->text, f->value) != 0)
            text_add(&t, "%s%s", t.n ? ", " : "", f->key);
    }
    if (t.n)
        notes[(*n)++] = pool_printf(j->p, "changed plugins: %s", text_str(&t));
    int status = t.status;
    text_free(&t);
    return status ? status : *n && !notes[*n - 1] ? RN_ENOMEM : RN_OK;
}

static int notes_make(const struct judge *j)
{
    const struct recorded *was = j->r->b->recorded;
    const char **notes = pool_alloc(j->p, 4 * sizeof *notes);
    int n = 0;

    j->out->likely = notes;
    if (!was || !notes)
        return notes ? RN_OK : RN_ENOMEM;
    const char *curve = curve_note(j);
    if (curve)
        notes[n++] = curve;
    if (was->config)
        notes[n++] = strcmp(was->config, j->r->config) != 0 ? "the configuration changed"
                                                            : "the configuration did not change";
    if (j->r->b->plugins)
        TRY(plugin_notes(j, notes, &n));
    if (j->other_machine)
        notes[n++] = pool_printf(j->p, "recorded on %s, this is %s", was->machine, j->r->machine);
    j->out->n_likely = n;
    return n && !notes[n - 1] ? RN_ENOMEM : RN_OK;
}

int baseline_judge(struct pool *p, const struct baseline_result *r, bool strict,
                   struct verdicts *out)
{
    struct judge j = {.p = p, .r = r, .out = out, .strict = strict};
    const struct recorded *was = r->b->recorded;

    *out = (struct verdicts){0};
    out->list = pool_alloc(p, (size_t)(r->b->n_checks + r->n_runs + 1) * sizeof *out->list);
    if (!out->list)
        return RN_ENOMEM;
    j.other_machine = was && was->machine && strcmp(was->machine, r->machine) != 0;
    TRY(judge_runs(&j));
    for (int i = 0; i < r->b->n_checks; i++)
        TRY(judge_check(&j, &r->b->checks[i]));
    bool blank = false;
    for (int i = 0; i < out->n; i++)
        out->count[out->list[i].verdict]++;
    for (int i = 0; i < r->b->n_checks; i++)
        blank |= !r->b->checks[i].recorded;
    out->holds = !blank && !out->count[VERDICT_FAIL] &&
                 (out->count[VERDICT_PASS] || out->count[VERDICT_WARN]) &&
                 !(strict && out->count[VERDICT_NONE]);
    return notes_make(&j);
}
