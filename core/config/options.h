/* options.h - option tables: from nodes to structs, and back to words. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "tree.h"

#include <runner/option.h>

/* One option as the core sees it: rows of a plugin's table copied by their stride. */
struct option_table {
    const struct rn_option *rows;
    int n;
    uint32_t size; /* of the struct */
};

/* Copies a plugin's table (stride bytes a row, up to name NULL) into p and checks it: names unique
 * and well-formed, help there, choices not empty, type known, fallback parses and is in range,
 * fields inside size and not overlapping. RN_EPLUGIN with the reason recorded. */
int options_table(struct pool *p, const struct rn_option *rows, uint32_t stride, uint32_t size,
                  struct option_table *out);

/* Fills out (t->size bytes, from p) from the keys of map and the fallbacks. map may be NULL: all
 * defaults. Keys in skip (ended by NULL; may be NULL) and x-... are others' business. Unknown keys,
 * wrong types, values out of range, missing required ones go to d, and RN_EINVAL is returned: *out
 * is there all the same, with the default or zero where a value was bad. path names the map, what
 * names the plugin for hints: "dense", or "train" for the core's own tables. Strings are owned by
 * p. */
int options_parse(struct pool *p, const struct option_table *t, const struct node *map,
                  struct mark at, const char *path, const char *what, const char *const *skip,
                  struct diag *d, void **out);

/* The same of a table of the core's own, filled into out, of size bytes; the last part of path says
 * what the map is. */
int options_section(struct pool *p, const struct rn_option *rows, uint32_t size,
                    const struct node *map, struct mark at, const char *path,
                    const char *const *skip, struct diag *d, void *out);

/* Makes map say everything: adds the options that it lacks as nodes of origin "default", turns an
 * alias into the name and a path into an absolute one. Deprecated options are not added. */
int options_fill(struct pool *p, const struct option_table *t, struct node *map);

/* The row of an option by name or alias; NULL: none. */
const struct rn_option *options_row(const struct option_table *t, const char *name);

/* One scalar by the rules of EXPERIMENT.md: the C locale, whole text used. False: not one.
 * 1_000, 64k, 10%, 1e-3 are numbers. A float may be .inf or .nan: look at the range. */
bool options_int(const char *text, int64_t *out);
bool options_float(const char *text, double *out);
bool options_span(const char *text, struct rn_span_value *out); /* "3 epochs" */
bool options_size(const char *text, int64_t *out);              /* "64 MiB", in bytes */

const char *options_type_name(uint32_t type); /* "int", "choice" */
/* "int 1…16777216 samples, default 1" for hints; "required" where there is no default. */
void options_type_text(const struct rn_option *o, struct text *out);
void options_describe(const struct option_table *t, struct text *out); /* an aligned table */

#endif
