/* checkpoint.h - parameters as a safetensors file, for others. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "model/model.h"
#include "safetensors.h"

#include <runner/reporter.h>

/* Parameters in the layout that PyTorch expects and kept buffers, each named layer.name. meta may
 * be NULL. */
int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta);
/* The same tensors in memory, for other formats. In any case to be freed. */
struct weights {
    struct pool *pool;
    const struct model *m;
    struct st_tensor *tensors;
    int n;
};
int checkpoint_collect(const struct model *m, struct weights *out);
void weights_free(struct weights *w);
/* The other way round: the model, which is open, gets the values of such a file, from PyTorch or
 * elsewhere, too. RN_EDATA: a tensor is missing, of another shape, or not known;
 * all such are named. PyTorch's counters of batches are passed over. *verified: the
 * file had a checksum, which is right. */
int checkpoint_read(const struct model *m, const char *path, bool *verified);
/* Whether it would, of a model that need not be open: RN_EDATA with all that does not fit. */
int checkpoint_fits(const struct model *m, const char *path);

#endif
