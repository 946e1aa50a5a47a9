/* tree.h - YAML as a tree whose nodes know where they stand. On libyaml's events, with our own
 * limits: 1 MiB a file, scalars of 64 KiB, depth 64, 10,000 nodes, aliases by reference with a
 * bounded expansion, one document, no tags, no duplicate keys. */
#ifndef TREE_H
#define TREE_H

#include "diag.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
    uint32_t kind;
    bool quoted;      /* a scalar in quotes: never a number, bool or null */
    struct mark mark; /* of the value */
    const char *key;  /* in a map */
    struct mark key_mark;
    const char *text;   /* of a scalar, UTF-8, without 0 bytes */
    const char *origin; /* how it came here: "file", "extends", "set", "command line", "default" */
    struct node *child, *next; /* children in order */
};

/* Parses; every problem goes to d. *out is NULL when the text is empty or unusable. */
int tree_parse(struct pool *p, const struct source *src, struct diag *d, struct node **out);
int tree_read(struct pool *p, const char *path, struct diag *d, struct node **out);

struct node *tree_get(const struct node *map, const char *key); /* NULL: not there */
struct node *tree_at(const struct node *list, int i);
int tree_count(const struct node *n);                         /* children */
struct node *tree_copy(struct pool *p, const struct node *n); /* deep; NULL: out of memory */

#endif
