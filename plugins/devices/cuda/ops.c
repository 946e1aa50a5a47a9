/* ops.c - the launches of an operation. Parameters are copied by the launch; whatever they point at
 * is device memory. */
#include "cuda.h"

#include <string.h>

int launch(struct cuda *c, CUfunction f, int64_t blocks, int64_t blocks_y, void **args)
{
    if (blocks > INT32_MAX || blocks_y > UINT16_MAX)
        return RN_FAIL(RN_EUNSUPPORTED, "an operation on more values than a launch can have");
    if (blocks < 1 || blocks_y < 1)
        return RN_OK;
    return CU(api.cuLaunchKernel(f, (unsigned)blocks, (unsigned)blocks_y, 1, THREADS, 1, 1, 0,
                                 c->stream, args, NULL));
}

static int run_fill(struct cuda *c, const struct op *op)
{
    unsigned bits;

    memcpy(&bits, &op->does.fill.v, sizeof bits);
    return op->does.fill.n ? CU(api.cuMemsetD32Async((CUdeviceptr)op->does.fill.dst, bits,
                                                     (size_t)op->does.fill.n, c->stream))
                           : RN_OK;
}

static int run_copy(struct cuda *c, const struct op *op)
{
    return op->does.copy.bytes
               ? CU(api.cuMemcpyHtoDAsync_v2((CUdeviceptr)op->does.copy.dst, op->does.copy.src,
                                             op->does.copy.bytes, c->stream))
               : RN_OK;
}

static int run_gemm(struct cuda *c, const struct op *op)
{
    return products_launch(c, &(struct products){.one = op->does.gemm, .count = 1});
}

static int run_gather(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    struct rn_gather g = op->does.gather;
    int64_t n = g.rows * g.cols;
    int32_t channels = (int32_t)g.channels;
    uint32_t tag = op->does.tag, bytes = g.dtype == RN_U8, start_from = g.start_from;
    void *args[] = {&c->mark, &tag,     &block,      &n,       &g.cols,  &channels, &g.from,
                    &bytes,   &g.index, &start_from, &g.scale, &g.shift, &g.out};

    return launch(c, c->kernel[K_GATHER], ceil_div(n, THREADS), 1, args);
}

/* Recorded, it runs on a thread of the driver, between what stands before and behind it. */
static void CUDA_CB do_task(void *ctx)
{
    const struct rn_task *t = ctx;

    for (int64_t i = 0; i < t->slices; i++)
        t->fn(t->ctx, i);
}

static int run_task(struct cuda *c, const struct op *op)
{
    struct rn_task t = op->does.task;

    if (c->capturing)
        return CU(api.cuLaunchHostFunc(c->stream, do_task, (void *)(uintptr_t)&op->does.task));
    RN_TRY(CU(api.cuStreamSynchronize(c->stream)));
    do_task(&t);
    return RN_OK;
}

static int run_pool(struct cuda *c, const struct op *op)
{
    struct rn_pool p = op->does.pool;
    const struct rn_window *w = &p.window;
    int64_t n = p.rows * (p.backward ? rn_values_in(w) : rn_values_out(w, w->channels));
    uint32_t tag = op->does.tag, inside_only = p.inside_only;
    bool max = p.op == RN_POOL_MAX;

    if (p.backward) {
        const rn_real *where = max ? p.where : NULL;
        void *args[] = {&c->mark, &tag, &n, &p.window, &p.y, &where, &p.x, &inside_only, &p.beta};
        return launch(c, c->kernel[K_POOL_BACK], ceil_div(n, THREADS), 1, args);
    }
    void *args[] = {&c->mark, &tag, &n, &p.window, &p.x, &p.y, NULL};
    args[6] = max ? (void *)&p.where : (void *)&inside_only;
    return launch(c, c->kernel[max ? K_POOL_MAX : K_POOL_AVERAGE], ceil_div(n, THREADS), 1, args);
}

int op_launch(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    if (op->chain)
        return chain_launch(c, op, block);
    switch (op->does.kind) {
    case RN_OP_FILL: return run_fill(c, op);
    case RN_OP_COPY: return run_copy(c, op);
    case RN_OP_GEMM: return run_gemm(c, op);
    case RN_OP_REDUCE: return reduce_launch(c, op, block);
    case RN_OP_GATHER: return run_gather(c, op, block);
    case RN_OP_TASK: return run_task(c, op);
    case RN_OP_CONV: return conv_launch(c, op);
    default: return run_pool(c, op);
    }
}
