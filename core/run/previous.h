/* previous.h - the run of the same name before this one. */
#ifndef PREVIOUS_H
#define PREVIOUS_H

#include "folder.h"

#include <runner/reporter.h>

/* The newest finished one, and how its parameters and its test set differ from those of f, whose
 * config.yaml and data.json are there by now. *out is NULL when there is none, or none that can be
 * read. All is in p. RN_ENOMEM.
 */
int previous_find(struct pool *p, const char *root, const char *name, const struct folder *f,
                  const struct rn_previous **out);

/* What differs between two configurations, each as tree_flatten() has it, but for what stands
 * beside the training. Added to changes, which has room for n_a + n_b more. */
void previous_changes(const struct rn_fact *a, int64_t n_a, const struct rn_fact *b, int64_t n_b,
                      struct rn_change *changes, int64_t *n);

#endif
