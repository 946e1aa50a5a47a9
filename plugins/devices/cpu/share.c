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

static const rn_real *conv_output(const struct rn_conv *c, int64_t *n)
{
    bool to_x = c->pass == RN_CONV_GRAD_INPUT;

    *n = c->rows * (to_x ? rn_values_in(&c->window) : rn_values_out(&c->window, c->filters));
    return to_x ? c->x : c->y;
}

static const rn_real *pool_output(const struct rn_pool *p, int64_t *n)
{
    const struct rn_window *w = &p->window;

    *n = p->rows * (p->backward ? rn_values_in(w) : rn_values_out(w, w->channels));
    return p->backward ? p->x : p->y;
}

/* The i-th array that op writes, NULL behind the last; n: how many values, 0 where what is behind
 * op can't follow its rows. */
static const rn_real *output_of(const struct op *op, int i, int64_t *n)
{
    const struct rn_map_call *m = &op->does.map.call;

    *n = 0;
    if (op->does.kind == RN_OP_MAP && i < op->does.map.map->n_out) {
        *n = m->out_from[i] ? 0 : m->rows * m->cols;
        return m->out[i];
    }
    if (i)
        return NULL;
    switch (op->does.kind) {
    case RN_OP_FILL: return op->does.fill.dst;
    case RN_OP_COPY: return op->does.copy.dst;
    case RN_OP_GEMM: *n = op->does.gemm.m * op->does.gemm.n; return op->does.gemm.c;
    case RN_OP_REDUCE: return op->does.reduce.out;
    case RN_OP_GATHER: return op->does.gather.out;
    case RN_OP_ARGMAX: return op->does.argmax.out;
    case RN_OP_CONV: return op->step == CONV_PIECES ? conv_output(&op->does.conv, n) : NULL;
    case RN_OP_POOL: return pool_output(&op->does.pool, n);
    default: return NULL;
    }
}

/* Who wrote the values at p last, and how many of them. */
static const struct op *writer_of(const struct op_list *before, const rn_real *p, int64_t *n)
{
    for (int i = before->n - 1; i >= 0; i--) {
        const rn_real *out;
        for (int k = 0; (out = output_of(&before->op[i], k, n)) != NULL; k++)
            if (out == p)
                return &before->op[i];
    }
    return NULL;
}

/* The rows of who wrote the values at p last, when it did by rows, and by enough of them for a
 * large team. */
static bool follows(const struct op_list *before, const rn_real *p, int64_t rows, int64_t values,
                    struct share *out)
{
    int64_t n;
    const struct op *op = writer_of(before, p, &n);

    if (!op || n != values || op->share.axis != BY_ROWS || rows % op->share.n ||
        share_units(&op->share) < MANY)
        return false;
    *out = share_rows(rows, op->share.unit * (rows / op->share.n));
    return true;
}

static struct share share_map(const struct op_list *before, const struct op *op)
{
    const struct rn_map_call *c = &op->does.map.call;
    struct share s;

    for (int i = 0; i < op->does.map.map->n_in; i++)
        if (c->span[i] == RN_EACH && follows(before, c->in[i], c->rows, c->rows * c->cols, &s))
            return s;
    return share_matrix(c->rows, c->cols);
}

static struct share share_pool(const struct op_list *before, const struct rn_pool *p)
{
    const struct rn_window *w = &p->window;
    int64_t n = p->rows * (p->backward ? rn_values_out(w, w->channels) : rn_values_in(w));
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
    switch (op->does.kind) {
    case RN_OP_FILL: return share_matrix(1, op->does.fill.n);
    case RN_OP_GEMM: return share_matrix(op->does.gemm.m, op->does.gemm.n);
    case RN_OP_MAP: return share_map(before, op);
    case RN_OP_REDUCE: return share_reduce(&op->does.reduce, op->step);
    case RN_OP_GATHER: return share_matrix(op->does.gather.rows, op->does.gather.cols);
    case RN_OP_ARGMAX: return share_matrix(op->does.argmax.rows, 1);
    case RN_OP_TASK: return (struct share){BY_ALL, op->does.task.slices, 1};
    case RN_OP_CONV:
        return op->step == CONV_PIECES ? share_rows(op->does.conv.rows, op->v->piece)
                                       : share_matrix(1, op->v->count);
    case RN_OP_POOL: return share_pool(before, &op->does.pool);
    default: return (struct share){BY_FIRST, 1, 1};
    }
}
