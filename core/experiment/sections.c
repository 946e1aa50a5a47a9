/* sections.c - the sections that the core itself reads: how the data are divided and scaled, how
 * training goes, tags, and where to look for plugins. */
#include "loader.h"

#include "base/error.h"
#include "base/file.h"
#include "config/value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define OPTIONAL(T, f, C, type_, lo, hi, help_) \
    { \
        RN_OPT_(T, f, C, type_, NULL, help_), .min = (lo), .max = (hi) \
    }

/* ---- data ----------------------------------------------------------------- */

struct split {
    double train, val;
    int64_t seed;
};

const struct rn_option split_rows[] = {
    OPTIONAL(struct split, train, double, RN_OPT_FLOAT, 0, 1e9, "share of the samples, or a count"),
    OPTIONAL(struct split, val, double, RN_OPT_FLOAT, 0, 1e9, "share of the samples, or a count"),
    RN_INT(struct split, seed, "0", 0, 0x1p63, NULL, "of the split alone"), RN_END};

struct normalize {
    struct rn_floats mean, std;
};

const struct rn_option normalize_rows[] = {
    {RN_OPT_(struct normalize, mean, struct rn_floats, RN_OPT_FLOATS, NULL,
             "subtracted, one for each channel"),
     .min = 1, .max = CHANNELS_MAX, .flags = RN_OPT_REQUIRED},
    {RN_OPT_(struct normalize, std, struct rn_floats, RN_OPT_FLOATS, NULL,
             "divided by, one for each channel"),
     .min = 1, .max = CHANNELS_MAX, .flags = RN_OPT_REQUIRED},
    RN_END};

struct data {
    int64_t resident;
};

static const struct rn_choice residents[] = {
    {"auto", RESIDENT_AUTO, "what fits, the training samples first"},
    {"yes", RESIDENT_YES, "all of them, or it is an error"},
    {"no", RESIDENT_NO, "none: they come from the host, a batch at a time"},
    {NULL, 0, NULL}};

const struct rn_option data_rows[] = {RN_CHOICE(struct data, resident, "auto", residents,
                                                "which samples stay in the device's memory"),
                                      RN_END};

struct limit {
    int64_t train, val, test;
};

const struct rn_option limit_rows[] = {
    RN_INT(struct limit, train, "0", 0, 1e9, "samples", "at most so many; 0: all"),
    RN_INT(struct limit, val, "0", 0, 1e9, "samples", "at most so many; 0: all"),
    RN_INT(struct limit, test, "0", 0, 1e9, "samples", "at most so many; 0: all"), RN_END};

static int share_fill(struct loader *l, struct node *section, const char *key, double value)
{
    char text[32];

    if (tree_get(section, key))
        return RN_OK;
    snprintf(text, sizeof text, "%.9g", value);
    struct node *n = tree_scalar(l->pool, key, text, "default");
    if (!n)
        return RN_ENOMEM;
    tree_add(section, n);
    return RN_OK;
}

static double rest_of(double share) { return round((1 - share) * 1e9) / 1e9; }

/* What is not given: 0.9 and 0.1, or what the other share leaves. */
static int split_complete(struct loader *l, struct node *section, struct split *s)
{
    bool train = tree_get(section, "train"), val = tree_get(section, "val");

    if (!train && val && s->val > 1)
        return diag_add(l->diag, DIAG_ERROR, section->mark, "data.split", "train: 0.9",
                        "'val' is a count, which says nothing of 'train': give both");
    if (!train)
        s->train = val ? rest_of(s->val) : 0.9;
    if (!val)
        s->val = !train ? 0.1 : s->train <= 1 ? rest_of(s->train) : 0;
    const char *problem =
        s->train <= 0 ? "nothing is left to train on"
        : s->train <= 1 && s->val <= 1 && s->train + s->val > 1 + 1e-9
            ? "the shares are more than 1 together"
        : (s->train > 1 && s->train != floor(s->train)) || (s->val > 1 && s->val != floor(s->val))
            ? "a number above 1 is a count of samples, and these are whole"
            : NULL;
    if (problem)
        return diag_add(l->diag, DIAG_ERROR, section->mark, "data.split", NULL, "%s", problem);
    TRY(share_fill(l, section, "train", s->train));
    return share_fill(l, section, "val", s->val);
}

static int split_read(struct loader *l, struct node *data)
{
    struct node *section;
    void *opts;

    TRY(section_read(l, split_rows, sizeof(struct split), data, "split", "data.split", &opts,
                     &section));
    struct split *s = opts;
    TRY(split_complete(l, section, s));
    l->e->split.train = s->train;
    l->e->split.val = s->val;
    l->e->split.seed = s->seed;
    return RN_OK;
}

static int normalize_read(struct loader *l, struct node *data)
{
    struct node *section = tree_get(data, "normalize");
    void *opts;

    if (!section || section->kind == NODE_NULL)
        return RN_OK;
    TRY(section_read(l, normalize_rows, sizeof(struct normalize), data, "normalize",
                     "data.normalize", &opts, &section));
    const struct normalize *n = opts;
    if (n->mean.count != n->std.count)
        return diag_add(l->diag, DIAG_ERROR, section->mark, "data.normalize", NULL,
                        "%lld means, but %lld standard deviations", (long long)n->mean.count,
                        (long long)n->std.count);
    for (int64_t i = 0; i < n->std.count; i++)
        if (n->std.at[i] <= 0)
            return diag_add(l->diag, DIAG_ERROR, tree_get(section, "std")->mark,
                            "data.normalize.std", NULL, "%g is not above 0", n->std.at[i]);
    l->e->split.mean = n->mean;
    l->e->split.std = n->std;
    return RN_OK;
}

static int resident_read(struct loader *l, struct node *data)
{
    static const char *const skip[] = {"type", "split", "normalize", "limit", "augment", NULL};
    const struct plugin *plugin = l->e->data.plugin;
    void *opts;

    if (!plugin)
        return RN_OK;
    TRY(own_read(l, data_rows, sizeof(struct data), data, "data", &plugin->options, skip, &opts));
    l->e->split.resident = ((const struct data *)opts)->resident;
    return RN_OK;
}

static int data_read(struct loader *l)
{
    struct node *data = tree_get(l->root, "data"), *section;
    void *opts;

    if (!data || data->kind != NODE_MAP)
        return RN_OK; /* said so */
    CHECKED(resident_read(l, data));
    CHECKED(split_read(l, data));
    CHECKED(normalize_read(l, data));
    TRY(section_read(l, limit_rows, sizeof(struct limit), data, "limit", "data.limit", &opts,
                     &section));
    const struct limit *limit = opts;
    l->e->split.limit_train = limit->train;
    l->e->split.limit_val = limit->val;
    l->e->split.limit_test = limit->test;
    return RN_OK;
}

/* ---- train ---------------------------------------------------------------- */

struct train {
    int64_t epochs, batch_size, eval_batch_size, accumulate;
    double clip_norm, clip_value;
    bool shuffle, drop_last;
    struct rn_span_value log_every;
    const char *init_from;
};

const struct rn_option train_rows[] = {
    RN_INT(struct train, epochs, NULL, 1, 1e6, "epochs", "passes over the training set"),
    RN_INT(struct train, batch_size, "64", 1, 1e6, "samples", "of one step"),
    RN_INT(struct train, eval_batch_size, "1000", 1, 1e6, "samples", "evaluated at once"),
    RN_INT(struct train, accumulate, "1", 1, 1e6, "batches", "whose gradients make one update"),
    OPTIONAL(struct train, clip_norm, double, RN_OPT_FLOAT, 0, DBL_MAX,
             "largest norm of the whole gradient; a larger one is scaled down"),
    OPTIONAL(struct train, clip_value, double, RN_OPT_FLOAT, 0, DBL_MAX,
             "largest size of each element of the gradient"),
    RN_BOOL(struct train, shuffle, "true", "a new order each epoch"),
    RN_BOOL(struct train, drop_last, "false", "leave out the last batch when it is not full"),
    RN_SPAN_WITH(struct train, log_every, "50 steps", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN,
                 "how often the running loss is recorded"),
    RN_STRING(struct train, init_from, NULL, 0,
              "start from these weights: a .safetensors file, also PyTorch's, the folder of a run, "
              "its id, or latest:NAME"),
    RN_END};

/* What has a / in it, or such an ending, is a path, relative to the file that says so. */
static int init_read(struct loader *l, struct node *n)
{
    static const char ending[] = ".safetensors";
    size_t length = n && n->kind == NODE_SCALAR ? strlen(n->text) : 0;

    if (!length)
        return RN_OK;
    bool file = length >= sizeof ending && !strcmp(n->text + length + 1 - sizeof ending, ending);
    if (file || strchr(n->text, '/')) {
        const struct source *source = n->mark.source;
        n->text = value_path(l->pool, source ? source->dir : NULL, n->text);
    }
    l->e->train.init_from = n->text;
    return n->text ? RN_OK : RN_ENOMEM;
}

static int train_read(struct loader *l)
{
    struct node *section;
    void *opts;

    TRY(section_read(l, train_rows, sizeof(struct train), l->root, "train", "train", &opts,
                     &section));
    const struct train *t = opts;
    l->e->train.epochs = t->epochs;
    l->e->train.batch_size = t->batch_size;
    l->e->train.eval_batch_size = t->eval_batch_size;
    l->e->train.accumulate = t->accumulate;
    l->e->train.clip_norm = t->clip_norm;
    l->e->train.clip_value = t->clip_value;
    l->e->train.shuffle = t->shuffle;
    l->e->train.drop_last = t->drop_last;
    l->e->train.log_every = t->log_every;
    return init_read(l, tree_get(section, "init_from"));
}

/* ---- lists of words ------------------------------------------------------- */

/* A list of single values, or one alone; *out may be empty. */
int words_read(struct loader *l, const struct node *n, const char *path, const char *const **out,
               int *count)
{
    const struct node *c = n && n->kind == NODE_LIST ? n->child : n;
    const char **words = pool_alloc(l->pool, (size_t)(tree_count(n) + 1) * sizeof *words);

    *out = words;
    *count = 0;
    if (!words)
        return RN_ENOMEM;
    if (!n || n->kind == NODE_NULL)
        return RN_OK;
    for (; c; c = n->kind == NODE_LIST ? c->next : NULL) {
        if (c->kind != NODE_SCALAR)
            return diag_add(l->diag, DIAG_ERROR, c->mark, path, "[a, b]", "takes a list of words");
        words[(*count)++] = c->text;
    }
    return RN_OK;
}

/* plugins: {path: [folder, ...]}, relative to the file that says so. */
int plugins_read(struct loader *l)
{
    static const char *const known[] = {"path", NULL};
    struct node *plugins = tree_get(l->root, "plugins");
    const char *const *words;
    int n;

    if (!plugins || plugins->kind == NODE_NULL)
        return RN_OK;
    if (plugins->kind != NODE_MAP)
        return diag_add(l->diag, DIAG_ERROR, plugins->mark, "plugins", "plugins: {path: [folder]}",
                        "takes a map");
    CHECKED(keys_check(l, plugins, "plugins", known));
    struct node *path = tree_get(plugins, "path");
    TRY(words_read(l, path, "plugins.path", &words, &n));
    struct node *c = path && path->kind == NODE_LIST ? path->child : path;
    for (int i = 0; i < n; i++, c = c->next) {
        const char *dir = value_path(l->pool, c->mark.source->dir, c->text);
        if (!dir)
            return RN_ENOMEM;
        if (!file_exists(dir)) {
            CHECKED(diag_add(l->diag, DIAG_ERROR, c->mark, "plugins.path", NULL,
                             "there is no folder '%s'", c->text));
            continue;
        }
        c->text = dir;
        TRY(registry_add_dir(l->registry, dir));
    }
    return RN_OK;
}

int sections_read(struct loader *l)
{
    CHECKED(data_read(l));
    CHECKED(train_read(l));
    return words_read(l, tree_get(l->root, "tags"), "tags", &l->e->tags, &l->e->n_tags);
}
