/* tensor.h - a view of device memory. Row-major and contiguous, always. */
#ifndef RN_TENSOR_H
#define RN_TENSOR_H

#include "abi.h"

/* What the runner computes in. The gradient checker builds the same sources in double. */
#ifdef RN_DOUBLE
typedef double rn_real;
#else
typedef float rn_real;
#endif

#define RN_MAX_RANK 6

/* Without the batch. Images are height, width, channels in memory; YAML files and
 * messages say channels x height x width, as people do. */
struct rn_shape {
    int32_t rank;
    int32_t channels; /* of an image, also after it was flattened; 0: not an image */
    int64_t dim[RN_MAX_RANK];
};

struct rn_tensor {
    rn_real *data; /* a device address: only the device may follow it; NULL: not wanted */
    struct rn_shape shape;
};

static inline int64_t rn_count(const struct rn_shape *s)
{
    int64_t n = 1;

    for (int32_t i = 0; i < s->rank; i++)
        n *= s->dim[i];
    return n;
}

static inline struct rn_shape rn_vec(int64_t a) { return (struct rn_shape){.rank = 1, .dim = {a}}; }

static inline struct rn_shape rn_mat(int64_t a, int64_t b)
{
    return (struct rn_shape){.rank = 2, .dim = {a, b}};
}

#endif
