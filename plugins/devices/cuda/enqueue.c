/* enqueue.c - the operations as the core calls them: recorded, or launched at once. */
#include "enqueue.h"

static int list_add(struct op_list *l, const struct op *op)
{
    void *at = l->op;

    RN_TRY(rn_grow(&at, l->n, &l->cap, sizeof *op));
    l->op = at;
    l->op[l->n++] = *op;
    return RN_OK;
}

/* Launches and, where each operation is waited for, says whose error it was. */
int op_run(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    int status = op_launch(c, op, block);

    if (status >= 0 && c->one_by_one && !c->capturing)
        status = CU(api.cuStreamSynchronize(c->stream));
    return status < 0 && !c->capturing ? note_fault(c, status, op->does.tag, c->one_by_one)
                                       : status;
}

static int enqueue(struct rn_device *d, struct op op)
{
    struct cuda *c = cuda_of(d);

    op.does.tag = c->tag;
    if (c->recording)
        return list_add(&c->recording->list, &op);
    RN_TRY(chains_plan(c, &op, 1));
    RN_TRY(chains_compile(c));
    return op_run(c, &op, c->zero_block);
}

int cuda_upload(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_COPY, .copy = {dst, src, bytes}}});
}

int cuda_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_FILL, .fill = {dst, v, n}}});
}

int cuda_gemm(struct rn_device *d, const struct rn_gemm *g)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_GEMM, .gemm = *g}});
}

int cuda_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *call)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_MAP, .map = {map, *call}}});
}

int cuda_reduce(struct rn_device *d, const struct rn_reduce *r)
{
    struct op op = {.does = {.kind = RN_OP_REDUCE, .reduce = *r}};
    int64_t parts = reduce_parts(r);

    if (parts)
        RN_TRY(scratch_take(cuda_of(d), (size_t)parts * sizeof(rn_real), &op.parts));
    return enqueue(d, op);
}

int cuda_gather(struct rn_device *d, const struct rn_gather *g)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_GATHER, .gather = *g}});
}

int cuda_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in, rn_real *out)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_ARGMAX, .argmax = {in, out, rows, cols}}});
}

int cuda_task(struct rn_device *d, void (*fn)(void *ctx, int64_t slice), void *ctx, int64_t slices)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_TASK, .task = {fn, ctx, slices}}});
}

int cuda_conv(struct rn_device *d, const struct rn_conv *v)
{
    struct op op = {.does = {.kind = RN_OP_CONV, .conv = *v}};

    RN_TRY(conv_prepare(cuda_of(d), &op));
    return enqueue(d, op);
}

int cuda_pool(struct rn_device *d, const struct rn_pool *p)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_POOL, .pool = *p}});
}
