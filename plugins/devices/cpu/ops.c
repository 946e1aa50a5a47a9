/* ops.c - some units of each operation. */
#include "cpu.h"

#include <string.h>

#define LINE  64 /* bytes of a cache line */
#define AHEAD 4  /* rows under way from memory */

RN_CLONES static void scale_bytes(const uint8_t *from, int64_t n, rn_real scale, rn_real shift,
                                  rn_real *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (rn_real)from[i] * scale + shift;
}

static void gather_row(const struct rn_gather *g, int64_t from_row, int64_t c0, int64_t c1,
                       rn_real *out)
{
    const uint8_t *bytes = (const uint8_t *)g->from + from_row * g->cols;
    const rn_real *reals = (const rn_real *)g->from + from_row * g->cols;

    if (g->dtype == RN_U8 && g->channels == 1) {
        scale_bytes(bytes + c0, c1 - c0, g->scale ? *g->scale : 1, g->shift ? *g->shift : 0,
                    out + c0);
        return;
    }
    if (g->dtype == RN_F32 && !g->scale && !g->shift) {
        memcpy(out + c0, reals + c0, (size_t)(c1 - c0) * sizeof *out);
        return;
    }
    for (int64_t c = c0; c < c1; c++) {
        int64_t ch = c % g->channels;
        rn_real v = g->dtype == RN_U8 ? (rn_real)bytes[c] : reals[c];
        v = g->scale ? v * g->scale[ch] : v;
        out[c] = g->shift ? v + g->shift[ch] : v;
    }
}

/* Rows lie anywhere: the processor can't guess the next. */
static void fetch_row(const struct rn_gather *g, int64_t row, int64_t c0, int64_t c1)
{
    int64_t size = g->dtype == RN_U8 ? 1 : (int64_t)sizeof(rn_real);
    const char *at = (const char *)g->from + row * g->cols * size;

    for (int64_t i = c0 * size; i < c1 * size; i += LINE)
        __builtin_prefetch(at + i);
}

static void run_gather(const struct rn_gather *g, const struct rn_block *b, struct slice s)
{
    const int32_t *index = g->index + b->u[g->start_from];

    for (int64_t r = s.r0; r < s.r1 && r < s.r0 + AHEAD; r++)
        fetch_row(g, index[r], s.c0, s.c1);
    for (int64_t r = s.r0; r < s.r1; r++) {
        if (r + AHEAD < s.r1)
            fetch_row(g, index[r + AHEAD], s.c0, s.c1);
        gather_row(g, index[r], s.c0, s.c1, g->out + r * g->cols);
    }
}

static void run_argmax(const struct op *op, struct slice s)
{
    for (int64_t r = s.r0; r < s.r1; r++) {
        const rn_real *x = op->does.argmax.in + r * op->does.argmax.cols;
        int64_t best = 0;

        for (int64_t c = 1; c < op->does.argmax.cols; c++)
            if (x[c] > x[best])
                best = c;
        op->does.argmax.out[r] = (rn_real)best;
    }
}

int op_run(const struct op *op, const struct rn_block *b, const struct lane *lane, int64_t u0,
           int64_t u1)
{
    struct slice s;

    switch (op->does.kind) {
    case RN_OP_FILL:
        s = slice_of(&op->share, 1, op->does.fill.n, u0, u1);
        for (int64_t i = s.c0; i < s.c1; i++)
            op->does.fill.dst[i] = op->does.fill.v;
        break;
    case RN_OP_COPY: memcpy(op->does.copy.dst, op->does.copy.src, op->does.copy.bytes); break;
    case RN_OP_GEMM: return gemm_run(op, lane->room, u0, u1);
    case RN_OP_MAP:
        s = slice_of(&op->share, op->does.map.call.rows, op->does.map.call.cols, u0, u1);
        op->does.map.map->host(&op->does.map.call, b, s.r0, s.r1, s.c0, s.c1);
        break;
    case RN_OP_REDUCE: reduce_run(op, b, u0, u1); break;
    case RN_OP_GATHER:
        run_gather(&op->does.gather, b,
                   slice_of(&op->share, op->does.gather.rows, op->does.gather.cols, u0, u1));
        break;
    case RN_OP_ARGMAX: run_argmax(op, slice_of(&op->share, op->does.argmax.rows, 1, u0, u1)); break;
    case RN_OP_TASK:
        for (int64_t i = u0; i < u1; i++)
            op->does.task.fn(op->does.task.ctx, i);
        break;
    case RN_OP_CONV: return conv_run(op, lane->number, u0, u1);
    case RN_OP_POOL: pool_run(op, u0, u1); break;
    }
    return RN_OK;
}
