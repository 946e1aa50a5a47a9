/* flatten.c - a tree as a list of paths and values. */
#include "flatten.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "compose.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_LONGEST = 1024, LIST_LONGEST = 4096 }; /* aliases repeat what is long */

struct flat {
    struct pool *p;
    struct rn_fact *facts;
    int64_t n, cap;
    bool changed;  /* no defaults */
    size_t budget; /* bytes of lists that are looked at whole: a file's worth of them */
};

static int put(struct flat *f, const char *path, const char *value)
{
    if (!path || !value)
        return RN_ENOMEM;
    if (f->n == f->cap) {
        int64_t cap = f->cap ? 2 * f->cap : 64;
        struct rn_fact *facts = pool_alloc(f->p, (size_t)cap * sizeof *facts);
        if (!facts)
            return RN_ENOMEM;
        if (f->n)
            memcpy(facts, f->facts, (size_t)f->n * sizeof *facts);
        f->facts = facts;
        f->cap = cap;
    }
    f->facts[f->n++] = (struct rn_fact){path, value};
    return RN_OK;
}

static bool is_container(const struct node *n)
{
    return n->kind == NODE_MAP || n->kind == NODE_LIST;
}

static bool is_plain_list(const struct node *n)
{
    for (const struct node *c = n->child; c; c = c->next)
        if (is_container(c))
            return false;
    return n->kind == NODE_LIST;
}

static const char *scalar_text(const struct node *n)
{
    return n->kind == NODE_NULL ? "null" : n->text;
}

/* As it is, or in quotes where it would look like several, or like nothing. */
static void put_item(struct text *t, const struct node *n)
{
    bool plain = n->kind == NODE_NULL ||
                 (*n->text && !strpbrk(n->text, ",\"[]\n") && strcmp(n->text, "null") != 0);

    if (plain)
        text_add(t, "%s", scalar_text(n));
    else
        json_string(t, n->text);
}

/* A text that is cut ends in the hash of all of it: others that begin alike are others. */
static const char *shortened(struct pool *p, const char *s, size_t n, size_t most)
{
    char hash[HASH_TEXT];

    if (n <= most)
        return pool_strdup(p, s);
    hash_sha256(s, n, hash);
    return pool_printf(p, "%.*s... (%zu characters, %.23s)", (int)(most / 2), s, n, hash);
}

static int put_list(struct flat *f, const char *path, const struct node *n)
{
    struct text t = {0};

    text_add(&t, "[");
    for (const struct node *c = n->child; c && t.n < LIST_LONGEST + f->budget; c = c->next) {
        text_add(&t, "%s", c == n->child ? "" : ", ");
        put_item(&t, c);
    }
    text_add(&t, "]");
    f->budget -= t.n < f->budget ? t.n : f->budget;
    int status =
        t.status ? t.status : put(f, path, shortened(f->p, text_str(&t), t.n, LIST_LONGEST));
    text_free(&t);
    return status;
}

static bool is_default(const struct node *n)
{
    for (const struct node *c = n->child; c; c = c->next)
        if (!is_default(c))
            return false;
    return !n->origin || !strcmp(n->origin, "default");
}

/* The name of an item is in its path already. */
static bool is_said(const struct node *parent, const struct node *n, bool item)
{
    return item && parent->kind == NODE_MAP && n->kind == NODE_SCALAR && !strcmp(n->key, "name");
}

static int walk(struct flat *f, const char *path, const struct node *n, bool item)
{
    int i = 0;
    bool leaf = !n->child || is_plain_list(n);

    if (leaf && f->changed && is_default(n))
        return RN_OK;
    if (!is_container(n))
        return put(f, path, scalar_text(n));
    if (is_plain_list(n))
        return put_list(f, path, n);
    if (!n->child)
        return put(f, path, "{}");
    for (const struct node *c = n->child; c; c = c->next, i++) {
        const char *key = n->kind == NODE_MAP ? c->key : compose_item_name(f->p, n, c);
        if (is_said(n, c, item))
            continue;
        const char *below = key ? pool_printf(f->p, "%s%s%s", path, *path ? "." : "", key)
                                : pool_printf(f->p, "%s.%d", path, i);
        if (!below)
            return RN_ENOMEM;
        below = shortened(f->p, below, strlen(below), PATH_LONGEST);
        TRY(below ? walk(f, below, c, n->kind == NODE_LIST) : RN_ENOMEM);
    }
    return RN_OK;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

static int list_paths(struct pool *p, const struct node *root, bool changed,
                      const struct rn_fact **out, int64_t *n)
{
    struct flat f = {.p = p, .changed = changed, .budget = TREE_BYTES_MAX};

    *out = NULL;
    *n = 0;
    if (root)
        TRY(walk(&f, "", root, false));
    if (f.n)
        qsort(f.facts, (size_t)f.n, sizeof *f.facts, by_path);
    *out = f.facts;
    *n = f.n;
    return RN_OK;
}

int tree_flatten(struct pool *p, const struct node *root, const struct rn_fact **out, int64_t *n)
{
    return list_paths(p, root, false, out, n);
}

int tree_flatten_changed(struct pool *p, const struct node *root, const struct rn_fact **out,
                         int64_t *n)
{
    return list_paths(p, root, true, out, n);
}
