/* compose.h - from a file to one tree: extends, set, overrides, ${...}. */
#ifndef COMPOSE_H
#define COMPOSE_H

#include "tree.h"

/* path: what the user named; overrides: "path=value", "+path=value", "~path" in order.
 * Applies extends (maps merge, a map whose type changes drops the parent's options, lists
 * replace, items of layers, callbacks, reporters, augment with the same explicit name merge), then
 * set, then overrides, then ${vars.x}, ${path.to.value}, ${env:NAME}, ${env:NAME,default}.
 * A bare word where a plugin is named becomes {type: word} before anything is merged.
 * extends, set and vars are consumed. d has the problems; *out the tree, or NULL. */
int compose_file(struct pool *p, const char *path, const char *const *overrides, int n_overrides,
                 struct diag *d, struct node **out);

/* The tree as YAML text that parses to the same tree. */
void compose_emit(const struct node *root, struct text *out);

#endif
