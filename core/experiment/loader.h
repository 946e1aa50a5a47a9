/* loader.h - what the sources of experiment.h share while a file is read. */
#ifndef LOADER_H
#define LOADER_H

#include "experiment.h"

struct loader {
    struct experiment *e;
    struct pool *pool; /* of e */
    struct registry *registry;
    struct diag *diag;
    struct node *root;
    const struct source *source; /* the file that was named */
    int plugin_errors;           /* of those in diag: plugins missing or broken */
    int depth;                   /* of the branches that are being read, in one another */
    int n_layers;                /* read so far, in branches too */
};

/* Reports keys of map that are not in known, which ends with NULL. x-... are notes. */
int keys_check(struct loader *l, const struct node *map, const char *path,
               const char *const *known);
/* Reads the section key of parent by the core's own table rows, ended by name NULL, and fills in
 * what it lacks; a section that is missing is made. *out is the struct, also after RN_EINVAL. */
int section_read(struct loader *l, const struct rn_option *rows, uint32_t size, struct node *parent,
                 const char *key, const char *path, void **out, struct node **section);

/* parts.c: everything that names a plugin. part_read: the options of one, whose other keys are in
 * skip; RN_EINVAL: it is in the diag. list_read: a list of them, named items and all. */
int parts_read(struct loader *l);
int part_read(struct loader *l, uint32_t kind, struct node *n, const char *path,
              const char *const *skip, struct part *out);
int list_read(struct loader *l, uint32_t kind, struct node *list, const char *path,
              struct part **out, int *n);
/* The core's own options of a section, beside the plugin's and the keys in skip. */
int own_read(struct loader *l, const struct rn_option *rows, uint32_t size, struct node *n,
             const char *path, const struct option_table *plugins, const char *const *skip,
             void **out);
/* Adds {type: name} for each plugin of the kind that is used by default and not in list yet. */
int defaults_add(struct loader *l, uint32_t kind, struct node *list, bool front);
/* layers.c: model.layers, and the branches of containers. */
int layers_read(struct loader *l);
/* The layers in the options of a layer; out is read but for these. Others have none. */
int branches_read(struct loader *l, const struct node *item, struct part *out);
/* What needs all parts: warnings, and names for the resolved file. */
int layers_finish(struct loader *l);
/* course.c: what happens while it trains: scheduler, callbacks, augmentation, metrics. */
int course_read(struct loader *l);
/* A list of single words, or one alone; *out may be empty. */
int words_read(struct loader *l, const struct node *n, const char *path, const char *const **out,
               int *count);
/* expects.c */
int expects_read(struct loader *l); /* after sections_read */
/* sections.c: data's split, normalize, limit, resident; train; tags; plugins. */
int plugins_read(struct loader *l); /* before parts_read */
int sections_read(struct loader *l);

/* The keys of the root, ended by NULL; those that compose_file() takes away; the tables of the
 * sections. tables.c puts them together. */
extern const char *const top_keys[], *const consumed_keys[3];
extern const struct rn_option head_rows[], data_rows[], split_rows[], normalize_rows[],
    limit_rows[], train_rows[], expect_rows[], warmup_rows[];

#endif
