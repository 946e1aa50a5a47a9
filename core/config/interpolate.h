/* interpolate.h - ${...} in values. */
#ifndef INTERPOLATE_H
#define INTERPOLATE_H

#include "tree.h"

enum { INTERPOLATE_MAX = 1000 }; /* references in all */

/* Replaces ${path.to.value}, ${env:NAME} and ${env:NAME,default} in all values, in quotes or not.
 * A value that is exactly one ${path} becomes a copy of what is there, type and all. */
int interpolate(struct pool *p, struct node *root, struct diag *d);

#endif
