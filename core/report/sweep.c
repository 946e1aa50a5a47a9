/* sweep.c - the parts of a sweep in their order, and what they give as one. */
#include "sweep.h"

#include "base/error.h"

#include <math.h>

/* Pages are handed rows without what they need not see. */
static int show_groups(struct sweep *s)
{
    struct rn_group *groups = pool_alloc(s->p, (size_t)s->n * sizeof *groups + 1);

    if (!groups)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++) {
        const struct group *from = &s->groups[g];
        struct rn_trial *t = pool_alloc(s->p, (size_t)from->g.n_trials * sizeof *t + 1);
        if (!t)
            return RN_ENOMEM;
        for (int64_t i = 0; i < from->g.n_trials; i++)
            t[i] = from->trials[i].t;
        groups[g] = from->g;
        groups[g].trials = t;
    }
    s->view.groups = groups;
    s->view.n = s->n;
    return RN_OK;
}

static int fill(struct sweep *s)
{
    TRY(sweep_read(s));
    TRY(sweep_runs(s));
    TRY(sweep_rank(s));
    TRY(sweep_compare(s));
    TRY(sweep_parameters(s));
    TRY(sweep_axes(s));
    TRY(sweep_pair(s));
    TRY(sweep_figures(s));
    TRY(sweep_words(s));
    return show_groups(s);
}

int sweep_open(const char *dir, struct sweep **out)
{
    struct pool *p = pool_new();
    struct sweep *s = p ? pool_alloc(p, sizeof *s) : NULL;

    *out = NULL;
    if (!s) {
        pool_free(p);
        return RN_ENOMEM;
    }
    *s = (struct sweep){.p = p, .dir = pool_strdup(p, dir)};
    s->view = (struct rn_sweep){.size = sizeof s->view, .reference = -1};
    int status = s->dir ? fill(s) : RN_ENOMEM;
    if (status < 0) {
        sweep_close(s);
        return status;
    }
    *out = s;
    return RN_OK;
}

void sweep_close(struct sweep *s)
{
    if (!s)
        return;
    report_close(s->reports[0]);
    report_close(s->reports[1]);
    pool_free(s->p);
}
