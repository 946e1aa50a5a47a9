/* hazards.c - where a barrier is needed. Two accesses to the same bytes are safe without one when
 * both only read, or when they are shared out among the threads in the same way. */
#include "cpu.h"

#include <string.h>

#define MAX_ACCESS 16

struct accesses {
    struct access at[MAX_ACCESS];
    int n;
};

uintptr_t allocation_end(const struct allocations *a, const void *p)
{
    for (int i = 0; i < a->n; i++) {
        uintptr_t lo = (uintptr_t)a->at[i].base, hi = lo + a->at[i].bytes;
        if ((uintptr_t)p >= lo && (uintptr_t)p < hi)
            return hi;
    }
    return UINTPTR_MAX;
}

static const struct share all = {BY_ALL, 1, 1}, first = {BY_FIRST, 1, 1};

/* rows x cols at p with ld between rows, shared out like that */
static void touch(struct accesses *a, const void *p, int64_t rows, int64_t cols, int64_t ld,
                  struct share how, bool write)
{
    if (!p || !rows || !cols)
        return;
    uintptr_t lo = (uintptr_t)p;
    a->at[a->n++] =
        (struct access){.lo = lo,
                        .hi = lo + (uintptr_t)((rows - 1) * ld + cols) * sizeof(rn_real),
                        .stride = rows > 1 ? ld : 0,
                        .n = how.axis == BY_ROWS ? rows : cols,
                        .unit = how.unit,
                        .axis = how.axis,
                        .write = write};
}

/* The output moves from replay to replay: anywhere up to the end of its allocation. */
static void touch_moving(struct accesses *a, const struct allocations *m, const void *p)
{
    a->at[a->n++] = (struct access){
        .lo = (uintptr_t)p, .hi = allocation_end(m, p), .axis = BY_ALL, .write = true};
}

static void touch_bytes(struct accesses *a, const void *p, size_t bytes, struct share how,
                        bool write)
{
    a->at[a->n++] = (struct access){
        .lo = (uintptr_t)p, .hi = (uintptr_t)p + bytes, .axis = how.axis, .write = write};
}

static void touch_gemm(struct accesses *a, const struct op *op)
{
    const struct rn_gemm *g = &op->does.gemm;
    struct share s = op->share;
    struct share of_a = s.axis == BY_COLS || (s.axis == BY_ROWS && g->ta) ? all : s;
    struct share of_b = s.axis == BY_ROWS || (s.axis == BY_COLS && g->tb) ? all : s;

    touch(a, g->a, g->ta ? g->k : g->m, g->ta ? g->m : g->k, g->lda, of_a, false);
    touch(a, g->b, g->tb ? g->n : g->k, g->tb ? g->k : g->n, g->ldb, of_b, false);
    touch(a, g->c, g->m, g->n, g->ldc, s, true);
}

static void touch_map(struct accesses *a, const struct op *op, const struct allocations *m)
{
    const struct rn_map_call *c = &op->does.map.call;
    struct share s = op->share;

    for (int i = 0; i < op->does.map.map->n_in; i++) {
        switch (c->span[i]) {
        case RN_EACH: touch(a, c->in[i], c->rows, c->cols, c->cols, s, false); break;
        case RN_PER_COL:
            touch(a, c->in[i], 1, c->cols, c->cols, s.axis == BY_ROWS ? all : s, false);
            break;
        case RN_PER_ROW:
            touch(a, c->in[i], c->rows, 1, 1, s.axis == BY_COLS ? all : s, false);
            break;
        default: touch(a, c->in[i], 1, 1, 1, s.axis == BY_FIRST ? s : all, false);
        }
    }
    for (int i = 0; i < op->does.map.map->n_out; i++) {
        if (c->out_from[i])
            touch_moving(a, m, c->out[i]);
        else
            touch(a, c->out[i], c->rows, c->cols, c->cols, s, true);
    }
}

static void touch_reduce(struct accesses *a, const struct op *op, const struct allocations *m)
{
    const struct rn_reduce *r = &op->does.reduce;
    int64_t width = r->over == RN_PER_COL ? r->cols : 1;
    size_t parts_bytes = (size_t)(reduce_parts(r) * width) * sizeof(double);

    if (op->step == REDUCE_PARTS) {
        touch(a, r->in, r->rows * r->cols / width, width, width, op->share, false);
        touch_bytes(a, op->parts, parts_bytes, all, true);
        return;
    }
    if (op->step == REDUCE_ADD_UP)
        touch_bytes(a, op->parts, parts_bytes, all, false);
    else
        touch(a, r->in, r->rows, r->cols, r->cols, op->share, false);
    if (r->out_from)
        touch_moving(a, m, r->out);
    else if (r->over == RN_PER_COL)
        touch(a, r->out, 1, r->cols, r->cols, op->share, true);
    else
        touch(a, r->out, r->over == RN_ONE ? 1 : r->rows, 1, 1, op->share, true);
}

static void touch_gather(struct accesses *a, const struct op *op, const struct allocations *m)
{
    const struct rn_gather *g = &op->does.gather;

    a->at[a->n++] = (struct access){
        .lo = (uintptr_t)g->index, .hi = allocation_end(m, g->index), .axis = BY_ALL};
    a->at[a->n++] =
        (struct access){.lo = (uintptr_t)g->from, .hi = allocation_end(m, g->from), .axis = BY_ALL};
    touch(a, g->scale, 1, g->channels, g->channels, all, false);
    touch(a, g->shift, 1, g->channels, g->channels, all, false);
    touch(a, g->out, g->rows, g->cols, g->cols, op->share, true);
}

static void touch_conv(struct accesses *a, const struct op *op)
{
    const struct convolution *v = op->v;
    const struct rn_conv *c = &op->does.conv;
    const struct rn_window *w = &c->window;
    bool partial = c->pass == RN_CONV_GRAD_WEIGHT;
    size_t bytes = (size_t)(v->stride * (partial ? v->pieces : 1)) * sizeof(rn_real);
    int64_t weights = (int64_t)w->kernel_h * w->kernel_w * (w->channels / c->groups) * c->filters;
    int64_t x = rn_values_in(w), y = rn_values_out(w, c->filters);

    touch_bytes(a, v->arranged, bytes, all,
                op->step == CONV_ARRANGE || (op->step == CONV_PIECES && partial));
    if (op->step != CONV_PIECES) {
        touch(a, c->w, 1, weights, weights, all, op->step == CONV_ADD_UP);
        return;
    }
    touch(a, c->x, c->rows, x, x, op->share, c->pass == RN_CONV_GRAD_INPUT);
    touch(a, c->y, c->rows, y, y, op->share, c->pass == RN_CONV_FORWARD);
    touch(a, c->bias, 1, c->filters, c->filters, all, false);
}

static void touch_pool(struct accesses *a, const struct op *op)
{
    const struct rn_pool *p = &op->does.pool;
    const struct rn_window *w = &p->window;
    int64_t in = rn_values_in(w), out = rn_values_out(w, w->channels);

    touch(a, p->x, p->rows, in, in, op->share, p->backward);
    touch(a, p->y, p->rows, out, out, op->share, !p->backward);
    touch(a, p->where, p->rows, out, out, op->share, !p->backward);
}

static void touched(const struct op *op, const struct allocations *m, struct accesses *a)
{
    switch (op->does.kind) {
    case RN_OP_FILL:
        touch(a, op->does.fill.dst, 1, op->does.fill.n, op->does.fill.n, op->share, true);
        break;
    case RN_OP_COPY:
        touch_bytes(a, op->does.copy.src, op->does.copy.bytes, first, false);
        touch_bytes(a, op->does.copy.dst, op->does.copy.bytes, first, true);
        break;
    case RN_OP_GEMM: touch_gemm(a, op); break;
    case RN_OP_MAP: touch_map(a, op, m); break;
    case RN_OP_REDUCE: touch_reduce(a, op, m); break;
    case RN_OP_GATHER: touch_gather(a, op, m); break;
    case RN_OP_ARGMAX:
        touch(a, op->does.argmax.in, op->does.argmax.rows, op->does.argmax.cols,
              op->does.argmax.cols, op->share, false);
        touch(a, op->does.argmax.out, op->does.argmax.rows, 1, 1, op->share, true);
        break;
    case RN_OP_CONV: touch_conv(a, op); break;
    case RN_OP_POOL: touch_pool(a, op); break;
    default: /* a task may touch anything */
        a->at[a->n++] = (struct access){.hi = UINTPTR_MAX, .axis = BY_ALL, .write = true};
    }
}

static bool shared_alike(const struct access *a, const struct access *b)
{
    if (a->axis != b->axis || a->axis == BY_ALL)
        return false;
    return a->axis == BY_FIRST ||
           (a->lo == b->lo && a->stride == b->stride && a->n == b->n && a->unit == b->unit);
}

static bool conflict(const struct hazards *h, const struct accesses *a)
{
    for (int i = 0; i < h->n; i++)
        for (int k = 0; k < a->n; k++) {
            const struct access *x = &h->at[i], *y = &a->at[k];
            if (x->lo < y->hi && y->lo < x->hi && (x->write || y->write) && !shared_alike(x, y))
                return true;
        }
    return false;
}

int hazards_note(struct hazards *h, struct op *op, const struct allocations *m)
{
    struct accesses a = {.n = 0};

    touched(op, m, &a);
    op->barrier = conflict(h, &a);
    if (op->barrier)
        h->n = 0;
    if (h->n + a.n > h->cap) {
        int cap = 2 * h->cap + MAX_ACCESS;
        struct access *at = rn_host->alloc((size_t)cap * sizeof *at);
        if (!at)
            return RN_ENOMEM;
        memcpy(at, h->at ? h->at : a.at, (size_t)h->n * sizeof *at);
        rn_host->free(h->at);
        h->at = at;
        h->cap = cap;
    }
    memcpy(h->at + h->n, a.at, (size_t)a.n * sizeof *a.at);
    h->n += a.n;
    return RN_OK;
}

void hazards_free(struct hazards *h)
{
    rn_host->free(h->at);
    *h = (struct hazards){0};
}
