/* tree.c - nodes: finding, adding, replacing, copying; and reading the file of a tree. */
#define _XOPEN_SOURCE 700
#include "tree.h"

#include "base/error.h"
#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct node *tree_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (struct node *c = map->child; c; c = c->next)
        if (!strcmp(c->key, key))
            return c;
    return NULL;
}

struct node *tree_at(const struct node *list, int i)
{
    struct node *c = list && i >= 0 ? list->child : NULL;

    while (c && i--)
        c = c->next;
    return c;
}

int tree_count(const struct node *n)
{
    int count = 0;

    for (const struct node *c = n ? n->child : NULL; c; c = c->next)
        count++;
    return count;
}

struct node *tree_copy(struct pool *p, const struct node *n)
{
    struct node *out = pool_alloc(p, sizeof *out);

    if (!out)
        return NULL;
    *out = *n;
    out->next = out->child = NULL;
    struct node **tail = &out->child;
    for (const struct node *c = n->child; c; c = c->next, tail = &(*tail)->next) {
        *tail = tree_copy(p, c);
        if (!*tail)
            return NULL;
    }
    return out;
}

struct node *tree_new(struct pool *p, enum node_kind kind, struct mark at, const char *origin)
{
    struct node *n = pool_alloc(p, sizeof *n);

    if (!n)
        return NULL;
    n->kind = kind;
    n->mark = at;
    n->origin = origin;
    return n;
}

struct node *tree_scalar(struct pool *p, const char *key, const char *text, const char *origin)
{
    struct node *n = tree_new(p, NODE_SCALAR, (struct mark){0}, origin);

    if (!n)
        return NULL;
    n->key = key;
    n->text = pool_strdup(p, text);
    return n->text ? n : NULL;
}

void tree_add(struct node *parent, struct node *child)
{
    struct node **tail = &parent->child;

    while (*tail)
        tail = &(*tail)->next;
    *tail = child;
    child->next = NULL;
}

static struct node **link_of(struct node *parent, const struct node *child)
{
    struct node **at = &parent->child;

    while (*at && *at != child)
        at = &(*at)->next;
    return at;
}

void tree_replace(struct node *parent, struct node *old, struct node *fresh)
{
    struct node **at = link_of(parent, old);

    fresh->key = old->key;
    if (!fresh->key_mark.line)
        fresh->key_mark = old->key_mark;
    fresh->next = old->next;
    *at = fresh;
}

void tree_remove(struct node *parent, struct node *child)
{
    struct node **at = link_of(parent, child);

    if (*at)
        *at = child->next;
    child->next = NULL;
}

void tree_set_origin(struct node *n, const char *origin)
{
    n->origin = origin;
    for (struct node *c = n->child; c; c = c->next)
        tree_set_origin(c, origin);
}

/* ---- files ---------------------------------------------------------------- */

/* The absolute folder of path, links resolved; path itself may be a link. */
static const char *folder_of(struct pool *p, const char *path)
{
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *dir = !slash          ? "."
                      : slash == path ? "/"
                                      : pool_strndup(p, path, (size_t)(slash - path));

    return dir && realpath(dir, real) ? pool_strdup(p, real) : dir;
}

int tree_resolved(struct pool *p, const char *text, struct node **out)
{
    struct source *source = pool_alloc(p, sizeof *source);
    struct diag *d = diag_new(p);

    *out = NULL;
    if (!source || !d)
        return RN_ENOMEM;
    *source = (struct source){"config.yaml", "", text, strlen(text)};
    int status = tree_parse(p, source, d, out);
    if (status < 0)
        *out = NULL;
    return status == RN_ENOMEM ? RN_ENOMEM : RN_OK;
}

int tree_read(struct pool *p, const char *path, struct diag *d, struct node **out)
{
    struct source *src = pool_alloc(p, sizeof *src);
    void *data;
    uint64_t bytes;

    *out = NULL;
    if (!src)
        return RN_ENOMEM;
    src->path = pool_strdup(p, path);
    src->dir = folder_of(p, path);
    if (!src->path || !src->dir)
        return RN_ENOMEM;
    int status = file_read(path, TREE_BYTES_MAX, &data, &bytes);
    if (status)
        return status == RN_ENOMEM
                   ? status
                   : diag_add(d, DIAG_ERROR, (struct mark){0}, NULL, NULL, "%s", error_text());
    src->text = pool_strndup(p, data, bytes);
    mem_free(data);
    if (!src->text)
        return RN_ENOMEM;
    if (bytes >= 3 && !memcmp(src->text, "\xEF\xBB\xBF", 3)) { /* a UTF-8 byte order mark */
        src->text += 3;
        bytes -= 3;
    }
    src->bytes = bytes;
    TRY(diag_file(d, src));
    return tree_parse(p, src, d, out);
}
