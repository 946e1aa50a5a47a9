/* checkpoint.h - parameters as a safetensors file, for others. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "model/model.h"

#include <runner/reporter.h>

/* Parameters in the layout that PyTorch expects and kept buffers, each named layer.name. meta may
 * be NULL. */
int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta);

#endif
