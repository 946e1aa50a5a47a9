/* spec_parts.c - variants, grids, zips, included and excluded points, spaces: what changes from run
 * to run, as pieces. */
#include "spec_parts.h"

#include "base/error.h"
#include "config/flatten.h"
#include "config/options.h"
#include "config/value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- texts and labels ----------------------------------------------------- */

const char *piece_text(struct pool *p, const struct node *value)
{
    const struct rn_fact *facts;
    struct text t = {0};
    int64_t n;

    if (value->kind == NODE_SCALAR)
        return value->text;
    if (value->kind == NODE_NULL)
        return "null";
    if (tree_flatten(p, value, &facts, &n) < 0)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        text_add(&t, "%s%s%s%s", i ? " " : "", facts[i].key, *facts[i].key ? "=" : "",
                 facts[i].value);
    const char *s = t.status ? NULL : pool_strdup(p, text_str(&t));
    text_free(&t);
    return s;
}

bool axis_is_log(const struct axis *a)
{
    double least = INFINITY, most = 0, v;

    for (int i = 0; i < a->n; i++) {
        const struct node *n = a->pieces[i].value;
        if (!n || n->kind != NODE_SCALAR || !options_float(n->text, &v) || v <= 0)
            return false;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    return a->n > 1 && most >= 8 * least;
}

/* What may stand in the name of a folder; anything else becomes '_'. */
static char *fitted(struct pool *p, const char *s)
{
    enum { LONGEST = 60 };
    char *out = pool_strndup(p, s, strlen(s) < LONGEST ? strlen(s) : LONGEST);

    for (char *c = out; c && *c; c++) {
        char one[2] = {*c, '\0'};
        *c = experiment_name_fits(one) || *c == '.' || *c == '-' ? *c : '_';
    }
    return out;
}

/* "lr0.01", "scheduler_cosine": the last segments of a path and the value. */
static const char *label_of(struct pool *p, const char *path, int segments, const char *text)
{
    const char *from = path + strlen(path);
    int n = 0;

    while (from > path && (from[-1] != '.' || ++n < segments))
        from--;
    return fitted(p,
                  pool_printf(p, "%s%s%s", from, isalpha((unsigned char)*text) ? "_" : "", text));
}

/* A map by its type where it has one: "cosine". */
static const char *short_text(struct pool *p, const struct node *value)
{
    const struct node *type = tree_get(value, "type");

    return type && type->kind == NODE_SCALAR ? type->text : piece_text(p, value);
}

int piece_of_value(struct pool *p, const char *path, struct mark at, struct node *value,
                   struct piece *out)
{
    struct rn_fact *says = pool_alloc(p, sizeof *says);

    if (!says || !(says->value = piece_text(p, value)))
        return RN_ENOMEM;
    says->key = path;
    *out = (struct piece){.path = path,
                          .mark = at,
                          .value = value,
                          .says = says,
                          .n_says = 1,
                          .label = label_of(p, path, 1, short_text(p, value))};
    return out->label ? RN_OK : RN_ENOMEM;
}

/* A row of zip or include: all that it says, as a change. */
static int piece_of_row(struct sweep_spec *s, struct node *row, const char *path, struct piece *out)
{
    struct text label = {0};

    *out = (struct piece){.mark = row->mark};
    if (row->kind != NODE_MAP || !row->child)
        return diag_add(s->diag, DIAG_ERROR, row->mark, path, "{optimizer.lr: 0.01}",
                        "takes maps of path: value");
    struct rn_fact *says = pool_alloc(s->pool, (size_t)tree_count(row) * sizeof *says);
    if (!says)
        return RN_ENOMEM;
    for (const struct node *c = row->child; c; c = c->next) {
        const char *text = piece_text(s->pool, c), *one = text ? short_text(s->pool, c) : NULL;
        one = one ? label_of(s->pool, c->key, 1, one) : NULL;
        if (!one)
            return RN_ENOMEM;
        says[out->n_says++] = (struct rn_fact){c->key, text};
        text_add(&label, "%s%s", label.n ? "-" : "", one);
    }
    out->says = says;
    out->label = label.status ? NULL : pool_strdup(s->pool, text_str(&label));
    text_free(&label);
    return out->label ? compose_change_read(s->pool, row, s->diag, &out->change) : RN_ENOMEM;
}

/* ---- lists ---------------------------------------------------------------- */

static int make_room(struct sweep_spec *s, const struct node *list, const char *path,
                     struct piece **out)
{
    int n = tree_count(list);

    *out = NULL;
    if (n < 1 || n > PIECES_MAX)
        return diag_add(s->diag, DIAG_ERROR, list->mark, path, NULL,
                        "takes 1 to %d of them, not %d", PIECES_MAX, n);
    *out = pool_alloc(s->pool, (size_t)n * sizeof **out);
    return *out ? RN_OK : RN_ENOMEM;
}

int axis_of_list(struct sweep_spec *s, const char *path, struct mark at, struct node *list,
                 struct axis *out)
{
    *out = (struct axis){.path = path};
    if (list->kind != NODE_LIST)
        return diag_add(s->diag, DIAG_ERROR, list->mark, path, "[a, b, c]",
                        "takes a list of values");
    TRY(make_room(s, list, path, &out->pieces));
    for (struct node *c = list->child; c; c = c->next)
        TRY(piece_of_value(s->pool, path, at, c, &out->pieces[out->n++]));
    return RN_OK;
}

int seeds_list(struct sweep_spec *s, const struct node *list, const char *path)
{
    int64_t *seeds = pool_alloc(s->pool, (size_t)(tree_count(list) + 1) * sizeof *seeds), n = 0;

    if (!seeds)
        return RN_ENOMEM;
    for (const struct node *c = list->child; c && n < SEEDS_MAX; c = c->next) {
        if (c->kind != NODE_SCALAR || !options_int(c->text, &seeds[n]) || seeds[n] < 0)
            return diag_add(s->diag, DIAG_ERROR, c->mark, path, NULL,
                            "a seed is a whole number from 0");
        for (int64_t i = 0; i < n; i++)
            if (seeds[i] == seeds[n])
                return diag_add(s->diag, DIAG_ERROR, c->mark, path, NULL,
                                "seed %lld is there twice", (long long)seeds[n]);
        n++;
    }
    if (!n || n < tree_count(list))
        return diag_add(s->diag, DIAG_ERROR, list->mark, path, "[1, 2, 3]", "takes 1 to %d seeds",
                        SEEDS_MAX);
    s->seeds = seeds;
    s->n_seeds = n;
    return RN_OK;
}

/* ---- sections ------------------------------------------------------------- */

static int read_variants(struct sweep_spec *s, struct node *map)
{
    if (!map || map->kind == NODE_NULL)
        return RN_OK;
    if (map->kind != NODE_MAP)
        return diag_add(s->diag, DIAG_ERROR, map->mark, "sweep.variants",
                        "variants: {baseline: {}, small: {model...: ...}}",
                        "takes a map of names, each with what it changes");
    TRY(make_room(s, map, "sweep.variants", &s->variants));
    for (struct node *c = map->child; c; c = c->next) {
        struct piece *v = &s->variants[s->n_variants];
        struct rn_fact *says = pool_alloc(s->pool, sizeof *says);
        if (!says)
            return RN_ENOMEM;
        *says = (struct rn_fact){"variant", c->key};
        *v = (struct piece){.label = c->key, .mark = c->key_mark, .says = says, .n_says = 1};
        if (!experiment_name_fits(c->key) || strlen(c->key) > 60) {
            CHECKED(diag_add(s->diag, DIAG_ERROR, c->key_mark, "sweep.variants",
                             "letters, digits, '.', '_', '-'; 1 to 60 of them",
                             "'%s' cannot be the name of a variant: it becomes that of folders",
                             c->key));
            continue;
        }
        CHECKED(compose_change_read(s->pool, c, s->diag, &v->change));
        s->n_variants++;
    }
    return RN_OK;
}

static int read_grid(struct sweep_spec *s, struct node *grid)
{
    if (!grid || grid->kind == NODE_NULL)
        return RN_OK;
    if (grid->kind != NODE_MAP)
        return diag_add(s->diag, DIAG_ERROR, grid->mark, "sweep.grid",
                        "grid: {optimizer.lr: [0.1, 0.01]}", "takes a map of path: [values]");
    for (struct node *c = grid->child; c; c = c->next) {
        struct axis *a = &s->axes[s->n_axes];
        if (!strcmp(c->key, "seed")) {
            CHECKED(diag_add(s->diag, DIAG_ERROR, c->key_mark, "sweep.grid", "repeat: {seed: 5}",
                             "seeds repeat a point, they are no axis"));
            continue;
        }
        CHECKED(axis_of_list(s, c->key, c->key_mark, c, a));
        s->n_axes += a->n > 0;
    }
    return RN_OK;
}

static int read_rows(struct sweep_spec *s, struct node *list, const char *path, struct piece **out,
                     int *n)
{
    if (!list || list->kind == NODE_NULL)
        return RN_OK;
    if (list->kind != NODE_LIST)
        return diag_add(s->diag, DIAG_ERROR, list->mark, path, "- {optimizer.lr: 0.01}",
                        "takes a list of maps");
    TRY(make_room(s, list, path, out));
    for (struct node *c = list->child; c; c = c->next)
        CHECKED(piece_of_row(s, c, path, &(*out)[(*n)++]));
    return RN_OK;
}

static int read_excludes(struct sweep_spec *s, const struct node *list)
{
    if (!list || list->kind == NODE_NULL)
        return RN_OK;
    if (list->kind != NODE_LIST)
        return diag_add(s->diag, DIAG_ERROR, list->mark, "sweep.exclude", "- {optimizer.lr: 0.01}",
                        "takes a list of maps");
    s->excludes = pool_alloc(s->pool, (size_t)(tree_count(list) + 1) * sizeof *s->excludes);
    if (!s->excludes)
        return RN_ENOMEM;
    for (const struct node *row = list->child; row; row = row->next) {
        struct exclusion *x = &s->excludes[s->n_excludes++];
        struct rn_fact *says = pool_alloc(s->pool, (size_t)(tree_count(row) + 1) * sizeof *says);
        if (!says)
            return RN_ENOMEM;
        if (row->kind != NODE_MAP)
            return diag_add(s->diag, DIAG_ERROR, row->mark, "sweep.exclude",
                            "- {optimizer.lr: 0.01}", "takes maps of path: value");
        for (const struct node *c = row->child; c; c = c->next)
            if (!(says[x->n_says++] = (struct rn_fact){c->key, piece_text(s->pool, c)}).value)
                return RN_ENOMEM;
        x->says = says;
    }
    return RN_OK;
}

/* ---- space ---------------------------------------------------------------- */

struct range {
    double low, high, step;
    int64_t scale;
};

static const struct rn_choice scales[] = {
    {"linear", 1, "every number as likely"}, {"log", 2, "every ratio as likely"}, {NULL, 0, NULL}};

const struct rn_option range_rows[] = {
    RN_FLOAT(struct range, low, NULL, -1e300, 1e300, 0, NULL, "from here"),
    RN_FLOAT(struct range, high, NULL, -1e300, 1e300, 0, NULL, "up to here, itself included"),
    RN_FLOAT(struct range, step, "0", 0, 1e300, 0, NULL, "in steps of; 0: any number"),
    RN_CHOICE(struct range, scale, "linear", scales, "what is as likely"), RN_END};

static int read_choices(struct sweep_spec *s, struct node *n, struct node *list,
                        struct dimension *out)
{
    struct axis axis;

    if (tree_count(n) > 1)
        return diag_add(s->diag, DIAG_ERROR, n->mark, out->path, "{choice: [16, 32]}",
                        "a choice has nothing beside it");
    TRY(axis_of_list(s, out->path, out->mark, list, &axis));
    out->choices = axis.pieces;
    out->n_choices = axis.n;
    return RN_OK;
}

static bool is_whole(const struct node *n)
{
    bool whole = false;

    return n && n->kind == NODE_SCALAR && value_looks_numeric(n->text, &whole) && whole;
}

static int read_dimension(struct sweep_spec *s, struct node *n, struct dimension *out)
{
    struct option_table table;
    struct node *choice = tree_get(n, "choice");
    void *opts;

    *out = (struct dimension){.path = n->key, .mark = n->key_mark};
    if (choice)
        return read_choices(s, n, choice, out);
    TRY(options_table(s->pool, range_rows, sizeof *range_rows, sizeof(struct range), &table));
    TRY(options_parse(s->pool, &table, n, n->mark, n->key, strrchr(n->key, '.') ? "" : n->key, NULL,
                      s->diag, &opts));
    const struct range *r = opts;
    const char *problem = r->low >= r->high              ? "low is not below high"
                          : r->scale == 2 && r->low <= 0 ? "a log scale begins above 0"
                          : r->scale == 2 && r->step > 0 ? "a log scale has no steps"
                                                         : NULL;
    if (problem)
        return diag_add(s->diag, DIAG_ERROR, n->mark, n->key, "{low: 1e-4, high: 1e-2, scale: log}",
                        "%s", problem);
    out->low = r->low;
    out->high = r->high;
    out->step = r->step;
    out->log = r->scale == 2;
    out->whole = r->step > 0 && is_whole(tree_get(n, "low")) && is_whole(tree_get(n, "step"));
    return RN_OK;
}

static int read_space(struct sweep_spec *s, struct node *space)
{
    if (!space || space->kind == NODE_NULL)
        return RN_OK;
    if (space->kind != NODE_MAP)
        return diag_add(s->diag, DIAG_ERROR, space->mark, "sweep.space",
                        "{optimizer.lr: {low: 1e-4, high: 1e-2, scale: log}}",
                        "takes a map of path: range or choice");
    s->space = pool_alloc(s->pool, (size_t)(tree_count(space) + 2) * sizeof *s->space);
    if (!s->space)
        return RN_ENOMEM;
    for (struct node *c = space->child; c; c = c->next)
        CHECKED(read_dimension(s, c, &s->space[s->n_space++]));
    return RN_OK;
}

/* ---- all of it ------------------------------------------------------------ */

static const char *last_segment(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

/* Two axes that end alike are told apart by one more segment. */
static int tell_apart(struct sweep_spec *s)
{
    for (int i = 0; i < s->n_axes; i++) {
        const struct axis *a = &s->axes[i];
        bool twin = false;
        for (int k = 0; k < s->n_axes; k++)
            twin |= k != i && a->path && s->axes[k].path &&
                    !strcmp(last_segment(a->path), last_segment(s->axes[k].path));
        for (int k = 0; twin && k < a->n; k++) {
            struct piece *x = &a->pieces[k];
            x->label = label_of(s->pool, x->path, 2, short_text(s->pool, x->value));
            if (!x->label)
                return RN_ENOMEM;
        }
    }
    return RN_OK;
}

int parts_of_sweep(struct sweep_spec *s, struct node *sweep)
{
    const struct node *grid = tree_get(sweep, "grid");
    struct axis zip = {0};

    s->axes = pool_alloc(s->pool, (size_t)(tree_count(grid) + 2) * sizeof *s->axes);
    if (!s->axes)
        return RN_ENOMEM;
    CHECKED(read_variants(s, tree_get(sweep, "variants")));
    CHECKED(read_grid(s, tree_get(sweep, "grid")));
    CHECKED(read_rows(s, tree_get(sweep, "zip"), "sweep.zip", &zip.pieces, &zip.n));
    if (zip.n && s->o.method == SWEEP_GRID)
        s->axes[s->n_axes++] = zip;
    CHECKED(
        read_rows(s, tree_get(sweep, "include"), "sweep.include", &s->includes, &s->n_includes));
    CHECKED(read_excludes(s, tree_get(sweep, "exclude")));
    CHECKED(read_space(s, tree_get(sweep, "space")));
    if (zip.n && s->n_space) /* its rows are one more choice */
        s->space[s->n_space++] = (struct dimension){.choices = zip.pieces, .n_choices = zip.n};
    return tell_apart(s);
}
