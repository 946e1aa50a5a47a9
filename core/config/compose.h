/* compose.h - from a file to one tree: extends, set, overrides, ${...}; and back to YAML. */
#ifndef COMPOSE_H
#define COMPOSE_H

#include "patch.h"
#include "tree.h"

enum compose_limit {
    COMPOSE_DEPTH_MAX = 8,  /* files that extend one another */
    COMPOSE_FILES_MAX = 32, /* in all */
};

/* path: what the user named; overrides: "path=value", "+path=value", "~path" in order.
 * Applies extends (maps merge, a map whose type changes drops the parent's options, lists replace;
 * but where each item of a list carries the `name` of an item of the parent's list, the items
 * merge), then set, then overrides, then ${vars.x}, ${path.to.value},
 * ${env:NAME}, ${env:NAME,default}; $${ is a plain ${.
 * A bare word where a plugin is named becomes {type: word} before anything is merged.
 * extends, set, vars and x-... are consumed. d has the problems. *out is the tree, also in spite of
 * problems that leave the rest of it worth checking; or NULL. */
int compose_file(struct pool *p, const char *path, const char *const *overrides, int n_overrides,
                 struct diag *d, struct node **out);

/* The steps of compose_file(), for what many runs are made from. The statuses are its own. */

/* A file, what it extends, and its set. */
int compose_read(struct pool *p, const char *path, struct diag *d, struct node **out);
/* Named changes, as a file has them that extends another: a map of sections with extends and set,
 * where keys with a dot in them, or + or ~ before them, are paths as in set. */
struct change {
    struct node *sections, *set; /* set may be NULL */
};
int compose_change_read(struct pool *p, struct node *map, struct diag *d, struct change *out);
/* Changes *root by a copy, from p, of c. */
int compose_change(struct pool *p, struct node **root, const struct change *c, struct diag *d);
/* One patch, then bare words made specs again. */
int compose_patch(struct pool *p, struct node *root, const struct patch *patch, struct diag *d);
/* "path=value", "+path=value" or "~path" as a patch of the command line. */
int compose_argument(struct pool *p, const char *text, struct diag *d, struct patch *out);
int compose_override(struct pool *p, struct node *root, const char *text, struct diag *d);
/* ${...} is looked up, vars and x-... go. */
int compose_end(struct pool *p, struct node *root, struct diag *d);

/* Makes {type: word} of the bare words in a list. Fine to call again. */
int compose_words(struct pool *p, struct node *list);

/* The name of an item: as given, or its type and its number among the items of that type. */
const char *compose_item_name(struct pool *p, const struct node *list, const struct node *item);

/* The tree as YAML text that composes to the same tree: a plain ${ is written $${. */
void compose_emit(const struct node *root, struct text *out);
enum emit_flag { EMIT_ORIGIN = 1 << 0, EMIT_CHANGED = 1 << 1 };
/* For people: each value with a comment that says where it came from; without defaults. */
void compose_show(const struct node *root, unsigned flags, struct text *out);

/* The same as JSON. */
void compose_json(const struct node *root, struct text *out);

#endif
