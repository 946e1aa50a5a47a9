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

static void describe_gemm(const struct rn_gemm *g, struct rn_op_info *out)
{
    double m = (double)g->m, n = (double)g->n, k = (double)g->k;

    name(out, g->ta ? "gemm A'B" : g->tb ? "gemm AB'" : "gemm AB");
    snprintf(out->detail, sizeof out->detail, "%lld x %lld x %lld", (long long)g->m,
             (long long)g->n, (long long)g->k);
    out->flops = 2 * m * n * k;
    out->bytes = REAL * (m * k + k * n + (g->beta != 0 ? 2 : 1) * m * n);
}

static void describe_map(const struct rn_map *map, const struct rn_map_call *c,
                         struct rn_op_info *out)
{
    double n = (double)c->rows * (double)c->cols;

    name(out, map->name);
    matrix(out, c->rows, c->cols);
    for (int i = 0; i < map->n_in; i++)
        out->bytes += REAL * (c->span[i] == RN_EACH      ? n
                              : c->span[i] == RN_PER_COL ? (double)c->cols
                              : c->span[i] == RN_PER_ROW ? (double)c->rows
                                                         : 1);
    for (int i = 0; i < map->n_out; i++)
        out->bytes += REAL * n * (c->beta[i] != 0 ? 2 : 1);
}

static void describe_reduce(const struct rn_reduce *r, uint8_t step, struct rn_op_info *out)
{
    static const char *const words[] = {"sum", "sum of squares", "maximum"};
    static const char *const over[] = {"", " of columns", " of rows", ""};

    snprintf(out->name, sizeof out->name, "%s%s%s", words[r->op], over[r->over],
             step == REDUCE_ADD_UP ? ", pieces" : "");
    matrix(out, r->rows, r->cols);
    out->bytes = step == REDUCE_ADD_UP ? 0 : REAL * (double)r->rows * (double)r->cols;
}

static double elements(const struct rn_window *w, int64_t rows, bool output, int64_t channels)
{
    return (double)rows * (output ? w->out_h : w->h) * (output ? w->out_w : w->w) *
           (double)channels;
}

static void window(struct rn_op_info *out, const struct rn_window *w, int64_t filters)
{
    snprintf(out->detail, sizeof out->detail, "%dx%dx%d to %lldx%dx%d, %dx%d", w->channels, w->h,
             w->w, (long long)filters, w->out_h, w->out_w, w->kernel_h, w->kernel_w);
}

static void describe_conv(const struct op *op, struct rn_op_info *out)
{
    static const char *const passes[] = {"conv", "conv, input", "conv, weights"};
    const struct rn_conv *c = &op->conv.call;
    const struct rn_window *w = &c->window;

    window(out, w, c->filters);
    if (op->conv.step != CONV_PIECES) {
        snprintf(out->name, sizeof out->name, "%s, %s", passes[c->pass],
                 op->conv.step == CONV_ARRANGE ? "order" : "pieces");
        out->bytes = REAL * (double)op->conv.v->count *
                     (op->conv.step == CONV_ARRANGE ? 2 : 1 + (double)op->conv.v->pieces);
        return;
    }
    name(out, passes[c->pass]);
    out->flops = 2 * elements(w, c->rows, true, c->filters) * w->kernel_h * w->kernel_w *
                 w->channels / c->groups;
    out->bytes =
        REAL * (elements(w, c->rows, true, c->filters) + elements(w, c->rows, false, w->channels));
}

static void describe_pool(const struct rn_pool *p, struct rn_op_info *out)
{
    const struct rn_window *w = &p->window;

    name(out, p->backward ? "pool, input" : "pool");
    window(out, w, w->channels);
    out->bytes = REAL * (elements(w, p->rows, false, w->channels) +
                         elements(w, p->rows, true, w->channels) * (p->where ? 2 : 1));
}

void op_describe(const struct op *op, struct rn_op_info *out)
{
    *out = (struct rn_op_info){.size = out->size, .tag = op->tag};
    switch (op->kind) {
    case OP_FILL:
        name(out, "fill");
        matrix(out, 1, op->fill.n);
        out->bytes = REAL * (double)op->fill.n;
        break;
    case OP_COPY:
        name(out, "copy");
        out->bytes = 2 * (double)op->copy.bytes;
        break;
    case OP_GEMM: describe_gemm(&op->gemm, out); break;
    case OP_MAP: describe_map(op->map.map, &op->map.call, out); break;
    case OP_REDUCE: describe_reduce(&op->reduce.call, op->reduce.step, out); break;
    case OP_GATHER:
        name(out, "gather");
        matrix(out, op->gather.rows, op->gather.cols);
        out->bytes = (double)op->gather.rows * (double)op->gather.cols *
                     (REAL + (op->gather.dtype == RN_U8 ? 1 : REAL));
        break;
    case OP_ARGMAX:
        name(out, "argmax");
        matrix(out, op->argmax.rows, op->argmax.cols);
        out->bytes = REAL * (double)op->argmax.rows * (double)op->argmax.cols;
        break;
    case OP_CONV: describe_conv(op, out); break;
    case OP_POOL: describe_pool(&op->pool, out); break;
    default: name(out, "host task");
    }
}
