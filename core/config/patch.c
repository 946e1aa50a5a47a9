/* patch.c - paths and what set and overrides do at their end: assign, add, remove. */
#include "patch.h"

#include "base/error.h"
#include "compose.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct path {
    int n;
    const char *seg[TREE_DEPTH_MAX];
    struct mark at[TREE_DEPTH_MAX];
};

static int32_t points(const char *s, size_t n)
{
    int32_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

/* Splits at dots. NULL, or what is wrong with it. */
static const char *path_split(struct pool *p, const char *s, struct mark at, struct path *out)
{
    out->n = 0;
    for (;;) {
        size_t n = strcspn(s, ".");
        if (!n)
            return "a path has a name before and after each dot";
        if (out->n == TREE_DEPTH_MAX)
            return "a path this long leads nowhere";
        at.width = points(s, n);
        out->at[out->n] = at;
        out->seg[out->n] = pool_strndup(p, s, n);
        if (!out->seg[out->n++])
            return "out of memory";
        if (!s[n])
            return NULL;
        at.col += at.width + 1;
        s += n + 1;
    }
}

static bool text_is(const struct node *n, const char *s, size_t bytes)
{
    return n && n->kind == NODE_SCALAR && strlen(n->text) == bytes && !memcmp(n->text, s, bytes);
}

/* What seg names in at: a key; or an item by its name, its number, its type and number. */
static struct node *step(const struct node *at, const char *seg)
{
    if (at->kind != NODE_LIST)
        return tree_get(at, seg);
    for (struct node *c = at->child; c; c = c->next)
        if (text_is(tree_get(c, "name"), seg, strlen(seg)))
            return c;
    size_t word = strcspn(seg, "0123456789"), digits = strspn(seg + word, "0123456789");
    if (!digits || digits > 6 || seg[word + digits])
        return NULL;
    int number = (int)strtol(seg + word, NULL, 10);
    if (!word)
        return tree_at(at, number);
    for (struct node *c = at->child; c; c = c->next)
        if (text_is(tree_get(c, "type"), seg, word) && !--number)
            return tree_get(c, "name") ? NULL : c;
    return NULL;
}

/* Why seg is not to be found in at, and what is. */
static const char *missing(struct pool *p, const struct node *at, const char *seg,
                           const char **hint)
{
    const char *names[64];
    int n = 0;

    *hint = NULL;
    if (at->kind == NODE_SCALAR)
        return pool_printf(p, "this is a single value, there is no '%s' in it", seg);
    for (const struct node *c = at->child; c && n < 64; c = c->next) {
        names[n] = at->kind == NODE_MAP ? c->key : compose_item_name(p, at, c);
        n += names[n] != NULL;
    }
    *hint = diag_suggest(p, seg, names, n);
    if (at->kind == NODE_LIST)
        return pool_printf(p, "no item '%s' in a list of %d", seg, tree_count(at));
    return pool_printf(p, "there is no '%s'", seg);
}

struct node *path_find(struct pool *p, struct node *root, const char *path, const char **why,
                       const char **hint)
{
    struct path split;
    struct node *at = root;

    *hint = NULL;
    *why = path_split(p, path, (struct mark){0}, &split);
    if (*why)
        return NULL;
    for (int i = 0; i < split.n; i++) {
        struct node *next = step(at, split.seg[i]);
        if (!next) {
            *why = missing(p, at, split.seg[i], hint);
            return NULL;
        }
        at = next;
    }
    return at;
}

/* Lists that exist even when the file has none yet: + makes them. reporters and layers are not
 * among them, since one item alone would silently replace the default. */
static bool is_free_list(const char *key)
{
    return !strcmp(key, "callbacks") || !strcmp(key, "augment") || !strcmp(key, "tags") ||
           !strcmp(key, "metrics") || !strcmp(key, "expect");
}

static int add_key(struct node *map, const char *key, struct mark at, struct node *value)
{
    if (!value)
        return RN_ENOMEM;
    value->key = key;
    value->key_mark = at;
    tree_add(map, value);
    return RN_OK;
}

/* The container of the last segment; maps on the way are made unless the patch removes. */
static struct node *walk(struct pool *p, struct node *at, const struct path *path,
                         const struct patch *c, struct diag *d)
{
    for (int i = 0; i + 1 < path->n; i++) {
        struct node *next = step(at, path->seg[i]);
        if (!next && at->kind == NODE_MAP && *c->path != '~') {
            next = tree_new(p, NODE_MAP, path->at[i], c->origin);
            if (add_key(at, path->seg[i], path->at[i], next))
                return NULL;
        }
        if (next && next->kind == NODE_NULL)
            next->kind = NODE_MAP;
        if (!next) {
            const char *hint, *why = missing(p, at, path->seg[i], &hint);
            diag_add(d, DIAG_ERROR, path->at[i], c->path, hint, "%s", why);
            return NULL;
        }
        at = next;
    }
    return at;
}

static int apply_add(struct pool *p, struct node *in, struct node *old, const char *seg,
                     struct mark at, const struct patch *c, struct diag *d)
{
    if (old && old->kind == NODE_LIST) {
        tree_add(old, c->value);
        return RN_OK;
    }
    if (old)
        return diag_add(d, DIAG_ERROR, at, c->path, "leave out the '+' to replace it",
                        "'+' adds to a list, and this is none");
    if (!strcmp(seg, "reporters") || !strcmp(seg, "layers"))
        return diag_add(d, DIAG_ERROR, at, c->path, "write the whole list, without '+'",
                        "there is no list '%s' to add to", seg);
    if (!is_free_list(seg))
        return add_key(in, seg, at, c->value);
    struct node *list = tree_new(p, NODE_LIST, c->value->mark, c->origin);
    if (list)
        tree_add(list, c->value);
    return add_key(in, seg, at, list);
}

int patch_apply(struct pool *p, struct node *root, const struct patch *c, struct diag *d)
{
    struct path path;
    bool sign = *c->path == '+' || *c->path == '~';
    struct mark at = c->at;

    at.col += sign;
    const char *bad = path_split(p, c->path + sign, at, &path);
    if (bad)
        return diag_add(d, DIAG_ERROR, c->at, c->path, NULL, "%s", bad);
    struct node *in = walk(p, root, &path, c, d);
    if (!in)
        return RN_EINVAL;
    const char *seg = path.seg[path.n - 1];
    struct node *old = step(in, seg);
    bool drop =
        *c->path == '~' || (*c->path != '+' && c->value->kind == NODE_NULL && in->kind == NODE_MAP);

    at = path.at[path.n - 1];
    if (!old && (*c->path == '~' || in->kind != NODE_MAP)) {
        const char *hint, *why = missing(p, in, seg, &hint);
        return diag_add(d, DIAG_ERROR, at, c->path, hint, "%s", why);
    }
    if (drop) {
        if (old)
            tree_remove(in, old);
        return RN_OK;
    }
    tree_set_origin(c->value, c->origin);
    if (*c->path == '+')
        return apply_add(p, in, old, seg, at, c, d);
    if (!old)
        return add_key(in, seg, at, c->value);
    c->value->key_mark = at;
    tree_replace(in, old, c->value);
    return RN_OK;
}
