/* flatten.h - a tree as a list of paths and values, each as an override would be typed:
 * "optimizer.lr" "0.01", "model.layers.dense1.units" "256". */
#ifndef FLATTEN_H
#define FLATTEN_H

#include "tree.h"

#include <runner/reporter.h>

/* Sorted by path; items of lists by name, or by type and number. A list of single values is one
 * value, "[a, b]". What is very long is cut, and its end says which it was. All is in p. RN_ENOMEM.
 */
int tree_flatten(struct pool *p, const struct node *root, const struct rn_fact **out, int64_t *n);
/* Of them those that somebody wrote: no defaults. */
int tree_flatten_changed(struct pool *p, const struct node *root, const struct rn_fact **out,
                         int64_t *n);

#endif
