/* operation.h - an operation as a value, for devices that keep lists of them: what it is, what it
 * takes and what it is called. No part of the ABI: it is compiled into the device that includes it.
 */
#ifndef RN_OPERATION_H
#define RN_OPERATION_H

#include "device.h"

#include <stdio.h>
#include <string.h>

enum rn_operation_kind {
    RN_OP_FILL,
    RN_OP_COPY,
    RN_OP_GEMM,
    RN_OP_MAP,
    RN_OP_REDUCE,
    RN_OP_GATHER,
    RN_OP_ARGMAX,
    RN_OP_TASK,
    RN_OP_CONV,
    RN_OP_POOL,
};

struct rn_task {
    void (*fn)(void *ctx, int64_t slice);
    void *ctx;
    int64_t slices;
};

struct rn_operation {
    uint32_t tag;
    uint8_t kind; /* enum rn_operation_kind */
    union {
        struct {
            rn_real *dst, v;
            int64_t n;
        } fill;
        struct {
            void *dst;
            const void *src;
            size_t bytes;
        } copy;
        struct rn_gemm gemm;
        struct {
            const struct rn_map *map;
            struct rn_map_call call;
        } map;
        struct rn_reduce reduce;
        struct rn_gather gather;
        struct {
            const rn_real *in;
            rn_real *out;
            int64_t rows, cols;
        } argmax;
        struct rn_task task;
        struct rn_conv conv;
        struct rn_pool pool;
    };
};

/* Room for one more of n things of a size in an array that grows. RN_ENOMEM leaves it as it is. */
static inline int rn_grow(void **at, int n, int *cap, size_t size)
{
    if (n < *cap)
        return RN_OK;
    int more = *cap ? 2 * *cap : 64;
    void *grown = rn_host->alloc((size_t)more * size);
    if (!grown)
        return RN_ENOMEM;
    if (n)
        memcpy(grown, *at, (size_t)n * size);
    rn_host->free(*at);
    *at = grown;
    *cap = more;
    return RN_OK;
}

/* ---- sizes: values of one image before and behind a window ------------------------------- */

static inline int64_t rn_values_in(const struct rn_window *w)
{
    return (int64_t)w->h * w->w * w->channels;
}

static inline int64_t rn_values_out(const struct rn_window *w, int64_t channels)
{
    return (int64_t)w->out_h * w->out_w * channels;
}

/* ---- what it takes ------------------------------------------------------------------------ */

struct rn_cost { /* as in struct rn_op_info */
    double flops, bytes;
};

static inline struct rn_cost rn_gemm_cost(const struct rn_gemm *g)
{
    const double m = (double)g->m, n = (double)g->n, k = (double)g->k;

    return (struct rn_cost){2 * m * n * k, (double)sizeof(rn_real) *
                                               (m * k + k * n + (g->beta != 0 ? 2 : 1) * m * n)};
}

static inline double rn_map_values(const struct rn_map *map, const struct rn_map_call *c)
{
    const double n = (double)c->rows * (double)c->cols;
    double values = 0;

    for (int i = 0; i < map->n_in; i++)
        values += c->span[i] == RN_EACH      ? n
                  : c->span[i] == RN_PER_COL ? (double)c->cols
                  : c->span[i] == RN_PER_ROW ? (double)c->rows
                                             : 1;
    for (int i = 0; i < map->n_out; i++)
        values += n * (c->beta[i] != 0 ? 2 : 1);
    return values;
}

static inline struct rn_cost rn_conv_cost(const struct rn_conv *c)
{
    const struct rn_window *w = &c->window;
    const double rows = (double)c->rows, out = (double)rn_values_out(w, c->filters);

    return (struct rn_cost){2 * rows * out * w->kernel_h * w->kernel_w * w->channels / c->groups,
                            (double)sizeof(rn_real) * rows * (out + (double)rn_values_in(w))};
}

/* Of the large operands, each read and written once. */
static inline struct rn_cost rn_operation_cost(const struct rn_operation *op)
{
    const double size = (double)sizeof(rn_real);
    const struct rn_window *w = &op->pool.window;
    const struct rn_gather *g = &op->gather;

    switch (op->kind) {
    case RN_OP_FILL: return (struct rn_cost){0, size * (double)op->fill.n};
    case RN_OP_COPY: return (struct rn_cost){0, 2 * (double)op->copy.bytes};
    case RN_OP_GEMM: return rn_gemm_cost(&op->gemm);
    case RN_OP_MAP: return (struct rn_cost){0, size * rn_map_values(op->map.map, &op->map.call)};
    case RN_OP_REDUCE:
        return (struct rn_cost){0, size * (double)op->reduce.rows * (double)op->reduce.cols};
    case RN_OP_GATHER:
        return (struct rn_cost){0, (double)g->rows * (double)g->cols *
                                       (size + (g->dtype == RN_U8 ? 1 : size))};
    case RN_OP_ARGMAX:
        return (struct rn_cost){0, size * (double)op->argmax.rows * (double)op->argmax.cols};
    case RN_OP_CONV: return rn_conv_cost(&op->conv);
    case RN_OP_POOL:
        return (struct rn_cost){0, size * (double)op->pool.rows *
                                       (double)(rn_values_in(w) + rn_values_out(w, w->channels) *
                                                                      (op->pool.where ? 2 : 1))};
    default: return (struct rn_cost){0, 0};
    }
}

/* ---- what it is called -------------------------------------------------------------------- */

static inline void rn_name_(struct rn_op_info *out, const char *name)
{
    snprintf(out->name, sizeof out->name, "%s", name);
}

static inline void rn_name_matrix_(struct rn_op_info *out, const char *name, int64_t rows,
                                   int64_t cols)
{
    rn_name_(out, name);
    snprintf(out->detail, sizeof out->detail, "%lld x %lld", (long long)rows, (long long)cols);
}

static inline void rn_name_window_(struct rn_op_info *out, const char *name,
                                   const struct rn_window *w, int64_t filters)
{
    rn_name_(out, name);
    snprintf(out->detail, sizeof out->detail, "%dx%dx%d to %lldx%dx%d, %dx%d", w->channels, w->h,
             w->w, (long long)filters, w->out_h, w->out_w, w->kernel_h, w->kernel_w);
}

static inline void rn_name_gemm_(struct rn_op_info *out, const struct rn_gemm *g)
{
    rn_name_(out, g->ta ? "gemm A'B" : g->tb ? "gemm AB'" : "gemm AB");
    snprintf(out->detail, sizeof out->detail, "%lld x %lld x %lld", (long long)g->m,
             (long long)g->n, (long long)g->k);
}

static inline void rn_name_reduce_(struct rn_op_info *out, const struct rn_reduce *r)
{
    static const char *const words[] = {"sum", "sum of squares", "maximum"};
    static const char *const over[] = {"", " of columns", " of rows", ""};
    char name[sizeof out->name];

    snprintf(name, sizeof name, "%s%s", words[r->op], over[r->over]);
    rn_name_matrix_(out, name, r->rows, r->cols);
}

/* Fills *out, whose size is set; the cost is rn_operation_cost(). */
static inline void rn_operation_info(const struct rn_operation *op, struct rn_op_info *out)
{
    static const char *const passes[] = {"conv", "conv, input", "conv, weights"};
    const struct rn_cost cost = rn_operation_cost(op);

    *out = (struct rn_op_info){
        .size = out->size, .tag = op->tag, .flops = cost.flops, .bytes = cost.bytes};
    switch (op->kind) {
    case RN_OP_FILL: rn_name_matrix_(out, "fill", 1, op->fill.n); break;
    case RN_OP_COPY: rn_name_(out, "copy"); break;
    case RN_OP_GEMM: rn_name_gemm_(out, &op->gemm); break;
    case RN_OP_MAP:
        rn_name_matrix_(out, op->map.map->name, op->map.call.rows, op->map.call.cols);
        break;
    case RN_OP_REDUCE: rn_name_reduce_(out, &op->reduce); break;
    case RN_OP_GATHER: rn_name_matrix_(out, "gather", op->gather.rows, op->gather.cols); break;
    case RN_OP_ARGMAX: rn_name_matrix_(out, "argmax", op->argmax.rows, op->argmax.cols); break;
    case RN_OP_CONV:
        rn_name_window_(out, passes[op->conv.pass], &op->conv.window, op->conv.filters);
        break;
    case RN_OP_POOL:
        rn_name_window_(out, op->pool.backward ? "pool, input" : "pool", &op->pool.window,
                        op->pool.window.channels);
        break;
    default: rn_name_(out, "host task");
    }
}

#endif
