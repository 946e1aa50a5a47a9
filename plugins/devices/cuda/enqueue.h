/* enqueue.h - the operations of the device's table. */
#ifndef CUDA_ENQUEUE_H
#define CUDA_ENQUEUE_H

#include "cuda.h"

int op_run(struct cuda *c, const struct op *op, CUdeviceptr block);

int cuda_upload(struct rn_device *d, void *dst, const void *src, size_t bytes);
int cuda_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n);
int cuda_gemm(struct rn_device *d, const struct rn_gemm *g);
int cuda_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *call);
int cuda_reduce(struct rn_device *d, const struct rn_reduce *r);
int cuda_gather(struct rn_device *d, const struct rn_gather *g);
int cuda_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in, rn_real *out);
int cuda_task(struct rn_device *d, void (*fn)(void *ctx, int64_t slice), void *ctx, int64_t slices);
int cuda_conv(struct rn_device *d, const struct rn_conv *v);
int cuda_pool(struct rn_device *d, const struct rn_pool *p);

#endif
