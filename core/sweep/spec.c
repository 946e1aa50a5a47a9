/* spec.c - reads the file of a sweep: what changes from run to run, and how runs are made. */
#include "spec.h"

#include "base/error.h"
#include "config/options.h"
#include "config/value.h"
#include "launcher.h"
#include "spec_parts.h"

#include <runner/scheduler.h>

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- tables --------------------------------------------------------------- */

struct head {
    const char *name, *description, *base;
};

static const struct rn_option head_rows[] = {
    RN_STRING(struct head, name, NULL, 0, "the folder of its runs and its page"),
    RN_STRING(struct head, description, NULL, 0, "what it is for"),
    RN_STRING(struct head, base, NULL, 0, "a file"), RN_END};

static const struct rn_choice methods[] = {
    {"grid", SWEEP_GRID, "all variants, grid points and rows of zip"},
    {"random", SWEEP_RANDOM, "drawn from space"},
    {"tpe", SWEEP_TPE, "drawn where good ones were"},
    {NULL, 0, NULL}};
static const struct rn_choice failures[] = {
    {"continue", 0, "the others go on"}, {"stop", 1, "no more runs are begun"}, {NULL, 0, NULL}};
static const struct rn_choice prunings[] = {
    {"halving", 1, "successive halving, all runs of a rung compared at once"}, {NULL, 0, NULL}};

static const struct rn_option sweep_rows[] = {
    RN_CHOICE(struct sweep_options, method, "grid", methods, "how points are chosen"),
    RN_INT(struct sweep_options, runs, "20", 1, 10000, NULL, "points of a search"),
    RN_INT(struct sweep_options, round, "0", 0, 10000, NULL,
           "points of a search that are chosen together; 0: 4, or 9 with prune"),
    RN_INT(struct sweep_options, seed, "1", 0, 0x1p62, NULL, "of the search itself"),
    RN_INT(struct sweep_options, retry, "1", 0, 10, NULL,
           "how often a run that was killed is begun again"),
    RN_CHOICE(struct sweep_options, on_failure, "continue", failures, "when a run fails"),
    {RN_OPT_(struct sweep_options, timeout, struct rn_span_value, RN_OPT_SPAN, NULL,
             "of a run in one go, which fails when it takes longer"),
     .max = DBL_MAX, .flags = RN_OPT_TIME},
    RN_STRING(struct sweep_options, reference, NULL, 0,
              "what the others are compared with; of a grid the first without it"),
    RN_END};

static const struct rn_option objective_rows[] = {
    RN_STRING(struct objective, metric, NULL, 0, "such as val.accuracy; never of the test set"),
    RN_CHOICE(struct objective, goal, "auto", rn_modes, "which way is better"), RN_END};

static const struct rn_option prune_rows[] = {
    RN_CHOICE(struct prune, type, "halving", prunings, "how runs are chosen that go on"),
    RN_SPAN_WITH(struct prune, rung, NULL, RN_OPT_NO_TIME, "epochs until the first choice"),
    RN_FLOAT(struct prune, factor, "3", 1, 100, RN_OPT_OPEN_MIN, NULL,
             "one in so many goes on, so many times longer"),
    RN_INT(struct prune, min_runs, "1", 1, 10000, NULL, "as many are kept in any case"), RN_END};

static const struct rn_option slots_rows[] = {
    RN_INT(struct slots, jobs, "0", 0, 1024, NULL, "runs at a time; 0: as the cores allow"),
    RN_INT(struct slots, threads, "1", 1, 1024, NULL, "of each run"), RN_END};

const struct section sweep_sections[] = {
    {"name", "the folder of its runs and its page; the file's name without one", SECTION_VALUE, 0,
     head_rows, false},
    {"description", "what it is for", SECTION_VALUE, 0, head_rows, false},
    {"base", "the experiment that all runs are based on, relative to this file", SECTION_VALUE, 0,
     head_rows, true},
    {"set", "path: value, for every run", SECTION_FREE, 0, NULL, false},
    {"sweep", "in what runs differ, and how they are run", SECTION_OPTIONS, 0, sweep_rows, true},
    {"sweep.variants", "names, each with what it changes: sections, extends, set, or path: value",
     SECTION_FREE, 0, NULL, false},
    {"sweep.grid", "path: [values]; all combinations are run", SECTION_FREE, 0, NULL, false},
    {"sweep.zip", "rows of path: value that move together; combined with variants and grid",
     SECTION_ITEMS, 0, NULL, false},
    {"sweep.include", "further points beside the grid, as path: value", SECTION_ITEMS, 0, NULL,
     false},
    {"sweep.exclude", "points of the grid that are left out: all that say this", SECTION_ITEMS, 0,
     NULL, false},
    {"sweep.space", "of a search: path: {choice: [values]}, or a range", SECTION_OPTIONS, 0,
     range_rows, false},
    {"sweep.repeat", "{seed: 5}: each with seeds 1 to 5; {seed: [1, 7]}: with these", SECTION_FREE,
     0, NULL, false},
    {"sweep.objective", "what the best is the best of, at each run's best epoch", SECTION_OPTIONS,
     0, objective_rows, false},
    {"sweep.prune", "ends those early that look worst", SECTION_OPTIONS, 0, prune_rows, false},
    {"sweep.slots", "jobs times threads never exceeds the cores", SECTION_OPTIONS, 0, slots_rows,
     false},
    {"sweep.launcher", "local, or {type: slurm} with these options and extra: [lines of #SBATCH]",
     SECTION_OPTIONS, 0, slurm_rows, false},
    {NULL, NULL, 0, 0, NULL, false},
};

/* ---- sections ------------------------------------------------------------- */

static int read_rows(struct sweep_spec *s, const struct rn_option *rows, uint32_t size,
                     const struct node *map, struct mark at, const char *path,
                     const char *const *skip, void *out)
{
    return options_section(s->pool, rows, size, map, at, path, skip, s->diag, out);
}

static int read_head(struct sweep_spec *s, const struct node *root)
{
    static const char *const skip[] = {"set", "sweep", "vars", "tags", NULL};
    struct head head = {0};

    CHECKED(read_rows(s, head_rows, sizeof head, root, root->mark, "", skip, &head));
    s->name = head.name;
    s->description = head.description ? head.description : "";
    s->name_at = head.name ? tree_get(root, "name")->mark : root->mark;
    return RN_OK;
}

int spec_base(struct pool *p, const char *file, const struct node *root, struct diag *d,
              struct node **out)
{
    const struct node *base = tree_get(root, "base");

    if (!base || base->kind != NODE_SCALAR)
        return diag_add(d, DIAG_ERROR, base ? base->mark : root->mark, "base",
                        "base: ../configs/mlp_baseline.yaml",
                        "the experiment that all runs are based on is missing");
    const char *slash = strrchr(file, '/');
    const char *path = *base->text == '/' || !slash
                           ? base->text
                           : pool_printf(p, "%.*s/%s", (int)(slash - file), file, base->text);
    if (!path)
        return RN_ENOMEM;
    if (!file_exists(path))
        return diag_add(d, DIAG_ERROR, base->mark, "base", "a path relative to this file",
                        "there is no file '%s'", path);
    return compose_read(p, path, d, out);
}

int spec_set(struct pool *p, const char *path, struct node *set, struct diag *d, struct change *out)
{
    struct node *map;

    if (!set || set->kind == NODE_NULL)
        return RN_OK;
    if (set->kind != NODE_MAP)
        return diag_add(d, DIAG_ERROR, set->mark, path, "{train.epochs: 20}",
                        "takes a map of path: value");
    map = tree_new(p, NODE_MAP, set->mark, "file");
    if (!map)
        return RN_ENOMEM;
    *out = (struct change){map, set};
    return RN_OK;
}

/* N: 1 to N; or a list. */
static int read_repeat(struct sweep_spec *s, const struct node *repeat)
{
    static const char hint[] = "repeat: {seed: 5}, or {seed: [1, 2, 3]}";
    const struct node *seed = tree_get(repeat, "seed");
    int64_t n;

    if (!repeat || repeat->kind == NODE_NULL)
        return RN_OK;
    if (!seed || tree_count(repeat) != 1)
        return diag_add(s->diag, DIAG_ERROR, repeat->mark, "sweep.repeat", hint,
                        "takes seeds, and nothing else");
    if (seed->kind == NODE_LIST)
        return seeds_list(s, seed, "sweep.repeat.seed");
    if (seed->kind != NODE_SCALAR || !options_int(seed->text, &n) || n < 1 || n > SEEDS_MAX)
        return diag_add(s->diag, DIAG_ERROR, seed->mark, "sweep.repeat.seed", hint,
                        "takes how many, 1 to %d, or a list", SEEDS_MAX);
    int64_t *seeds = pool_alloc(s->pool, (size_t)n * sizeof *seeds);
    for (int64_t i = 0; seeds && i < n; i++)
        seeds[i] = i + 1;
    s->seeds = seeds;
    s->n_seeds = n;
    return seeds ? RN_OK : RN_ENOMEM;
}

static int check_together(struct sweep_spec *s, const struct node *sweep)
{
    bool search = s->o.method != SWEEP_GRID;
    const struct node *space = tree_get(sweep, "space"), *grid = tree_get(sweep, "grid");

    if (search && !s->n_space)
        return diag_add(s->diag, DIAG_ERROR, sweep->mark, "sweep.space",
                        "space: {optimizer.lr: {low: 1e-4, high: 1e-2, scale: log}}",
                        "a search needs a space");
    if (!search && space)
        return diag_add(s->diag, DIAG_ERROR, space->key_mark, "sweep.space", "method: random",
                        "a space is for method: random or tpe");
    if (search && (grid || tree_get(sweep, "include") || tree_get(sweep, "exclude") ||
                   tree_get(sweep, "variants")))
        return diag_add(s->diag, DIAG_ERROR, sweep->mark, "sweep.method",
                        "a space may have {choice: [...]}, too",
                        "a search has a space and zip; variants, grid, include and exclude are for "
                        "method: grid");
    if (!search && !s->n_variants && !s->n_axes && !s->n_includes && !s->n_seeds)
        return diag_add(s->diag, DIAG_ERROR, sweep->mark, "sweep",
                        "variants, grid, zip, include, space or repeat",
                        "nothing changes from run to run");
    const struct rn_span_value *rung = &s->prune.rung;
    if (tree_get(sweep, "prune") && rung->unit &&
        (rung->unit != RN_EPOCHS || rung->value < 1 || rung->value > floor(rung->value)))
        return diag_add(s->diag, DIAG_ERROR, tree_get(sweep, "prune")->mark, "sweep.prune.rung",
                        "rung: 2 epochs", "takes whole epochs, from 1");
    return RN_OK;
}

static int check_objective(struct sweep_spec *s, const struct node *sweep)
{
    const struct node *n = tree_get(sweep, "objective"), *metric = tree_get(n, "metric");

    if (!s->objective.metric || strncmp(s->objective.metric, "test.", 5) != 0)
        return RN_OK;
    return diag_add(s->diag, DIAG_ERROR, metric->mark, "sweep.objective.metric",
                    "val.accuracy or val.loss",
                    "the test set is never the objective: what is chosen by it is not tested by it "
                    "any more");
}

static int read_sweep(struct sweep_spec *s, struct node *sweep)
{
    static const char *const skip[] = {"variants", "grid",  "zip",      "include",
                                       "exclude",  "space", "repeat",   "objective",
                                       "prune",    "slots", "launcher", NULL};
    struct node *objective = tree_get(sweep, "objective"), *prune = tree_get(sweep, "prune"),
                *slots = tree_get(sweep, "slots");

    CHECKED(read_rows(s, sweep_rows, sizeof s->o, sweep, sweep->mark, "sweep", skip, &s->o));
    if (sweep->kind != NODE_MAP)
        return RN_EINVAL;
    CHECKED(read_rows(s, objective_rows, sizeof s->objective, objective,
                      objective ? objective->mark : sweep->mark, "sweep.objective", NULL,
                      &s->objective));
    if (prune && prune->kind != NODE_NULL)
        CHECKED(read_rows(s, prune_rows, sizeof s->prune, prune, prune->mark, "sweep.prune", NULL,
                          &s->prune));
    CHECKED(read_rows(s, slots_rows, sizeof s->slots, slots, slots ? slots->mark : sweep->mark,
                      "sweep.slots", NULL, &s->slots));
    CHECKED(launcher_read(s, tree_get(sweep, "launcher")));
    CHECKED(read_repeat(s, tree_get(sweep, "repeat")));
    CHECKED(parts_of_sweep(s, sweep));
    CHECKED(check_objective(s, sweep));
    return check_together(s, sweep);
}

/* ---- the command line ----------------------------------------------------- */

/* Whether a comma stands outside of brackets and quotes. */
static bool has_values(const char *s)
{
    char quote = '\0';
    int depth = 0;

    for (; *s; s++) {
        if (quote)
            quote = *s == quote ? '\0' : quote;
        else if (*s == '"' || *s == '\'')
            quote = *s;
        else if (*s == '[' || *s == '{')
            depth++;
        else if (*s == ']' || *s == '}')
            depth--;
        else if (*s == ',' && !depth)
            return true;
    }
    return false;
}

static int axis_of_word(struct sweep_spec *s, const char *word, struct axis *axis)
{
    size_t n = strcspn(word, "=");
    struct patch patch;
    const char *text = pool_printf(s->pool, "%.*s=[%s]", (int)n, word, word + n + 1);

    if (!text)
        return RN_ENOMEM;
    TRY(compose_argument(s->pool, text, s->diag, &patch));
    if (!strcmp(patch.path, "seed"))
        return seeds_list(s, patch.value, "seed");
    return axis_of_list(s, patch.path, patch.at, patch.value, axis);
}

static int read_words(struct sweep_spec *s, const char *const *words, int n)
{
    struct axis *axes = pool_alloc(s->pool, (size_t)(s->n_axes + n + 1) * sizeof *axes);
    const char **overrides = pool_alloc(s->pool, (size_t)(n + 1) * sizeof *overrides);

    if (!axes || !overrides)
        return RN_ENOMEM;
    if (s->n_axes)
        memcpy(axes, s->axes, (size_t)s->n_axes * sizeof *axes);
    s->axes = axes;
    s->overrides = overrides;
    for (int i = 0; i < n; i++) {
        const char *equals = strchr(words[i], '=');
        bool seed = !strncmp(words[i], "seed=", 5);
        if (!equals || (!has_values(equals + 1) && !seed)) {
            overrides[s->n_overrides++] = words[i];
            continue;
        }
        CHECKED(axis_of_word(s, words[i], &axes[s->n_axes]));
        s->n_axes += axes[s->n_axes].n > 0;
    }
    return RN_OK;
}

/* ---- all of it ------------------------------------------------------------ */

bool spec_has(const char *file, const char *section)
{
    struct pool *p = pool_new();
    struct diag *d = p ? diag_new(p) : NULL;
    struct error before = error_save();
    struct node *root = NULL;

    bool is = d && tree_read(p, file, d, &root) >= 0 && root && tree_get(root, section);
    error_restore(&before);
    pool_free(p);
    return is;
}

bool spec_is_sweep(const char *file) { return spec_has(file, "sweep"); }

static int read_file(struct sweep_spec *s, struct node *root)
{
    struct node *sweep = tree_get(root, "sweep");

    CHECKED(read_head(s, root));
    CHECKED(spec_base(s->pool, s->file, root, s->diag, &s->base));
    CHECKED(spec_set(s->pool, "set", tree_get(root, "set"), s->diag, &s->set));
    CHECKED(read_sweep(s, sweep));
    return RN_OK;
}

/* An experiment of which the command line makes many. */
static int read_experiment(struct sweep_spec *s)
{
    struct node none = {.kind = NODE_NULL};

    CHECKED(read_rows(s, sweep_rows, sizeof s->o, NULL, none.mark, "sweep", NULL, &s->o));
    CHECKED(read_rows(s, slots_rows, sizeof s->slots, NULL, none.mark, "slots", NULL, &s->slots));
    s->description = "";
    return compose_read(s->pool, s->file, s->diag, &s->base);
}

int spec_name(struct diag *d, struct mark at, const char *what, const char *name)
{
    if (experiment_name_fits(name) && !experiment_name_taken(name))
        return RN_OK;
    return diag_add(d, DIAG_ERROR, at, "name",
                    "letters, digits, '.', '_', '-'; 1 to 100 of them, not beginning with '.' or "
                    "'-'; another by `name:` or --name",
                    "'%s' cannot be the name of a %s: it becomes a folder", name, what);
}

static int check_name(const struct sweep_spec *s)
{
    return spec_name(s->diag, s->name_at, "sweep", s->name);
}

/* As the file says, or by the file's name. */
static int name_it(struct sweep_spec *s, bool sweep)
{
    const struct node *name = s->base && !sweep ? tree_get(s->base, "name") : NULL;
    const char *slash = strrchr(s->file, '/'), *base = slash ? slash + 1 : s->file;
    size_t n = strcspn(base, ".");

    if (s->name)
        return check_name(s);
    if (name && name->kind == NODE_SCALAR)
        s->name = pool_printf(s->pool, "%.80s_sweep", name->text);
    else
        s->name =
            pool_printf(s->pool, "%.*s%s", (int)(n > 80 ? 80 : n), base, sweep ? "" : "_sweep");
    return s->name ? check_name(s) : RN_ENOMEM;
}

int spec_read(struct pool *p, const char *file, const char *name, const char *const *words,
              int n_words, struct sweep_spec *s)
{
    bool sweep = spec_is_sweep(file);
    struct node *root;

    *s = (struct sweep_spec){.pool = p, .diag = diag_new(p), .file = file};
    if (!s->diag)
        return RN_ENOMEM;
    if (sweep) {
        TRY(tree_read(p, file, s->diag, &root));
        CHECKED(read_file(s, root));
    } else {
        CHECKED(read_experiment(s));
    }
    CHECKED(read_words(s, words, n_words));
    if (!sweep && !s->n_axes && !s->n_seeds && !diag_errors(s->diag))
        return FAIL(RN_EINVAL,
                    "%s is one experiment; say what changes, as optimizer.lr=0.1,0.01 or "
                    "seed=1,2,3",
                    file);
    s->name = name ? name : s->name;
    CHECKED(name_it(s, sweep));
    return diag_errors(s->diag) || !s->base ? RN_EINVAL : RN_OK;
}
