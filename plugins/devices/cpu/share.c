/* share.c - who computes what: how an operation is cut into units, and which of them are whose. */
#include "cpu.h"

#define MANY 32 /* units */

struct share share_rows(int64_t rows, int64_t unit) { return (struct share){BY_ROWS, rows, unit}; }

struct share share_matrix(int64_t rows, int64_t cols)
{
    return cols >= 2 * COL_UNIT ? (struct share){BY_COLS, cols, COL_UNIT}
           : rows > ROW_UNIT    ? share_rows(rows, ROW_UNIT)
                                : (struct share){BY_FIRST, 1, 1};
}

int64_t share_units(const struct share *s) { return (s->n + s->unit - 1) / s->unit; }

int64_t share_first(const struct share *s, int thread, int threads)
{
    return (share_units(s) * thread + threads - 1) / threads;
}

struct slice slice_of(const struct share *s, int64_t rows, int64_t cols, int64_t u0, int64_t u1)
{
    int64_t from = least(u0 * s->unit, s->n), to = least(u1 * s->unit, s->n);

    switch (s->axis) {
    case BY_COLS: return (struct slice){0, rows, from, to};
    case BY_ROWS: return (struct slice){from, to, 0, cols};
    default: return (struct slice){0, u0 < u1 ? rows : 0, 0, u0 < u1 ? cols : 0};
    }
}

/* ---- of each operation ------------------------------------------------------------ */

static int64_t conv_values(const struct rn_conv *c, const rn_real **out)
{
    const struct rn_window *w = &c->window;
    bool to_x = c->pass == RN_CONV_GRAD_INPUT;

    *out = to_x ? c->x : c->y;
    return c->rows *
           (to_x ? (int64_t)w->h * w->w * w->channels : (int64_t)w->out_h * w->out_w * c->filters);
}

static int64_t pool_values(const struct rn_pool *p, const rn_real **out)
{
    const struct rn_window *w = &p->window;

    *out = p->backward ? p->x : p->y;
    return p->rows * w->channels *
           (p->backward ? (int64_t)w->h * w->w : (int64_t)w->out_h * w->out_w);
}

static const rn_real *other_output(const struct op *op)
{
    switch (op->kind) {
    case OP_FILL: return op->fill.dst;
    case OP_COPY: return op->copy.dst;
    case OP_REDUCE: return op->reduce.call.out;
    case OP_GATHER: return op->gather.out;
    case OP_ARGMAX: return op->argmax.out;
    default: return NULL;
    }
}

/* How many values op writes to p as a whole; 0: it does not; -1: in a way that nobody follows. */
static int64_t writes(const struct op *op, const rn_real *p)
{
    const rn_real *out = NULL;
    int64_t n = 0;

    if (op->kind == OP_MAP) {
        for (int i = 0; i < op->map.map->n_out; i++)
            if (op->map.call.out[i] == p && !op->map.call.out_from[i])
                return op->map.call.rows * op->map.call.cols;
        return 0;
    }
    if (op->kind == OP_GEMM) {
        out = op->gemm.c;
        n = op->gemm.m * op->gemm.n;
    } else if (op->kind == OP_CONV && op->conv.step == CONV_PIECES)
        n = conv_values(&op->conv.call, &out);
    else if (op->kind == OP_POOL)
        n = pool_values(&op->pool, &out);
    else
        return other_output(op) == p ? -1 : 0;
    return out == p ? n : 0;
}

/* The rows of who wrote the values at p last, when it did by rows, and by enough of them for a
 * large team. */
static bool follows(const struct op_list *before, const rn_real *p, int64_t rows, int64_t values,
                    struct share *out)
{
    for (int i = before->n - 1; i >= 0; i--) {
        const struct op *op = &before->op[i];
        int64_t n = writes(op, p);
        if (!n)
            continue;
        if (n != values || op->share.axis != BY_ROWS || rows % op->share.n ||
            share_units(&op->share) < MANY)
            return false;
        *out = share_rows(rows, op->share.unit * (rows / op->share.n));
        return true;
    }
    return false;
}

static struct share share_map(const struct op_list *before, const struct op *op)
{
    const struct rn_map_call *c = &op->map.call;
    struct share s;

    for (int i = 0; i < op->map.map->n_in; i++)
        if (c->span[i] == RN_EACH && follows(before, c->in[i], c->rows, c->rows * c->cols, &s))
            return s;
    return share_matrix(c->rows, c->cols);
}

static struct share share_pool(const struct op_list *before, const struct rn_pool *p)
{
    const struct rn_window *w = &p->window;
    int64_t n =
        p->rows * w->channels * (p->backward ? (int64_t)w->out_h * w->out_w : (int64_t)w->h * w->w);
    struct share s;

    return follows(before, p->backward ? p->y : p->x, p->rows, n, &s) ? s : share_rows(p->rows, 1);
}

static struct share share_reduce(const struct rn_reduce *r, uint8_t step)
{
    if (step == REDUCE_PARTS)
        return share_rows(r->over == RN_ONE ? r->rows * r->cols : r->rows, reduce_piece(r->over));
    if (r->over == RN_PER_COL)
        return share_matrix(1, r->cols);
    return share_matrix(r->over == RN_ONE ? 1 : r->rows, 1);
}

struct share share_op(const struct op_list *before, const struct op *op)
{
    switch (op->kind) {
    case OP_FILL: return share_matrix(1, op->fill.n);
    case OP_GEMM: return share_matrix(op->gemm.m, op->gemm.n);
    case OP_MAP: return share_map(before, op);
    case OP_REDUCE: return share_reduce(&op->reduce.call, op->reduce.step);
    case OP_GATHER: return share_matrix(op->gather.rows, op->gather.cols);
    case OP_ARGMAX: return share_matrix(op->argmax.rows, 1);
    case OP_TASK: return (struct share){BY_ALL, op->task.slices, 1};
    case OP_CONV:
        return op->conv.step == CONV_PIECES ? share_rows(op->conv.call.rows, op->conv.v->piece)
                                            : share_matrix(1, op->conv.v->count);
    case OP_POOL: return share_pool(before, &op->pool);
    default: return (struct share){BY_FIRST, 1, 1};
    }
}
