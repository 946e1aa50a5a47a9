/* sweep_compare.c - each group against the reference: by the seeds that both have, or, with one, by
 * the test samples that only one of both got right. One correction for all of them: intervals by
 * Bonferroni, p of samples by Holm over all; what the first rejects the second does, too. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/error.h"
#include "rows.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- by seeds ------------------------------------------------------------- */

struct common {                      /* of two groups */
    int64_t n, left_out;             /* seeds that both have; that only one has */
    const struct trial *this, *that; /* of the first common seed */
};

/* Their seeds ascend. */
static struct common pair_seeds(const struct group *a, const struct group *b, double *difference)
{
    struct common c = {0};
    int64_t i = 0, k = 0;

    while (i < a->g.n_trials || k < b->g.n_trials) {
        const struct trial *x = i < a->g.n_trials ? &a->trials[i] : NULL;
        const struct trial *y = k < b->g.n_trials ? &b->trials[k] : NULL;
        bool first = x && (!y || x->t.seed <= y->t.seed);
        bool second = y && (!x || y->t.seed <= x->t.seed);
        bool one = first && x->t.counts, two = second && y->t.counts;
        if (one && two) {
            c.this = c.n ? c.this : x;
            c.that = c.n ? c.that : y;
            difference[c.n++] = x->t.objective - y->t.objective;
        }
        c.left_out += one != two;
        i += first;
        k += second;
    }
    return c;
}

/* ---- by samples ----------------------------------------------------------- */

struct answers { /* of a test */
    int64_t n;
    int64_t *truth; /* from the pool */
    bool *right;
};

static int read_answers(struct pool *p, const char *dir, struct answers *out)
{
    char path[PATH_MAX];
    struct rows t;
    int64_t lines = 0;
    int more;

    *out = (struct answers){0};
    if (snprintf(path, sizeof path, "%s/predictions.csv", dir) >= (int)sizeof path)
        return RN_OK;
    int status = rows_open(&t, path, "index,true,predicted");
    for (const char *at = t.next; !status && at && (at = strchr(at, '\n')); at++)
        lines++;
    out->truth = pool_alloc(p, (size_t)lines * sizeof *out->truth + 1);
    out->right = pool_alloc(p, (size_t)lines + 1);
    status = status ? status : out->truth && out->right ? RN_OK : RN_ENOMEM;
    for (; !status && (more = rows_next(&t)); out->n++) {
        status = more < 0 ? more : rows_whole(&t, 0, 0, INT64_MAX) != out->n ? RN_EDATA : RN_OK;
        out->truth[out->n] = status ? 0 : rows_whole(&t, 1, 0, INT32_MAX);
        out->right[out->n] = !status && rows_whole(&t, 2, 0, INT32_MAX) == out->truth[out->n];
    }
    status = status ? status : t.status;
    rows_close(&t);
    if (status != RN_EDATA)
        return status;
    error_clear(); /* numbers, or damaged: nothing can be said by them */
    out->n = 0;
    return RN_OK;
}

static bool same_truth(const struct answers *a, const struct answers *b)
{
    return a->n && a->n == b->n && !memcmp(a->truth, b->truth, (size_t)a->n * sizeof *a->truth);
}

static int compare_answers(struct pool *p, const struct common *c, struct answers *reference,
                           struct rn_difference *out)
{
    struct answers mine;

    if (!c->this->dir || !c->that->dir || !c->this->test_set || !c->that->test_set ||
        strcmp(c->this->test_set, c->that->test_set) != 0)
        return RN_OK;
    TRY(read_answers(p, c->this->dir, &mine));
    TRY(read_answers(p, c->that->dir, reference));
    if (!same_truth(&mine, reference))
        return RN_OK;
    *out = (struct rn_difference){
        .by = RN_BY_SAMPLES, .n = mine.n, .sd = NAN, .low = NAN, .high = NAN};
    for (int64_t i = 0; i < mine.n; i++) {
        out->only_this += mine.right[i] && !reference->right[i];
        out->only_reference += !mine.right[i] && reference->right[i];
    }
    out->mean = (double)(out->only_this - out->only_reference) / (double)mine.n;
    out->p = mcnemar_exact(out->only_this, out->only_reference);
    return RN_OK;
}

/* ---- all of them ---------------------------------------------------------- */

static int compare_one(struct sweep *s, struct group *g, const struct group *r, double *d)
{
    struct common c = pair_seeds(g, r, d);
    struct rn_difference *out = &g->g.difference;
    struct answers reference;

    if (c.n == 1) {
        struct pool *p = pool_new();
        int status = p ? compare_answers(p, &c, &reference, out) : RN_ENOMEM;
        pool_free(p);
        TRY(status);
    }
    if (out->by == RN_NOT_COMPARED)
        paired_t(d, c.n, 1, out);
    out->left_out = c.left_out;
    s->view.n_comparisons += out->by == RN_BY_SAMPLES || c.n > 1;
    return RN_OK;
}

static int correct(struct sweep *s, const struct group *r, double *d)
{
    double *p = pool_alloc(s->p, (size_t)s->n * sizeof *p + 1);
    int64_t n = 0, m = s->view.n_comparisons;

    if (!p)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++) {
        struct rn_difference *out = &s->groups[g].g.difference;
        if (out->by == RN_BY_SEEDS) {
            struct common c = pair_seeds(&s->groups[g], r, d);
            paired_t(d, c.n, m, out);
            out->left_out = c.left_out;
        }
        if (out->by == RN_BY_SAMPLES || (out->by == RN_BY_SEEDS && out->n > 1))
            p[n++] = isnan(out->p) ? 1 : out->p;
    }
    TRY(holm(p, n));
    n = 0;
    for (int64_t g = 0; g < s->n; g++) {
        struct rn_difference *out = &s->groups[g].g.difference;
        if (out->by == RN_BY_SAMPLES) {
            out->p_corrected = p[n];
            out->differs = p[n] < SIGNIFICANT;
        }
        n += out->by == RN_BY_SAMPLES || (out->by == RN_BY_SEEDS && out->n > 1);
    }
    return RN_OK;
}

int sweep_compare(struct sweep *s)
{
    const struct group *r = s->view.reference < 0 ? NULL : &s->groups[s->view.reference];
    double *d = pool_alloc(s->p, (size_t)s->n_runs * sizeof *d + 1);

    if (!d)
        return RN_ENOMEM;
    for (int64_t g = 0; r && g < s->n; g++)
        if (&s->groups[g] != r)
            TRY(compare_one(s, &s->groups[g], r, d));
    return r ? correct(s, r, d) : RN_OK;
}
