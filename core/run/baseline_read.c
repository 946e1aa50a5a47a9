/* baseline_read.c - a baseline's file, read strictly. */
#include "baseline.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rn_choice same_choices[] = {
    {"machine", 1, "compared only on the class of machine that it was recorded on"},
    {NULL, 0, NULL},
};

#define OPTIONAL(T, f, C, type_, lo, hi, help_) \
    { \
        RN_OPT_(T, f, C, type_, NULL, help_), .min = (lo), .max = (hi) \
    }
#define SHARED_ROWS(T) \
    OPTIONAL(T, seed, int64_t, RN_OPT_INT, 0, 0x1p63, "the run of this seed, not the mean"), \
    { \
        RN_OPT_(T, same, int64_t, RN_OPT_CHOICE, NULL, "where it is compared"), \
            .choices = same_choices \
    }

static const struct rn_option expect_part[] = {EXPECT_ROWS(struct expect_keys), RN_END};
static const struct rn_option own_part[] = {
    OPTIONAL(struct check_keys, mean, double, RN_OPT_FLOAT, -DBL_MAX, DBL_MAX, "as recorded"),
    OPTIONAL(struct check_keys, sd, double, RN_OPT_FLOAT, 0, DBL_MAX,
             "standard deviation over seeds, as recorded"),
    OPTIONAL(struct check_keys, max_ratio, double, RN_OPT_FLOAT, 1, 1e6,
             "up to so many times value"),
    OPTIONAL(struct check_keys, within, const char *, RN_OPT_STRING, 1, 20,
             "how far the mean may be off, as 3 sd"),
    SHARED_ROWS(struct check_keys),
    RN_END,
};
enum { EXPECT_N = sizeof expect_part / sizeof *expect_part - 1 };
enum { OWN_N = sizeof own_part / sizeof *own_part };

struct digest_keys {
    const char *metric, *value;
    bool exact;
    int64_t seed, same, on_fail;
};
static const struct rn_option digest_rows[] = {
    OPTIONAL(struct digest_keys, metric, const char *, RN_OPT_STRING, 1, 100, "weights.sha256"),
    OPTIONAL(struct digest_keys, value, const char *, RN_OPT_STRING, 0, 80, "as recorded"),
    RN_BOOL(struct digest_keys, exact, "true", "always"),
    SHARED_ROWS(struct digest_keys),
    RN_CHOICE(struct digest_keys, on_fail, "error", expect_fails, "what follows"),
    RN_END,
};

struct base_keys {
    const char *config;
    struct rn_ints seeds;
};
static const struct rn_option base_rows[] = {
    RN_PATH(struct base_keys, config, NULL, RN_OPT_REQUIRED, "the experiment"),
    RN_INTS(struct base_keys, seeds, "[1, 2, 3]", 1, BASELINE_SEEDS_MAX, "of its runs"),
    RN_END,
};
static const struct rn_option recorded_rows[] = {
    OPTIONAL(struct recorded, date, const char *, RN_OPT_STRING, 0, 40, "when"),
    OPTIONAL(struct recorded, commit, const char *, RN_OPT_STRING, 0, 80, "of the repository"),
    OPTIONAL(struct recorded, runner, const char *, RN_OPT_STRING, 0, 40, "version"),
    OPTIONAL(struct recorded, data, const char *, RN_OPT_STRING, 0, 80, "of the samples"),
    OPTIONAL(struct recorded, machine, const char *, RN_OPT_STRING, 0, 96, "class"),
    OPTIONAL(struct recorded, config, const char *, RN_OPT_STRING, 0, 80, "of the experiment"),
    OPTIONAL(struct recorded, val_loss, struct rn_floats, RN_OPT_FLOATS, 0, 4096,
             "of the first seed, epoch by epoch"),
    OPTIONAL(struct recorded, n, int64_t, RN_OPT_INT, 1, 1e6, "runs that mean and sd are of"),
    RN_END,
};

/* ---- checks --------------------------------------------------------------- */

static const char *spread_problem(const struct baseline *b, const struct node *n,
                                  struct baseline_check *c)
{
    const struct check_keys *k = c->keys;
    bool mean = tree_get(n, "mean"), sd = tree_get(n, "sd");
    char *end = NULL;

    c->kind = CHECK_SPREAD;
    c->spreads = k->within ? strtod(k->within, &end) : 0;
    c->recorded = mean && sd;
    if (!k->within || !end || strcmp(end, " sd") != 0 || !(c->spreads > 0))
        return "'mean' and 'sd' need 'within', a number of deviations, as '3 sd'";
    if (mean != sd)
        return "'mean' and 'sd' come together";
    if (c->seeded)
        return "'within' is about the mean of all seeds, not about one seed";
    if (c->recorded && (!b->recorded || b->recorded->n < BASELINE_SPREAD_MIN))
        return "'within' needs a spread over n >= 5 recorded runs: "
               "`runner test record FILE --seeds 1-20`";
    return NULL;
}

static const char *value_problem(const struct node *n, struct baseline_check *c)
{
    const struct check_keys *k = c->keys;
    bool value = tree_get(n, "value"), ratio = tree_get(n, "max_ratio");
    bool slack = k->expect.exact || tree_get(n, "abs") || tree_get(n, "rel");

    c->recorded = true;
    c->kind = value || slack ? CHECK_VALUE : CHECK_BOUNDS;
    if (ratio) {
        c->kind = CHECK_RATIO;
        c->recorded = value;
        if (slack || tree_get(n, "min") || tree_get(n, "max"))
            return "'max_ratio' goes with 'value' alone";
        c->max = value ? k->max_ratio * k->expect.value : (double)NAN;
        return NULL;
    }
    if (!value && slack && !tree_get(n, "min") && !tree_get(n, "max")) {
        c->recorded = false; /* what it compares with is written by record */
        return NULL;
    }
    return expect_bounds(n, &k->expect, &c->min, &c->max);
}

static int check_problem(struct pool *p, const struct baseline *b, const struct node *n,
                         struct baseline_check *c, const char **problem)
{
    static const char *const spread[] = {"mean", "sd", "within"};
    static const char *const others[] = {"min", "max", "value", "abs", "rel", "max_ratio"};
    bool spreads = false, mixed = c->keys->expect.exact;

    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++)
        spreads |= tree_get(n, spread[i]) != NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        mixed |= tree_get(n, others[i]) != NULL;
    TRY(expect_metric(p, c->keys->expect.metric, c->keys->expect.at, &c->metric, problem));
    if (*problem)
        return RN_OK;
    *problem = spreads && mixed
                   ? "'mean', 'sd' and 'within' go alone: give the floor an entry of its own"
               : spreads ? spread_problem(b, n, c)
                         : value_problem(n, c);
    return RN_OK;
}

static int digest_read(struct pool *p, const struct node *n, const char *path, struct diag *d,
                       struct check_keys *k)
{
    struct option_table t;
    void *opts;

    TRY(options_table(p, digest_rows, sizeof *digest_rows, sizeof(struct digest_keys), &t));
    TRY(options_parse(p, &t, n, n->mark, path, "check", NULL, d, &opts));
    const struct digest_keys *o = opts;
    *k = (struct check_keys){.expect = {.metric = o->metric, .on_fail = o->on_fail},
                             .digest = o->value ? o->value : "",
                             .seed = o->seed,
                             .same = o->same};
    if (!o->exact || !tree_get(n, "seed"))
        return diag_add(d, DIAG_ERROR, n->mark, path,
                        "{metric: weights.sha256, seed: 1, same: machine}",
                        "weights are those of one 'seed', and compared exactly");
    return RN_OK;
}

/* The rows of expect, and those of baselines alone. */
static int check_table(struct pool *p, struct option_table *out)
{
    struct rn_option *rows = pool_alloc(p, (EXPECT_N + OWN_N) * sizeof *rows);

    if (!rows)
        return RN_ENOMEM;
    memcpy(rows, expect_part, EXPECT_N * sizeof *rows);
    memcpy(rows + EXPECT_N, own_part, OWN_N * sizeof *rows);
    return options_table(p, rows, sizeof *rows, sizeof(struct check_keys), out);
}

static int check_read(struct pool *p, const struct baseline *b, const struct option_table *t,
                      const struct node *n, int i, struct diag *d, struct baseline_check *c)
{
    const char *path = pool_printf(p, "baseline.checks.%d", i), *problem = NULL;
    const struct node *metric = tree_get(n, "metric");
    struct check_keys *k = pool_alloc(p, sizeof *k);
    void *opts;

    if (!path || !k)
        return RN_ENOMEM;
    *c = (struct baseline_check){.keys = k, .node = n, .min = (double)NAN, .max = (double)NAN};
    c->seeded = tree_get(n, "seed");
    if (metric && metric->text && !strcmp(metric->text, "weights.sha256")) {
        TRY(digest_read(p, n, path, d, k));
        c->kind = CHECK_DIGEST;
        c->metric = k->expect.metric;
        c->recorded = k->digest[0];
        return RN_OK;
    }
    TRY(options_parse(p, t, n, n->mark, path, "check", NULL, d, &opts));
    *k = *(const struct check_keys *)opts;
    TRY(check_problem(p, b, n, c, &problem));
    if (problem)
        return diag_add(d, DIAG_ERROR, n->mark, path, "{metric: test.accuracy, within: 3 sd}", "%s",
                        problem);
    return RN_OK;
}

static int checks_read(struct pool *p, struct baseline *b, struct diag *d)
{
    const struct node *list = tree_get(b->node, "checks");
    struct option_table table;
    int i = 0;

    if (!list || list->kind != NODE_LIST || !list->child)
        return diag_add(d, DIAG_ERROR, list ? list->mark : b->mark, "baseline.checks",
                        "[{metric: test.accuracy, min: 0.97}]", "a list of checks is needed");
    TRY(check_table(p, &table));
    b->n_checks = tree_count(list);
    b->checks = pool_alloc(p, (size_t)b->n_checks * sizeof *b->checks);
    if (!b->checks)
        return RN_ENOMEM;
    for (const struct node *n = list->child; n; n = n->next, i++) {
        int status = check_read(p, b, &table, n, i, d, &b->checks[i]);
        if (status && status != RN_EINVAL)
            return status;
    }
    return RN_OK;
}

/* ---- the rest ------------------------------------------------------------- */

static int recorded_read(struct pool *p, struct baseline *b, struct diag *d)
{
    static const char *const skip[] = {"plugins", NULL};
    struct option_table t;
    void *opts;

    if (!b->record_node || b->record_node->kind == NODE_NULL)
        return RN_OK;
    TRY(options_table(p, recorded_rows, sizeof *recorded_rows, sizeof(struct recorded), &t));
    TRY(options_parse(p, &t, b->record_node, b->record_node->mark, "baseline.recorded", "recorded",
                      skip, d, &opts));
    b->recorded = opts;
    b->plugins = tree_get(b->record_node, "plugins");
    if (b->plugins && b->plugins->kind != NODE_MAP)
        return diag_add(d, DIAG_ERROR, b->plugins->mark, "baseline.recorded.plugins", NULL,
                        "takes a map of name: sha256");
    return RN_OK;
}

static int keys_refuse(struct pool *p, const struct node *root, struct diag *d)
{
    static const char *const known[] = {"name", "description", "baseline"};

    for (const struct node *n = root->child; n; n = n->next)
        if (strcmp(n->key, "name") && strcmp(n->key, "description") && strcmp(n->key, "baseline") &&
            strncmp(n->key, "x-", 2)) {
            int status =
                diag_add(d, DIAG_ERROR, n->key_mark, NULL, diag_suggest(p, n->key, known, 3),
                         "unknown section '%s'", n->key);
            if (status != RN_EINVAL)
                return status;
        }
    return RN_OK;
}

static int name_read(struct pool *p, const struct node *root, struct baseline *b, struct diag *d)
{
    const struct node *name = tree_get(root, "name");
    const char *slash = strrchr(b->file, '/'), *base = slash ? slash + 1 : b->file;
    const char *dot = strrchr(base, '.');

    b->name = name && name->text
                  ? name->text
                  : pool_strndup(p, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
    if (!b->name)
        return RN_ENOMEM;
    if (!experiment_name_fits(b->name))
        return diag_add(d, DIAG_ERROR, name ? name->mark : b->mark, "name",
                        "letters, digits, '.', '_', '-'",
                        "'%s' cannot be the name of a baseline: it becomes a folder", b->name);
    return RN_OK;
}

static int base_read(struct pool *p, struct baseline *b, struct diag *d)
{
    static const char *const skip[] = {"set", "recorded", "checks", NULL};
    struct option_table t;
    void *opts;

    TRY(options_table(p, base_rows, sizeof *base_rows, sizeof(struct base_keys), &t));
    TRY(options_parse(p, &t, b->node, b->mark, "baseline", "baseline", skip, d, &opts));
    b->config = ((const struct base_keys *)opts)->config;
    b->seeds = ((const struct base_keys *)opts)->seeds;
    b->set = tree_get(b->node, "set");
    if (b->set && b->set->kind != NODE_MAP && b->set->kind != NODE_NULL)
        return diag_add(d, DIAG_ERROR, b->set->mark, "baseline.set", NULL,
                        "takes a map of path: value");
    for (int64_t i = 0; i < b->seeds.count; i++)
        for (int64_t k = 0; k <= i; k++)
            if (b->seeds.at[i] < 0 || (k < i && b->seeds.at[k] == b->seeds.at[i]))
                return diag_add(d, DIAG_ERROR, tree_get(b->node, "seeds")->mark, "baseline.seeds",
                                NULL, "the seed %lld is %s", (long long)b->seeds.at[i],
                                k < i ? "there twice" : "below 0");
    return RN_OK;
}

bool baseline_is(const struct node *root)
{
    return root && root->kind == NODE_MAP && tree_get(root, "baseline");
}

bool baseline_is_file(const char *file)
{
    struct pool *p = pool_new();
    struct diag *d = p ? diag_new(p) : NULL;
    struct error before = error_save();
    struct node *root = NULL;

    bool is = d && tree_read(p, file, d, &root) >= 0 && baseline_is(root);
    error_restore(&before);
    pool_free(p);
    return is;
}

int baseline_read(struct pool *p, const char *file, struct diag *d, struct baseline **out)
{
    struct baseline *b = pool_alloc(p, sizeof *b);
    struct node *root;

    *out = b;
    if (!b || !(b->file = pool_strdup(p, file)))
        return RN_ENOMEM;
    TRY(tree_read(p, file, d, &root));
    if (!baseline_is(root))
        return diag_add(d, DIAG_ERROR, (struct mark){.source = diag_file_at(d, 0)}, NULL,
                        "baseline: {config: ..., checks: [...]}",
                        "%s is no baseline: it has no section 'baseline'", file);
    b->node = tree_get(root, "baseline");
    b->mark = b->node->mark;
    if (b->node->kind != NODE_MAP)
        return diag_add(d, DIAG_ERROR, b->mark, "baseline", NULL, "takes a map");
    b->record_node = tree_get(b->node, "recorded");
    int status[] = {keys_refuse(p, root, d), name_read(p, root, b, d), base_read(p, b, d),
                    recorded_read(p, b, d)};
    for (size_t i = 0; i < sizeof status / sizeof *status; i++)
        if (status[i] && status[i] != RN_EINVAL)
            return status[i];
    int checked = checks_read(p, b, d);
    return checked && checked != RN_EINVAL ? checked : diag_errors(d) ? RN_EINVAL : RN_OK;
}
