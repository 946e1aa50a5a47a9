/* describe.c - what an operation is called, and how much arithmetic and memory it takes. */
#include "cuda.h"

#include <stdio.h>

#define REAL ((double)sizeof(rn_real))

/* Values of one image before and behind a window. */
static double values_in(const struct rn_window *w) { return (double)w->h * w->w * w->channels; }

static double values_out(const struct rn_window *w, int64_t channels)
{
    return (double)w->out_h * w->out_w * (double)channels;
}

static void name(struct rn_op_info *out, const char *s)
{
    snprintf(out->name, sizeof out->name, "%s", s);
}

static void matrix(struct rn_op_info *out, int64_t rows, int64_t cols)
{
    snprintf(out->detail, sizeof out->detail, "%lld x %lld", (long long)rows, (long long)cols);
}

/* ---- what it costs ---------------------------------------------------------------- */

struct cost { /* as in struct rn_op_info */
    double flops, bytes;
};

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

/* The matrix of windows is written and read, beside the images themselves. */
static struct cost conv_cost(const struct op *op)
{
    const struct rn_conv *c = &op->conv.call;
    const struct rn_window *w = &c->window;
    double rows = (double)c->rows, out = values_out(w, c->filters);
    double taps = (double)w->kernel_h * w->kernel_w * w->channels;
    double col = op->conv.col ? 2 * taps * w->out_h * w->out_w : 0;

    return (struct cost){2 * rows * out * taps / c->groups,
                         REAL * rows * (out + values_in(w) + col)};
}

static struct cost op_cost(const struct op *op)
{
    const struct rn_window *w = &op->pool.window;
    const struct rn_gather *g = &op->gather;
    const struct rn_reduce *r = &op->reduce.call;

    switch (op->kind) {
    case OP_FILL: return (struct cost){0, REAL * (double)op->fill.n};
    case OP_COPY: return (struct cost){0, 2 * (double)op->copy.bytes};
    case OP_GEMM: return gemm_cost(&op->gemm);
    case OP_MAP: return map_cost(op->map.map, &op->map.call);
    case OP_REDUCE: return (struct cost){0, REAL * (double)r->rows * (double)r->cols};
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

static void name_reduce(const struct rn_reduce *r, struct rn_op_info *out)
{
    static const char *const words[] = {"sum", "sum of squares", "maximum"};
    static const char *const over[] = {"", " of columns", " of rows", ""};

    snprintf(out->name, sizeof out->name, "%s%s", words[r->op], over[r->over]);
    matrix(out, r->rows, r->cols);
}

static void window(struct rn_op_info *out, const struct rn_window *w, int64_t filters)
{
    snprintf(out->detail, sizeof out->detail, "%dx%dx%d to %lldx%dx%d, %dx%d", w->channels, w->h,
             w->w, (long long)filters, w->out_h, w->out_w, w->kernel_h, w->kernel_w);
}

static void name_conv(const struct rn_conv *c, struct rn_op_info *out)
{
    static const char *const passes[] = {"conv", "conv, input", "conv, weights"};

    name(out, passes[c->pass]);
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
    case OP_REDUCE: name_reduce(&op->reduce.call, out); break;
    case OP_GATHER:
        name(out, "gather");
        matrix(out, op->gather.rows, op->gather.cols);
        break;
    case OP_ARGMAX:
        name(out, "argmax");
        matrix(out, op->argmax.rows, op->argmax.cols);
        break;
    case OP_CONV: name_conv(&op->conv.call, out); break;
    case OP_POOL:
        name(out, op->pool.backward ? "pool, input" : "pool");
        window(out, &op->pool.window, op->pool.window.channels);
        break;
    default: name(out, "host task");
    }
}
