/* describe.c - what an operation is called, and how much arithmetic and memory it takes. */
#include "cpu.h"

#include <stdio.h>

#define REAL ((double)sizeof(rn_real))

static void name(struct rn_op_info *out, const char *s)
{
    snprintf(out->name, sizeof out->name, "%s", s);
}

static void matrix(struct rn_op_info *out, int64_t rows, int64_t cols)
{
    snprintf(out->detail, sizeof out->detail, "%lld x %lld", (long long)rows, (long long)cols);
}

/* ---- what it costs ---------------------------------------------------------------- */

static struct cost gemm_cost(const struct rn_gemm *g)
{
    double m = (double)g->m, n = (double)g->n, k = (double)g->k;

    return (struct cost){2 * m * n * k, REAL * (m * k + k * n + (g->beta != 0 ? 2 : 1) * m * n)};
}

static struct cost map_cost(const struct rn_map *map, const struct rn_map_call *c)
{
    double n = (double)c->rows * (double)c->cols, values = 0;

    for (int i = 0; i < map->n_in; i++)
        values += c->span[i] == RN_EACH      ? n
                  : c->span[i] == RN_PER_COL ? (double)c->cols
                  : c->span[i] == RN_PER_ROW ? (double)c->rows
                                             : 1;
    for (int i = 0; i < map->n_out; i++)
        values += n * (c->beta[i] != 0 ? 2 : 1);
    return (struct cost){0, REAL * values};
}

static struct cost conv_cost(const struct op *op)
{
    const struct convolution *v = op->conv.v;
    const struct rn_conv *c = &op->conv.call;
    const struct rn_window *w = &c->window;
    double rows = (double)c->rows, out = (double)values_out(w, c->filters);

    if (op->conv.step != CONV_PIECES)
        return (struct cost){0, REAL * (double)v->count *
                                    (op->conv.step == CONV_ARRANGE ? 2 : 1 + (double)v->pieces)};
    return (struct cost){2 * rows * out * w->kernel_h * w->kernel_w * w->channels / c->groups,
                         REAL * rows * (out + (double)values_in(w))};
}

struct cost op_cost(const struct op *op)
{
    const struct rn_window *w = &op->pool.window;
    const struct rn_gather *g = &op->gather;
    const struct rn_reduce *r = &op->reduce.call;

    switch (op->kind) {
    case OP_FILL: return (struct cost){0, REAL * (double)op->fill.n};
    case OP_COPY: return (struct cost){0, 2 * (double)op->copy.bytes};
    case OP_GEMM: return gemm_cost(&op->gemm);
    case OP_MAP: return map_cost(op->map.map, &op->map.call);
    case OP_REDUCE:
        return (struct cost){
            0, op->reduce.step == REDUCE_ADD_UP ? 0 : REAL * (double)r->rows * (double)r->cols};
    case OP_GATHER:
        return (struct cost){0, (double)g->rows * (double)g->cols *
                                    (REAL + (g->dtype == RN_U8 ? 1 : REAL))};
    case OP_ARGMAX:
        return (struct cost){0, REAL * (double)op->argmax.rows * (double)op->argmax.cols};
    case OP_CONV: return conv_cost(op);
    case OP_POOL:
        return (struct cost){
            0, REAL * (double)op->pool.rows *
                   (double)(values_in(w) + values_out(w, w->channels) * (op->pool.where ? 2 : 1))};
    default: return (struct cost){0, 0};
    }
}

/* ---- what it is called -------------------------------------------------------------- */

static void name_gemm(const struct rn_gemm *g, struct rn_op_info *out)
{
    name(out, g->ta ? "gemm A'B" : g->tb ? "gemm AB'" : "gemm AB");
    snprintf(out->detail, sizeof out->detail, "%lld x %lld x %lld", (long long)g->m,
             (long long)g->n, (long long)g->k);
}

static void name_reduce(const struct rn_reduce *r, uint8_t step, struct rn_op_info *out)
{
    static const char *const words[] = {"sum", "sum of squares", "maximum"};
    static const char *const over[] = {"", " of columns", " of rows", ""};

    snprintf(out->name, sizeof out->name, "%s%s%s", words[r->op], over[r->over],
             step == REDUCE_ADD_UP ? ", pieces" : "");
    matrix(out, r->rows, r->cols);
}

static void window(struct rn_op_info *out, const struct rn_window *w, int64_t filters)
{
    snprintf(out->detail, sizeof out->detail, "%dx%dx%d to %lldx%dx%d, %dx%d", w->channels, w->h,
             w->w, (long long)filters, w->out_h, w->out_w, w->kernel_h, w->kernel_w);
}

static void name_conv(const struct rn_conv *c, uint8_t step, struct rn_op_info *out)
{
    static const char *const passes[] = {"conv", "conv, input", "conv, weights"};
    static const char *const steps[] = {
        [CONV_ARRANGE] = ", order", [CONV_PIECES] = "", [CONV_ADD_UP] = ", pieces"};

    snprintf(out->name, sizeof out->name, "%s%s", passes[c->pass], steps[step]);
    window(out, &c->window, c->filters);
}

void op_describe(const struct op *op, struct rn_op_info *out)
{
    struct cost cost = op_cost(op);

    *out = (struct rn_op_info){
        .size = out->size, .tag = op->tag, .flops = cost.flops, .bytes = cost.bytes};
    switch (op->kind) {
    case OP_FILL:
        name(out, "fill");
        matrix(out, 1, op->fill.n);
        break;
    case OP_COPY: name(out, "copy"); break;
    case OP_GEMM: name_gemm(&op->gemm, out); break;
    case OP_MAP:
        name(out, op->map.map->name);
        matrix(out, op->map.call.rows, op->map.call.cols);
        break;
    case OP_REDUCE: name_reduce(&op->reduce.call, op->reduce.step, out); break;
    case OP_GATHER:
        name(out, "gather");
        matrix(out, op->gather.rows, op->gather.cols);
        break;
    case OP_ARGMAX:
        name(out, "argmax");
        matrix(out, op->argmax.rows, op->argmax.cols);
        break;
    case OP_CONV: name_conv(&op->conv.call, op->conv.step, out); break;
    case OP_POOL:
        name(out, op->pool.backward ? "pool, input" : "pool");
        window(out, &op->pool.window, op->pool.window.channels);
        break;
    default: name(out, "host task");
    }
}
