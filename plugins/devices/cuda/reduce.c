/* reduce.c - sums and maxima of columns, and of all, in one step or, where one block would take
 * long, in two: some rows or values each, then those results. How they are cut depends on nothing
 * but the size. */
#include "cuda.h"

enum { SOME_ROWS = 256, SOME_VALUES = 16 * THREADS };

/* Columns of a single value are one row. */
static struct rn_reduce as_kernel(const struct rn_reduce *r)
{
    struct rn_reduce one = *r;

    if (r->over == RN_ONE || (r->over == RN_PER_COL && r->cols == 1)) {
        one.cols = r->rows * r->cols;
        one.rows = 1;
        one.over = RN_ONE;
    }
    return one;
}

/* Into how many parts it is cut; 1: not at all. */
static int64_t parts_of(const struct rn_reduce *r)
{
    if (r->over == RN_ONE)
        return r->cols > 2 * SOME_VALUES ? ceil_div(r->cols, SOME_VALUES) : 1;
    return r->over == RN_PER_COL && r->rows > 2 * SOME_ROWS ? ceil_div(r->rows, SOME_ROWS) : 1;
}

int64_t reduce_parts(const struct rn_reduce *r)
{
    const struct rn_reduce k = as_kernel(r);
    int64_t parts = parts_of(&k);

    return parts == 1 ? 0 : parts * (k.over == RN_ONE ? 1 : k.cols);
}

/* One launch; some: rows or values for a block, of `blocks` blocks. */
static int step(struct cuda *c, uint32_t tag, CUdeviceptr block, const struct rn_reduce *r,
                int64_t some, int64_t blocks)
{
    struct rn_reduce v = *r;
    uint32_t op = r->op, out_from = r->out_from;

    if (r->over == RN_PER_COL) {
        void *args[] = {&c->mark, &tag,   &block,    &v.rows, &v.cols, &some,
                        &v.in,    &v.out, &out_from, &v.beta, &op};
        return launch(c, c->kernel[K_REDUCE_COLS], ceil_div(r->cols, WARP), blocks, args);
    }
    void *args[] = {&c->mark, &tag, &block, &v.cols, &some, &v.in, &v.out, &out_from, &v.beta, &op};
    return launch(c, c->kernel[K_REDUCE_ALL], blocks, 1, args);
}

int reduce_launch(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    const struct rn_reduce all = as_kernel(&op->does.reduce);
    const bool one = all.over == RN_ONE;
    int64_t parts = parts_of(&all);
    struct rn_reduce first = all, second = all;

    if (parts == 1)
        return step(c, op->does.tag, block, &all, one ? all.cols : all.rows, 1);
    first.out = op->parts;
    first.out_from = 0;
    first.beta = 0;
    RN_TRY(step(c, op->does.tag, block, &first, one ? SOME_VALUES : SOME_ROWS, parts));
    second.in = op->parts;
    second.op = all.op == RN_MAX ? RN_MAX : RN_SUM;
    *(one ? &second.cols : &second.rows) = parts;
    return step(c, op->does.tag, block, &second, parts, 1);
}
