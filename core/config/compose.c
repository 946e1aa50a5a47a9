/* compose.c - one tree of a file, the files it extends, its set, and the command line. */
#define _XOPEN_SOURCE 700
#include "compose.h"

#include "base/error.h"
#include "base/file.h"
#include "interpolate.h"
#include "patch.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct composer {
    struct pool *pool;
    struct diag *diag;
    char *open[COMPOSE_DEPTH_MAX + 1]; /* real paths of the files under way */
    int files;
};

/* ---- bare words ----------------------------------------------------------- */

/* word -> {type: word}, in place. */
static int spec_expand(struct pool *p, struct node *n)
{
    if (n->kind != NODE_SCALAR)
        return RN_OK;
    struct node *type = tree_new(p, NODE_SCALAR, n->mark, n->origin);
    if (!type)
        return RN_ENOMEM;
    type->text = n->text;
    type->quoted = n->quoted;
    type->key = "type";
    type->key_mark = n->mark;
    n->kind = NODE_MAP;
    n->text = NULL;
    n->quoted = false;
    n->child = type;
    return RN_OK;
}

int compose_words(struct pool *p, struct node *list)
{
    for (struct node *c = list && list->kind == NODE_LIST ? list->child : NULL; c; c = c->next)
        TRY(spec_expand(p, c));
    return RN_OK;
}

/* Layers in an option of a layer: maps and words. Other lists hold numbers. */
static bool is_branch(const struct node *n)
{
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    for (const struct node *c = n->kind == NODE_LIST ? n->child : NULL; c; c = c->next)
        if (c->kind != NODE_MAP &&
            (c->kind != NODE_SCALAR || !strchr(rest, *c->text) ||
             isdigit((unsigned char)*c->text) || strspn(c->text, rest) != strlen(c->text)))
            return false;
    return n->kind == NODE_LIST;
}

static int layers_expand(struct pool *p, struct node *list)
{
    TRY(compose_words(p, list));
    for (struct node *c = list && list->kind == NODE_LIST ? list->child : NULL; c; c = c->next)
        for (struct node *o = c->kind == NODE_MAP ? c->child : NULL; o; o = o->next)
            if (is_branch(o))
                TRY(layers_expand(p, o));
    return RN_OK;
}

/* Wherever a plugin is named. Fine to call again. */
static int root_expand(struct pool *p, struct node *root)
{
    static const char *const parts[] = {"device", "data", "loss", "optimizer", "scheduler"};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct node *n = tree_get(root, parts[i]);
        if (n)
            TRY(spec_expand(p, n));
    }
    TRY(compose_words(p, tree_get(root, "callbacks")));
    TRY(compose_words(p, tree_get(root, "reporters")));
    TRY(compose_words(p, tree_get(tree_get(root, "data"), "augment")));
    return layers_expand(p, tree_get(tree_get(root, "model"), "layers"));
}

const char *compose_item_name(struct pool *p, const struct node *list, const struct node *item)
{
    const struct node *name = tree_get(item, "name"), *type = tree_get(item, "type");
    int number = 0;

    if (name && name->kind == NODE_SCALAR)
        return name->text;
    if (!type || type->kind != NODE_SCALAR)
        return NULL;
    for (const struct node *c = list->child; c; c = c->next) {
        const struct node *t = tree_get(c, "type");
        number += t && t->kind == NODE_SCALAR && !strcmp(t->text, type->text);
        if (c == item)
            break;
    }
    return pool_printf(p, "%s%d", type->text, number);
}

/* ---- merging -------------------------------------------------------------- */

static bool text_differs(const struct node *a, const struct node *b)
{
    return a && b && a->kind == NODE_SCALAR && b->kind == NODE_SCALAR && strcmp(a->text, b->text);
}

/* The item of list with the explicit name of item. */
static struct node *twin_of(const struct node *list, const struct node *item)
{
    const struct node *name = tree_get(item, "name");

    for (struct node *c = name && name->kind == NODE_SCALAR ? list->child : NULL; c; c = c->next) {
        const struct node *other = tree_get(c, "name");
        if (other && other->kind == NODE_SCALAR && !strcmp(other->text, name->text))
            return c;
    }
    return NULL;
}

static bool is_patch_list(const struct node *base, const struct node *over)
{
    if (!over->child || base->kind != NODE_LIST || over->kind != NODE_LIST)
        return false;
    for (const struct node *c = over->child; c; c = c->next)
        if (!twin_of(base, c))
            return false;
    return true;
}

/* Both are used up; the result takes base's place. */
static struct node *merge(struct node *base, struct node *over)
{
    if (base->kind != NODE_MAP || over->kind != NODE_MAP ||
        text_differs(tree_get(base, "type"), tree_get(over, "type")))
        return over;
    base->mark = over->mark; /* what is missing is missing in the file that was named */
    for (struct node *c = over->child, *next; c; c = next) {
        struct node *old = tree_get(base, c->key);
        next = c->next;
        if (!old) {
            tree_add(base, c);
        } else if (c->kind == NODE_NULL) {
            tree_remove(base, old);
        } else if (is_patch_list(old, c)) {
            for (struct node *item = c->child, *after; item; item = after) {
                after = item->next;
                struct node *twin = twin_of(old, item);
                struct node *both = merge(twin, item);
                if (both != twin)
                    tree_replace(old, twin, both);
            }
        } else {
            struct node *both = merge(old, c);
            if (both != old)
                tree_replace(base, old, both);
        }
    }
    return base;
}

/* ---- files ---------------------------------------------------------------- */

static int load(struct composer *c, const char *path, struct mark at, int depth, struct node **out);

/* rel as the file src would name it, to show and to open. */
static const char *path_beside(struct pool *p, const struct source *src, const char *rel)
{
    const char *slash = strrchr(src->path, '/');

    if (*rel == '/' || !slash)
        return rel;
    return pool_printf(p, "%.*s/%s", (int)(slash - src->path), src->path, rel);
}

static int extend_one(struct composer *c, const struct node *name, int depth, struct node **base)
{
    struct node *parent;

    if (name->kind != NODE_SCALAR)
        return diag_add(c->diag, DIAG_ERROR, name->mark, "extends", NULL,
                        "takes a file, or a list of files");
    const char *path = path_beside(c->pool, name->mark.source, name->text);
    if (!path)
        return RN_ENOMEM;
    int status = load(c, path, name->mark, depth + 1, &parent);
    if (!parent)
        return status;
    tree_set_origin(parent, "extends");
    *base = *base ? merge(*base, parent) : parent;
    return RN_OK;
}

int compose_patch(struct pool *p, struct node *root, const struct patch *patch, struct diag *d)
{
    TRY(patch_apply(p, root, patch, d));
    return root_expand(p, root);
}

/* set is used up. */
static int apply_set(struct pool *p, struct node *root, struct node *set, struct diag *d)
{
    int status = RN_OK;

    if (set->kind != NODE_MAP)
        return diag_add(d, DIAG_ERROR, set->mark, "set", NULL, "takes a map of path: value");
    for (struct node *v = set->child, *next; v; v = next) {
        next = v->next;
        struct patch patch = {v->key, v->key_mark, *v->key == '~' ? NULL : v, "set"};
        int bad = compose_patch(p, root, &patch, d);
        if (bad == RN_ENOMEM)
            return bad;
        status = bad ? bad : status;
    }
    return status;
}

/* All files of extends, in order, as one tree; *base is NULL without any. */
static int extend_all(struct composer *c, struct node *extends, int depth, struct node **base)
{
    bool list = extends->kind == NODE_LIST;
    struct node *name = list ? extends->child : extends;
    int status = RN_OK;

    for (; name; name = list ? name->next : NULL) {
        int bad = extend_one(c, name, depth, base);
        if (bad == RN_ENOMEM)
            return bad;
        status = bad ? bad : status;
    }
    return status;
}

static int compose(struct composer *c, struct node *root, int depth, struct node **out)
{
    struct node *extends = tree_get(root, "extends"), *set = tree_get(root, "set"), *base = NULL;

    TRY(root_expand(c->pool, root));
    if (extends) {
        tree_remove(root, extends);
        TRY(extend_all(c, extends, depth, &base));
    }
    if (set)
        tree_remove(root, set);
    *out = base ? merge(base, root) : root;
    return set ? apply_set(c->pool, *out, set, c->diag) : RN_OK; /* *out is good either way */
}

/* One clear line for the kinds of files that hold many runs. */
static int refuse_kinds(struct composer *c, const struct node *root)
{
    static const char *const kinds[] = {"sweep", "bench", "baseline"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct node *n = tree_get(root, kinds[i]);
        if (n)
            return diag_add(c->diag, DIAG_ERROR, n->key_mark, kinds[i],
                            !strcmp(kinds[i], "baseline")
                                ? "`runner test FILE` runs it"
                                : "name the experiment that it is based on",
                            "an experiment is needed here, and this file describes a %s", kinds[i]);
    }
    return RN_OK;
}

static struct mark last_file(const struct diag *d)
{
    int n = 0;

    while (diag_file_at(d, n + 1))
        n++;
    return (struct mark){.source = diag_file_at(d, n)};
}

/* Reads and composes one file. *out is NULL when what it extends cannot be had. */
static int load(struct composer *c, const char *path, struct mark at, int depth, struct node **out)
{
    char real[PATH_MAX];
    struct node *root;

    *out = NULL;
    if (at.line && !file_exists(path))
        return diag_add(c->diag, DIAG_ERROR, at, "extends", "a path relative to this file",
                        "there is no file '%s'", path);
    if (!realpath(path, real))
        return tree_read(c->pool, path, c->diag, &root); /* says why */
    for (int i = 0; i < depth && i <= COMPOSE_DEPTH_MAX; i++)
        if (!strcmp(c->open[i], real))
            return diag_add(c->diag, DIAG_ERROR, at, "extends", NULL,
                            "the files extend each other in a circle: %s is under way", path);
    if (depth > COMPOSE_DEPTH_MAX)
        return diag_add(c->diag, DIAG_ERROR, at, "extends", NULL,
                        "more than %d files that extend each other", COMPOSE_DEPTH_MAX);
    if (c->files++ == COMPOSE_FILES_MAX)
        return diag_add(c->diag, DIAG_ERROR, at, "extends", NULL, "more than %d files in all",
                        COMPOSE_FILES_MAX);
    c->open[depth] = pool_strdup(c->pool, real);
    if (!c->open[depth])
        return RN_ENOMEM;
    int status = tree_read(c->pool, path, c->diag, &root);
    if (status && !root)
        return status;
    if (!root || root->kind != NODE_MAP)
        return diag_add(c->diag, DIAG_ERROR, root ? root->mark : last_file(c->diag), NULL, NULL,
                        "%s",
                        root ? "an experiment is a map of sections: 'model:', 'data:', ..."
                             : "the file is empty");
    TRY(refuse_kinds(c, root));
    return compose(c, root, depth, out);
}

/* ---- the command line ----------------------------------------------------- */

int compose_argument(struct pool *p, const char *text, struct diag *d, struct patch *out)
{
    struct source *src = pool_alloc(p, sizeof *src);
    char here[PATH_MAX];
    const char *equals = strchr(text, '=');
    bool removes = *text == '~';

    if (!src)
        return RN_ENOMEM;
    src->path = "command line";
    src->dir = pool_strdup(p, realpath(".", here) ? here : ".");
    src->text = pool_strdup(p, text);
    src->bytes = strlen(text);
    if (!src->dir || !src->text)
        return RN_ENOMEM;
    struct mark at = {.source = src, .line = 1, .col = 1, .width = 1};
    if (removes == (equals != NULL))
        return diag_add(d, DIAG_ERROR, at, NULL, "path=value, +path=value or ~path", "%s",
                        removes ? "'~path' removes, it takes no value" : "this has no '='");
    size_t n = equals ? (size_t)(equals - text) : src->bytes;
    *out = (struct patch){pool_strndup(p, text, n), at, NULL, "command line"};
    if (!out->path)
        return RN_ENOMEM;
    if (!equals)
        return RN_OK;
    TRY(tree_parse_from(p, src, n + 1, d, &out->value));
    return out->value ? RN_OK
                      : diag_add(d, DIAG_ERROR, at, out->path,
                                 "~path removes, path=null too; path=\"\" is an empty text",
                                 "there is no value behind the '='");
}

int compose_override(struct pool *p, struct node *root, const char *text, struct diag *d)
{
    struct patch patch;

    TRY(compose_argument(p, text, d, &patch));
    return compose_patch(p, root, &patch, d);
}

static void drop_consumed(struct node *root)
{
    for (struct node *c = root->child, *next; c; c = next) {
        next = c->next;
        if (!strcmp(c->key, "vars") || !strncmp(c->key, "x-", 2))
            tree_remove(root, c);
    }
}

int compose_end(struct pool *p, struct node *root, struct diag *d)
{
    TRY(interpolate(p, root, d));
    drop_consumed(root);
    return RN_OK;
}

int compose_read(struct pool *p, const char *path, struct diag *d, struct node **out)
{
    struct composer c = {.pool = p, .diag = d};

    return load(&c, path, (struct mark){0}, 0, out);
}

int compose_file(struct pool *p, const char *path, const char *const *overrides, int n_overrides,
                 struct diag *d, struct node **out)
{
    struct node *root;

    *out = NULL;
    int status = compose_read(p, path, d, &root);
    if (!root)
        return status;
    for (int i = 0; i < n_overrides; i++) {
        int bad = compose_override(p, root, overrides[i], d);
        if (bad == RN_ENOMEM)
            return bad;
        status = bad ? bad : status;
    }
    TRY(compose_end(p, root, d));
    *out = root;
    return diag_errors(d) ? RN_EINVAL : status;
}

/* ---- changes -------------------------------------------------------------- */

static bool is_path(const char *key) { return *key == '+' || *key == '~' || strchr(key, '.'); }

/* The keys of map that are paths, in order, behind those of its set. */
static int split_paths(struct pool *p, struct node *map, struct node **set)
{
    *set = tree_get(map, "set");
    if (*set)
        tree_remove(map, *set);
    for (struct node *v = map->child, *next; v; v = next) {
        next = v->next;
        if (!is_path(v->key))
            continue;
        if (!*set && !(*set = tree_new(p, NODE_MAP, map->mark, "set")))
            return RN_ENOMEM;
        tree_remove(map, v);
        tree_add(*set, v);
    }
    return RN_OK;
}

int compose_change_read(struct pool *p, struct node *map, struct diag *d, struct change *out)
{
    struct composer c = {.pool = p, .diag = d, .open = {""}};
    struct node *extends, *base = NULL;

    *out = (struct change){.sections = map};
    if (map->kind == NODE_NULL)
        map->kind = NODE_MAP;
    if (map->kind != NODE_MAP)
        return diag_add(d, DIAG_ERROR, map->mark, NULL, "{optimizer.lr: 0.01}",
                        "takes a map of what to change");
    TRY(split_paths(p, map, &out->set));
    TRY(root_expand(p, map));
    if ((extends = tree_get(map, "extends"))) {
        tree_remove(map, extends);
        TRY(extend_all(&c, extends, 0, &base));
    }
    out->sections = base ? merge(base, map) : map;
    return RN_OK;
}

int compose_change(struct pool *p, struct node **root, const struct change *c, struct diag *d)
{
    struct node *sections = tree_copy(p, c->sections), *set = c->set ? tree_copy(p, c->set) : NULL;

    if (!sections || (c->set && !set))
        return RN_ENOMEM;
    *root = merge(*root, sections);
    return set ? apply_set(p, *root, set, d) : RN_OK;
}
