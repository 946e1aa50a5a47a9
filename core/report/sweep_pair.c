/* sweep_pair.c - the best group against the reference, sample by sample: two runs of one seed,
 * whose reports are loaded whole. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/error.h"
#include "compare.h"

static const struct trial *counted(const struct group *g, uint64_t seed)
{
    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].t.seed == seed && g->trials[i].t.counts && g->trials[i].dir)
            return &g->trials[i];
    return NULL;
}

/* The best that is not the reference. */
static const struct group *rival(const struct sweep *s)
{
    for (int64_t g = 0; g < s->n; g++)
        if (g != s->view.reference && s->groups[g].standing <= SOME_DIVERGED)
            return &s->groups[g];
    return NULL;
}

/* A report that cannot be read leaves the page without a pair. */
static int load(struct sweep *s, int i, const struct trial *t)
{
    int status = report_load(t->dir, &s->reports[i]);

    if (status == RN_EDATA) {
        error_clear();
        return RN_OK;
    }
    TRY(status);
    s->view.pair_reports[i] = report_view(s->reports[i]);
    return RN_OK;
}

int sweep_pair(struct sweep *s)
{
    const struct group *a = rival(s), *b;
    const struct trial *x = NULL, *y = NULL;

    if (s->view.reference < 0 || !a)
        return RN_OK;
    b = &s->groups[s->view.reference];
    for (int64_t i = 0; i < a->g.n_trials && !(x && y); i++) {
        x = counted(a, a->trials[i].t.seed);
        y = x ? counted(b, x->t.seed) : NULL;
    }
    if (!x || !y)
        return RN_OK;
    TRY(load(s, 0, x));
    TRY(load(s, 1, y));
    const struct rn_report *const *r = s->view.pair_reports;
    if (!r[0] || !r[1] || !same_samples(&x->run, r[0]->test, &y->run, r[1]->test) ||
        !r[0]->test->classes)
        return RN_OK;
    struct rn_pair *pair = pool_alloc(s->p, sizeof *pair);
    if (!pair)
        return RN_ENOMEM;
    *pair = (struct rn_pair){.a = 0, .b = 1};
    TRY(pair_of(s->p, r[0]->test, r[1]->test, pair));
    pair->p_corrected = pair->p;
    s->view.pair = pair;
    s->view.pair_labels[0] = a->g.label;
    s->view.pair_labels[1] = b->g.label;
    s->view.pair_seed = x->t.seed;
    return RN_OK;
}
