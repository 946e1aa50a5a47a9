/* checkpoint.h - parameters as a safetensors file, for others. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "model/model.h"

#include <runner/reporter.h>

/* Parameters in the layout that PyTorch expects and kept buffers, each named layer.name. meta may
 * be NULL. */
int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta);
/* The other way round: the model, which is open, gets the values of such a file, from PyTorch or
 * elsewhere, too. RN_EDATA: a tensor is missing, of another shape, or not known. *verified: the
 * file had a checksum, which is right. */
int checkpoint_read(const struct model *m, const char *path, bool *verified);

#endif
