/* tree.h - YAML as a tree whose nodes know where they stand. On libyaml's events, with our own
 * limits, one document, no tags, no duplicate keys. An alias is a copy of what it names, merge
 * keys (<<) are applied: whoever walks a tree sees a plain one, and may change it. */
#ifndef TREE_H
#define TREE_H

#include "diag.h"

enum tree_limit {
    TREE_BYTES_MAX = 1 << 20,
    TREE_SCALAR_MAX = 64 << 10, /* bytes */
    TREE_DEPTH_MAX = 64,        /* containers in one another, aliases expanded */
    TREE_NODES_MAX = 10000,     /* with aliases expanded */
    TREE_KEYS_MAX = 1000,       /* of one map: looking for a duplicate is quadratic */
    TREE_ANCHORS_MAX = 256,
};

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
    uint32_t kind;
    bool quoted;      /* a scalar in quotes: never a number, bool or null */
    uint8_t interp;   /* used by interpolation: 0 not yet, 1 under way, 2 done */
    struct mark mark; /* of the value */
    const char *key;  /* in a map */
    struct mark key_mark;
    const char *text;   /* of a scalar, UTF-8, without 0 bytes; of a null as written: "", "~" */
    const char *origin; /* how it came here: "file", "merge key", "extends", "set",
                           "command line", "default" */
    struct node *child, *next; /* children in order */
};

/* Parses; every problem goes to d. *out is NULL when the text is empty or unusable. */
int tree_parse(struct pool *p, const struct source *src, struct diag *d, struct node **out);
/* The same for what follows the first from bytes: a value within an override. */
int tree_parse_from(struct pool *p, const struct source *src, size_t from, struct diag *d,
                    struct node **out);
/* A configuration that was resolved before, as config.yaml holds it. *out is NULL where it cannot
 * be read. RN_ENOMEM. */
int tree_resolved(struct pool *p, const char *text, struct node **out);
/* Reads and parses a file; it then counts as one of d's files. */
int tree_read(struct pool *p, const char *path, struct diag *d, struct node **out);

struct node *tree_get(const struct node *map, const char *key); /* NULL: not there */
struct node *tree_at(const struct node *list, int i);
int tree_count(const struct node *n);                         /* children */
struct node *tree_copy(struct pool *p, const struct node *n); /* deep; NULL: out of memory */

struct node *tree_new(struct pool *p, enum node_kind kind, struct mark at, const char *origin);
/* A scalar under key (NULL: none), for values that nobody wrote. */
struct node *tree_scalar(struct pool *p, const char *key, const char *text, const char *origin);
void tree_add(struct node *parent, struct node *child); /* at the end */
/* Takes old's place and key in parent. */
void tree_replace(struct node *parent, struct node *old, struct node *fresh);
void tree_remove(struct node *parent, struct node *child);
void tree_set_origin(struct node *n, const char *origin); /* of all below, too */

#endif
