/* options.c - from the keys of a map to an options struct, and back: every problem is reported
 * where it stands, and a bad value leaves its field at the default. */
#include "options.h"

#include "base/error.h"
#include "value.h"

#include <string.h>

struct reading { /* one map being read */
    struct pool *pool;
    const struct option_table *table;
    const char *path, *what;
    const char *const *skip;
    struct diag *diag;
    struct mark at;
    int errors;
};

const struct rn_option *options_row(const struct option_table *t, const char *name)
{
    for (int i = 0; i < t->n; i++) {
        const struct rn_option *o = &t->rows[i];
        if (!strcmp(o->name, name) || (o->alias && !strcmp(o->alias, name)))
            return o;
    }
    return NULL;
}

static const struct node *node_of(const struct node *map, const struct rn_option *o)
{
    const struct node *node = map ? tree_get(map, o->name) : NULL;

    return !node && map && o->alias ? tree_get(map, o->alias) : node;
}

static bool optional(const struct rn_option *o)
{
    return !o->fallback && !(o->flags & RN_OPT_REQUIRED);
}

/* ---- problems ------------------------------------------------------------- */

/* Whether the path ends in the name of what has the options. */
static bool path_says(const struct reading *r)
{
    const char *dot = strrchr(r->path, '.');

    return !strcmp(dot ? dot + 1 : r->path, r->what);
}

static const char *path_of(const struct reading *r, const char *name)
{
    const char *path = pool_printf(r->pool, "%s%s%s", r->path, *r->path ? "." : "", name);

    return path ? path : r->path;
}

/* "int 1…64, width of the output" */
static const char *hint_of(const struct reading *r, const struct rn_option *o)
{
    struct text t = {0};

    value_type_text(o, &t);
    const char *hint = pool_printf(r->pool, "%s, %s", text_str(&t), o->help);
    text_free(&t);
    return hint;
}

/* "(dense: width of the output)"; short where the path says whose option it is. */
static const char *about(const struct reading *r, const struct rn_option *o)
{
    bool says = path_says(r);
    const char *s =
        pool_printf(r->pool, "(%s%s%s)", says ? "" : r->what, says ? "" : ": ", o->help);

    return s ? s : "";
}

static int bad_value(struct reading *r, const struct rn_option *o, const struct value_fault *fault)
{
    const char *path = path_of(r, o->name);

    if (fault->item >= 0) {
        const char *item = pool_printf(r->pool, "%s.%d", path, fault->item);
        path = item ? item : path;
    }
    r->errors++;
    return diag_add(r->diag, DIAG_ERROR, fault->mark, path, *fault->hint ? fault->hint : NULL,
                    "%s %s", error_text(), about(r, o));
}

/* The names a key could have been meant to be: of options, their aliases, and of others' keys. */
static const char *nearest_key(const struct reading *r, const char *word)
{
    const char *names[256];
    int n = 0;

    for (int i = 0; i < r->table->n && n < 200; i++) {
        names[n++] = r->table->rows[i].name;
        if (r->table->rows[i].alias)
            names[n++] = r->table->rows[i].alias;
    }
    for (const char *const *s = r->skip; s && *s && n < 256; s++)
        names[n++] = *s;
    return diag_nearest(word, names, n);
}

static const char *known_options(const struct reading *r)
{
    struct text t = {0};

    for (int i = 0; i < r->table->n; i++)
        text_add(&t, "%s%s", i ? ", " : "known: ", r->table->rows[i].name);
    const char *hint = t.n ? pool_strdup(r->pool, t.s) : "it has no options";
    text_free(&t);
    return hint;
}

static int unknown_key(struct reading *r, const struct node *node)
{
    const char *near = nearest_key(r, node->key), *hint;
    const struct rn_option *o = near ? options_row(r->table, near) : NULL;
    const char *type = o ? hint_of(r, o) : NULL;

    hint = type   ? pool_printf(r->pool, "did you mean '%s'? (%s)", near, type)
           : near ? pool_printf(r->pool, "did you mean '%s'?", near)
                  : known_options(r);
    r->errors++;
    if (path_says(r))
        return diag_add(r->diag, DIAG_ERROR, node->key_mark, r->path, hint, "unknown option '%s'",
                        node->key);
    const char *path = pool_printf(r->pool, "%s%s(%s)", r->path, *r->path ? " " : "", r->what);
    return diag_add(r->diag, DIAG_ERROR, node->key_mark, path ? path : r->path, hint,
                    "unknown option '%s'", node->key);
}

static int missing(struct reading *r, const struct rn_option *o)
{
    const char *type = hint_of(r, o);

    r->errors++;
    return diag_add(r->diag, DIAG_ERROR, r->at, path_of(r, o->name), type, "is missing %s",
                    about(r, o));
}

/* ---- reading -------------------------------------------------------------- */

static bool skipped(const struct reading *r, const char *key)
{
    if (!strncmp(key, "x-", 2))
        return true;
    for (const char *const *s = r->skip; s && *s; s++)
        if (!strcmp(*s, key))
            return true;
    return false;
}

static int check_keys(struct reading *r, const struct node *map)
{
    for (const struct node *node = map->child; node; node = node->next) {
        const struct rn_option *o = options_row(r->table, node->key);

        if (skipped(r, node->key))
            continue;
        int status = RN_OK;
        if (!o) {
            status = unknown_key(r, node);
        } else if (strcmp(o->name, node->key) && tree_get(map, o->name)) {
            r->errors++;
            status =
                diag_add(r->diag, DIAG_ERROR, node->key_mark, path_of(r, node->key), "remove one",
                         "is an older name of '%s', which is there too", o->name);
        } else if (o->flags & RN_OPT_DEPRECATED) {
            status = diag_add(r->diag, DIAG_WARNING, node->key_mark, path_of(r, node->key), NULL,
                              "is deprecated: %s", o->help);
        }
        if (status == RN_ENOMEM)
            return status;
    }
    return RN_OK;
}

static int read_default(struct reading *r, const struct rn_option *o, void *field)
{
    struct value_fault fault;
    const struct node *node;

    if (!o->fallback)
        return RN_OK;
    node = value_fallback(r->pool, o, r->at.source);
    return node ? value_read(r->pool, o, node, field, &fault) : RN_ENOMEM;
}

static int read_option(struct reading *r, const struct node *map, const struct rn_option *o,
                       void *field)
{
    const struct node *node = node_of(map, o);
    struct value_fault fault;
    int status;

    if (!node && (o->flags & RN_OPT_REQUIRED))
        status = missing(r, o);
    else if (!node || (node->kind == NODE_NULL && optional(o)))
        return read_default(r, o, field);
    else if ((status = value_read(r->pool, o, node, field, &fault)) == RN_EINVAL)
        status = bad_value(r, o, &fault);
    if (status != RN_EINVAL)
        return status;
    memset(field, 0, value_size(o->type));
    return read_default(r, o, field);
}

int options_parse(struct pool *p, const struct option_table *t, const struct node *map,
                  struct mark at, const char *path, const char *what, const char *const *skip,
                  struct diag *d, void **out)
{
    struct reading r = {
        .pool = p, .table = t, .path = path, .what = what, .skip = skip, .diag = d, .at = at};
    char *fields = pool_alloc(p, t->size ? t->size : 1);

    *out = NULL;
    if (!fields)
        return RN_ENOMEM;
    if (map && (map->kind == NODE_SCALAR || map->kind == NODE_LIST)) {
        r.errors++;
        if (diag_add(d, DIAG_ERROR, map->mark, path, known_options(&r),
                     "is %s, expected a map of options",
                     map->kind == NODE_LIST ? "a list" : "a scalar") == RN_ENOMEM)
            return RN_ENOMEM;
        map = NULL;
    } else if (map) {
        TRY(check_keys(&r, map));
    }
    for (int i = 0; i < t->n; i++)
        TRY(read_option(&r, map, &t->rows[i], fields + t->rows[i].offset));
    *out = fields;
    return r.errors ? RN_EINVAL : RN_OK;
}

int options_section(struct pool *p, const struct rn_option *rows, uint32_t size,
                    const struct node *map, struct mark at, const char *path,
                    const char *const *skip, struct diag *d, void *out)
{
    const char *dot = strrchr(path, '.');
    struct option_table table;
    void *opts;

    TRY(options_table(p, rows, sizeof *rows, size, &table));
    int status = options_parse(p, &table, map, at, path, dot ? dot + 1 : path, skip, d, &opts);
    if (opts)
        memcpy(out, opts, size);
    return status;
}

/* ---- saying everything ---------------------------------------------------- */

static int make_absolute(struct pool *p, struct node *node)
{
    const struct source *source = node->mark.source;

    if (node->kind != NODE_SCALAR)
        return RN_OK;
    node->text = value_path(p, source ? source->dir : NULL, node->text);
    return node->text ? RN_OK : RN_ENOMEM;
}

static int fill_option(struct pool *p, const struct rn_option *o, struct node *map)
{
    struct node *node = tree_get(map, o->name);

    if (!node && o->alias && (node = tree_get(map, o->alias)))
        node->key = o->name;
    if (!node) {
        if (!o->fallback || (o->flags & RN_OPT_DEPRECATED))
            return RN_OK;
        if (!(node = value_fallback(p, o, map->mark.source)))
            return RN_ENOMEM;
        node->key = o->name;
        tree_add(map, node);
    }
    return o->type == RN_OPT_PATH ? make_absolute(p, node) : RN_OK;
}

int options_fill(struct pool *p, const struct option_table *t, struct node *map)
{
    for (int i = 0; i < t->n; i++)
        TRY(fill_option(p, &t->rows[i], map));
    return RN_OK;
}
