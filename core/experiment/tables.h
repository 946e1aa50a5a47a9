/* tables.h - all that can stand in a file, as a list: for the schema and the reference. */
#ifndef TABLES_H
#define TABLES_H

#include "experiment.h"

enum section_form {
    SECTION_VALUE = 1, /* one value: rows has the row of that name */
    SECTION_OPTIONS,   /* a map of the options in rows */
    SECTION_ITEMS,     /* a list of such maps */
    SECTION_PART,      /* one plugin of the kind; rows: options that any of them has */
    SECTION_PARTS,     /* a list of plugins of the kind, each of which may have a name */
    SECTION_WORDS,     /* a word or a list of words */
    SECTION_MAP,       /* a map of the sections below it */
    SECTION_FREE,      /* a map of anything */
};

struct section {
    const char *path, *help; /* "data.split"; NULL ends the list */
    uint32_t form, kind;     /* enum section_form, enum rn_kind */
    const struct rn_option *rows;
    bool needed; /* unless there is a plugin that is used by default */
};

/* In the order of a file; what is in a section follows it. */
extern const struct section sections[];

/* The schema of a file for editors: JSON Schema, draft 7, with all plugins that can be found. */
int experiment_schema(struct registry *r, struct text *out);
/* All sections and plugins with their options, as Markdown; others: the sections of other kinds of
 * files. */
struct other_file {
    const char *heading; /* NULL ends the list */
    const struct section *sections;
};
int experiment_reference(struct registry *r, const struct other_file *others, struct text *out);

/* Whether inner stands directly in outer, "" being the root; returns its key, or NULL. */
const char *section_key(const struct section *inner, const char *outer);
/* The row of a table that ends with name NULL; rows may be NULL. */
const struct rn_option *section_row(const struct rn_option *rows, const char *name);

#endif
