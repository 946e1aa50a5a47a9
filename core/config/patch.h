/* patch.h - the one grammar of paths: segments between dots, each a key, or an item of a list by
 * its number from 0 or its name. Used by set, overrides and ${...}. */
#ifndef PATCH_H
#define PATCH_H

#include "tree.h"

struct patch {
    const char *path;   /* "train.epochs", "+callbacks", "~expect" */
    struct mark at;     /* where the path begins */
    struct node *value; /* NULL when the path begins with ~ */
    const char *origin;
};

/* Changes the tree. Keys that are missing in maps are made: whether they are allowed is for the
 * option tables to say. Missing items of lists are problems, and so is removing what is not there.
 */
int patch_apply(struct pool *p, struct node *root, const struct patch *c, struct diag *d);

/* The node at a path; NULL with *why the reason and *hint the nearest name, both from p. */
struct node *path_find(struct pool *p, struct node *root, const char *path, const char **why,
                       const char **hint);

#endif
