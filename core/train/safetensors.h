/* safetensors.h - named tensors of floats in a file that PyTorch, numpy and others read:
 * https://huggingface.co/docs/safetensors. Our files carry a checksum of the whole file. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "base/mem.h"

#include <runner/reporter.h>

struct st_tensor {
    const char *name;
    int rank; /* 0: a scalar */
    const int64_t *dim;
    const float *data; /* row-major */
};

/* Replaces path whole or leaves it as it was. Names of tensors and keys of meta are distinct;
 * "sha256" is added to meta. */
int safetensors_write(const char *path, const struct st_tensor *tensors, int n,
                      const struct rn_fact *meta, int n_meta);

struct safetensors {
    struct pool *pool; /* owns all that is not data */
    void *file;
    struct st_tensor *tensors; /* in the order of the header */
    int n, n_meta;
    struct rn_fact *meta;
    const char *
        *counters; /* tensors of somebody else's that are whole numbers; no part of tensors */
    int n_counters;
    int64_t not_finite; /* values that are NaN or infinite */
    bool verified;      /* had a checksum, which is right; false: a file of somebody else */
};
/* Believes nothing: RN_EDATA with path and reason. *out is zero then. */
int safetensors_read(const char *path, struct safetensors *out);
/* The same with tensors of I64, too, as PyTorch's num_batches_tracked. */
int safetensors_read_foreign(const char *path, struct safetensors *out);
void safetensors_free(struct safetensors *st);

#endif
