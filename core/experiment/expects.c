/* expects.c - what has to hold at the end of a run: `expect`, and what it shares with the checks of
 * a baseline. */
#include "expects.h"

#include "base/error.h"
#include "loader.h"

#include <runner/callback.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct rn_choice expect_directions[] = {
    {"both", EXPECT_BOTH, "too good is too far off, too"},
    {"worse", EXPECT_WORSE, "it may be better by any amount"},
    {NULL, 0, NULL},
};
const struct rn_choice expect_fails[] = {
    {"error", EXPECT_ERROR, "exit code 1"},
    {"warn", EXPECT_WARN, "it is said, and that is all"},
    {NULL, 0, NULL},
};

const struct rn_option expect_rows[] = {EXPECT_ROWS(struct expect_keys), RN_END};

/* ---- shared with baselines ------------------------------------------------ */

/* Measured once in each epoch. */
static bool has_epochs(const char *metric)
{
    return !strncmp(metric, "train.", 6) || !strncmp(metric, "val.", 4) ||
           !strncmp(metric, "fit.", 4) || !strcmp(metric, "lr") || !strcmp(metric, "samples_per_s");
}

int expect_metric(struct pool *p, const char *metric, const char *at, const char **out,
                  const char **problem)
{
    char *end = NULL;
    long epoch = at && !strncmp(at, "epoch ", 6) ? strtol(at + 6, &end, 10) : 0;

    *problem = NULL;
    *out = metric;
    if (!at)
        return RN_OK;
    bool best = !strcmp(at, "best"), last = !strcmp(at, "last");
    if (!best && !last && (!end || *end || epoch < 1))
        *problem = "'at' is best, last or an epoch from 1, as 'epoch 3'";
    else if (!has_epochs(metric))
        *problem = "'at' is for what is measured in each epoch: train.*, fit.*, val.*, lr";
    if (*problem || last)
        return RN_OK;
    *out = best ? pool_printf(p, "best.%s", metric) : pool_printf(p, "epoch%ld.%s", epoch, metric);
    return *out ? RN_OK : RN_ENOMEM;
}

const char *expect_bounds(const struct node *map, const struct expect_keys *k, double *min,
                          double *max)
{
    bool low = tree_get(map, "min"), high = tree_get(map, "max"), value = tree_get(map, "value");
    bool abs = tree_get(map, "abs"), rel = tree_get(map, "rel");
    double slack = abs ? k->abs : k->exact ? 0 : k->rel * fabs(k->value);
    bool more = rn_more_is_better(RN_MODE_AUTO, k->metric);

    *min = *max = (double)NAN;
    if (value && (low || high))
        return "'value' and 'min' or 'max' exclude each other";
    if (value && abs + rel + k->exact != 1)
        return "'value' needs one of 'abs', 'rel' and 'exact: true'";
    if (!value && (abs || rel || k->exact))
        return "'abs', 'rel' and 'exact' need a 'value'";
    if (!value && k->direction == EXPECT_WORSE)
        return "'direction' needs a 'value'";
    if (!value && !low && !high)
        return "says nothing: give 'min', 'max' or 'value'";
    if (low && high && k->min > k->max)
        return "'min' is above 'max'";
    if (low || (value && (k->direction == EXPECT_BOTH || more)))
        *min = value ? k->value - slack : k->min;
    if (high || (value && (k->direction == EXPECT_BOTH || !more)))
        *max = value ? k->value + slack : k->max;
    return NULL;
}

/* ---- expect --------------------------------------------------------------- */

static int item_read(struct loader *l, const struct option_table *t, const struct node *n, int i,
                     struct expect *out)
{
    const char *path = pool_printf(l->pool, "expect.%d", i), *problem, *why;
    long epoch = 0;
    void *opts;

    if (!path)
        return RN_ENOMEM;
    TRY(options_parse(l->pool, t, n, n->mark, path, strrchr(path, '.') + 1, NULL, l->diag, &opts));
    const struct expect_keys *k = opts;
    problem = expect_bounds(n, k, &out->min, &out->max);
    TRY(expect_metric(l->pool, k->metric, k->at, &out->metric, &why));
    problem = problem ? problem : why;
    if (problem)
        return diag_add(l->diag, DIAG_ERROR, n->mark, path, "{metric: test.accuracy, min: 0.97}",
                        "%s", problem);
    if (k->at && !strncmp(k->at, "epoch ", 6))
        epoch = strtol(k->at + 6, NULL, 10);
    if (epoch > l->e->train.epochs && l->e->train.epochs)
        return diag_add(l->diag, DIAG_ERROR, tree_get(n, "at")->mark, path, NULL,
                        "the run has %lld epochs, so there is no epoch %ld",
                        (long long)l->e->train.epochs, epoch);
    out->mark = n->mark;
    out->warns = k->on_fail == EXPECT_WARN;
    return RN_OK;
}

int expects_read(struct loader *l)
{
    const struct node *list = tree_get(l->root, "expect");
    struct option_table table;
    int i = 0;

    if (!list || list->kind == NODE_NULL)
        return RN_OK;
    if (list->kind != NODE_LIST)
        return diag_add(l->diag, DIAG_ERROR, list->mark, "expect",
                        "[{metric: test.accuracy, min: 0.97}]", "takes a list");
    TRY(options_table(l->pool, expect_rows, sizeof *expect_rows, sizeof(struct expect_keys),
                      &table));
    l->e->n_expects = tree_count(list);
    l->e->expects = pool_alloc(l->pool, (size_t)(l->e->n_expects + 1) * sizeof *l->e->expects);
    if (!l->e->expects)
        return RN_ENOMEM;
    for (const struct node *n = list->child; n; n = n->next, i++)
        CHECKED(item_read(l, &table, n, i, &l->e->expects[i]));
    return RN_OK;
}
