/* spec_parts.h - the parts of a sweep's file that say what changes, for spec.c. */
#ifndef SWEEP_SPEC_PARTS_H
#define SWEEP_SPEC_PARTS_H

#include "base/file.h"
#include "experiment/experiment.h"
#include "spec.h"

enum { SEEDS_MAX = 10000, PIECES_MAX = 10000 };

extern const struct rn_option range_rows[]; /* of a dimension of space */
/* variants, grid, zip, include, exclude, space. */
int parts_of_sweep(struct sweep_spec *s, struct node *sweep);
int axis_of_list(struct sweep_spec *s, const char *path, struct mark at, struct node *list,
                 struct axis *out);
int seeds_list(struct sweep_spec *s, const struct node *list, const char *path);

#endif
