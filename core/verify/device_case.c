/* device_case.c - made-up data, one operation, and what it left behind. */
#include "device_case.h"

#include "base/error.h"
#include "base/mem.h"
#include "finding.h"

#include <runner/layer.h>

#include <math.h>
#include <string.h>

#ifdef RN_DOUBLE
#define DEVICE_CASE device_case_f64
#else
#define DEVICE_CASE device_case_f32
#endif

enum { ARRAYS = 16, OUTPUTS = 3, OFFSET = 5, BLOCK_AT = 3 };

struct work {
    struct rn_device *d;
    const struct device_case *c;
    struct pool *pool;   /* host arrays: they live until all is done */
    void *array[ARRAYS]; /* device memory */
    int n_arrays;
    struct {
        rn_real *raw; /* guards included */
        int64_t n;
    } out[OUTPUTS];
    int n_out;
    int64_t *calls; /* of each slice of a task */
    int status;     /* < 0: memory could not be had, and nothing may be done with it */
};

RN_MAP(six, 6, 3, 0,
       y0 = x0 * a0 + x1 * a1;
       y1 = x2 + x3 * x4;
       y2 = x5 + a2 * x0;);
RN_MAP(curve, 1, 1, 0, y0 = expf(x0) * a0 + logf(fabsf(x0) + 1););
RN_MAP(place, 0, 1, 0, y0 = 3 * row + col;);
RN_MAP(draws, 0, 1, 1, y0 = u;);
RN_MAP(half, 1, 1, 0, y0 = 0.5f * x0;);

static struct rn_block block_of(void)
{
    struct rn_block b = {0};

    b.f[BLOCK_AT] = (rn_real)0.75;
    b.u[BLOCK_AT] = OFFSET;
    return b;
}

/* ---- memory ------------------------------------------------------------------ */

static int failed(struct work *w, int status)
{
    w->status = w->status < 0 ? w->status : status;
    return w->status;
}

static void *host_room(struct work *w, int64_t n, size_t size)
{
    void *p = pool_alloc(w->pool, (size_t)n * size);

    if (!p)
        failed(w, RN_ENOMEM);
    return p;
}

static void *room(struct work *w, const void *host, size_t bytes)
{
    void *p = NULL;

    if (w->status < 0 || w->n_arrays == ARRAYS)
        return failed(w, RN_EBUG), NULL;
    if (failed(w, w->d->ops->alloc(w->d, bytes, &p)) < 0)
        return NULL;
    w->array[w->n_arrays++] = p;
    failed(w, w->d->ops->upload(w->d, p, host, bytes));
    return p;
}

static rn_real value(const struct work *w, uint64_t stream, int64_t i)
{
    float v = (float)made_up(stream + 64 * w->c->seed, i); /* the same number in both precisions */

    return (rn_real)(w->c->absolute && v < 0 ? -v : v);
}

static const rn_real *input(struct work *w, int64_t n)
{
    rn_real *host = host_room(w, n, sizeof *host);

    if (!host)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        host[i] = value(w, 20 + (uint64_t)w->n_arrays, i);
    return room(w, host, (size_t)n * sizeof *host);
}

/* rows x cols, ld apart: NaN, or values where they are added to; a pattern in all gaps. */
static rn_real *output(struct work *w, int64_t rows, int64_t cols, int64_t ld, double beta)
{
    int64_t n = rows * ld + 2 * CASE_GUARD;
    rn_real *host = host_room(w, n, sizeof *host);

    if (!host)
        return NULL;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i - CASE_GUARD;
        bool gap = at < 0 || at >= rows * ld || at % ld >= cols;

        host[i] = gap ? 77 : beta != 0 ? value(w, 19, at) : (rn_real)NAN;
    }
    rn_real *raw = room(w, host, (size_t)n * sizeof *host);
    w->out[w->n_out].raw = raw;
    w->out[w->n_out++].n = n;
    return raw ? raw + CASE_GUARD : NULL;
}

/* A recorded output moves: it is given this much too early. */
static int64_t early(const struct work *w) { return w->c->moves ? OFFSET : 0; }

/* ---- the operations ------------------------------------------------------------ */

static int do_gemm(struct work *w)
{
    const struct device_case *c = w->c;
    int64_t lda = (c->ta ? c->rows : c->k) + c->pad, ldb = (c->tb ? c->k : c->cols) + 2 * c->pad;
    int64_t ldc = c->cols + 3 * c->pad;
    struct rn_gemm g = {.m = c->rows,
                        .n = c->cols,
                        .k = c->k,
                        .lda = lda,
                        .ldb = ldb,
                        .ldc = ldc,
                        .beta = (rn_real)c->beta,
                        .ta = (uint8_t)c->ta,
                        .tb = (uint8_t)c->tb};

    g.a = input(w, (c->ta ? c->k : c->rows) * lda);
    g.b = input(w, (c->tb ? c->cols : c->k) * ldb);
    g.c = output(w, c->rows, c->cols, ldc, c->beta);
    TRY(w->status);
    return w->d->ops->gemm(w->d, &g);
}

static struct rn_map_call map_call(struct work *w, int n_out)
{
    const struct device_case *c = w->c;
    struct rn_map_call m = {.rows = c->rows,
                            .cols = c->cols,
                            .arg = {(rn_real)1.25, (rn_real)0.5, (rn_real)-2},
                            .key = 99};

    for (int i = 0; i < n_out; i++) {
        m.out[i] = output(w, c->rows, c->cols, c->cols, c->beta) - early(w);
        m.beta[i] = (rn_real)c->beta;
        m.out_from[i] = c->moves ? BLOCK_AT : 0;
    }
    if (c->absolute)
        m.arg[2] = 2;
    if (c->moves)
        m.arg_from[0] = BLOCK_AT;
    return m;
}

static int do_six(struct work *w)
{
    const struct device_case *c = w->c;
    struct rn_map_call m = map_call(w, 3);

    for (int i = 0; i < 6; i++) {
        m.span[i] = i ? (uint8_t)(c->span >> 2 * i & 3) : RN_EACH;
        m.in[i] = input(w, m.span[i] == RN_EACH      ? c->rows * c->cols
                           : m.span[i] == RN_PER_COL ? c->cols
                           : m.span[i] == RN_PER_ROW ? c->rows
                                                     : 1);
    }
    TRY(w->status);
    return w->d->ops->map(w->d, &six, &m);
}

static int do_curve(struct work *w)
{
    struct rn_map_call m = map_call(w, 0);

    m.out[0] = output(w, w->c->rows, w->c->cols, w->c->cols, 1);
    m.in[0] = m.out[0];
    TRY(w->status);
    return w->d->ops->map(w->d, &curve, &m);
}

static int do_plain_map(struct work *w, const struct rn_map *map)
{
    struct rn_map_call m = map_call(w, 1);

    m.draw_from = w->c->moves ? BLOCK_AT : 0;
    TRY(w->status);
    return w->d->ops->map(w->d, map, &m);
}

static int do_reduce(struct work *w)
{
    const struct device_case *c = w->c;
    int64_t n = c->over == RN_PER_ROW ? c->rows : c->over == RN_PER_COL ? c->cols : 1;
    struct rn_reduce r = {.rows = c->rows,
                          .cols = c->cols,
                          .in = input(w, c->rows * c->cols),
                          .beta = (rn_real)c->beta,
                          .op = (uint8_t)c->op_code,
                          .over = (uint8_t)c->over,
                          .out_from = c->moves ? BLOCK_AT : 0};

    r.out = output(w, 1, n, n, c->beta) - early(w);
    TRY(w->status);
    return w->d->ops->reduce(w->d, &r);
}

/* From 40 rows, in an order that repeats and jumps. */
static int do_gather(struct work *w)
{
    enum { ROWS = 40 };
    const struct device_case *c = w->c;
    int64_t n = ROWS * c->cols, n_index = c->rows + OFFSET;
    int32_t *index = host_room(w, n_index, sizeof *index);
    size_t one = c->dtype == RN_U8 ? 1 : sizeof(float);
    unsigned char *from = host_room(w, n, one);

    TRY(w->status);
    for (int64_t i = 0; i < n_index; i++)
        index[i] = (int32_t)((i * 17 + 3) % ROWS);
    for (int64_t i = 0; i < n; i++) {
        float v = (float)value(w, 5, i);

        from[i * (int64_t)one] = (unsigned char)(i * 7 + 3);
        if (one > 1)
            memcpy(from + i * (int64_t)one, &v, sizeof v);
    }
    struct rn_gather g = {.rows = c->rows,
                          .cols = c->cols,
                          .channels = c->channels ? c->channels : 1,
                          .from = room(w, from, (size_t)n * one),
                          .index = room(w, index, (size_t)n_index * sizeof *index),
                          .dtype = (uint8_t)c->dtype,
                          .start_from = c->moves ? BLOCK_AT : 0};

    if (c->channels) {
        g.scale = c->span & 1 ? NULL : input(w, c->channels);
        g.shift = c->span & 2 ? NULL : input(w, c->channels);
    }
    g.out = output(w, c->rows, c->cols, c->cols, 0);
    TRY(w->status);
    return w->d->ops->gather(w->d, &g);
}

/* Few different values, so that the largest is there more than once. */
static int do_argmax(struct work *w)
{
    const struct device_case *c = w->c;
    int64_t n = c->rows * c->cols;
    rn_real *host = host_room(w, n, sizeof *host);

    if (!host)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        host[i] = i % 11 == 3 ? -INFINITY : (rn_real)((i * i + i / 5) % 13 - 20);
    const rn_real *in = room(w, host, (size_t)n * sizeof *host);
    TRY(w->status);
    return w->d->ops->argmax(w->d, c->rows, c->cols, in, output(w, c->rows, 1, 1, 0));
}

struct slices {
    rn_real *at;
    int64_t each;
};

static void add_slice(void *ctx, int64_t slice)
{
    const struct slices *s = ctx;

    for (int64_t i = 0; i < s->each; i++)
        s->at[slice * s->each + i] += (rn_real)slice;
}

static void count_slice(void *ctx, int64_t slice) { ((int64_t *)ctx)[slice]++; }

/* what the task reads was just written, and what it writes is read at once */
static int do_task(struct work *w)
{
    const struct device_case *c = w->c;
    struct rn_map_call m = map_call(w, 1);
    struct slices *s = host_room(w, 1, sizeof *s);
    int64_t *calls = host_room(w, c->rows, sizeof *calls);

    m.in[0] = input(w, c->rows * c->cols);
    m.beta[0] = 0;
    TRY(w->status);
    *s = (struct slices){m.out[0], c->cols};
    TRY(w->d->ops->map(w->d, &half, &m));
    if (c->apart) {
        w->calls = calls;
        TRY(w->d->ops->task(w->d, count_slice, calls, c->rows));
    } else {
        TRY(w->d->ops->task(w->d, add_slice, s, c->rows));
    }
    m.in[0] = m.out[0];
    return w->d->ops->map(w->d, &half, &m);
}

static struct rn_window window_of(const struct device_case *c)
{
    const struct case_window *w = &c->window;
    int reach_h = (w->kernel_h - 1) * w->dilation + 1,
        reach_w = (w->kernel_w - 1) * w->dilation + 1;

    return (struct rn_window){.h = w->h,
                              .w = w->w,
                              .channels = (int32_t)c->channels,
                              .out_h = (w->h + w->top + w->bottom - reach_h) / w->stride + 1,
                              .out_w = (w->w + w->left + w->right - reach_w) / w->stride + 1,
                              .kernel_h = w->kernel_h,
                              .kernel_w = w->kernel_w,
                              .stride_h = w->stride,
                              .stride_w = w->stride,
                              .dilation_h = w->dilation,
                              .dilation_w = w->dilation,
                              .pad_top = w->top,
                              .pad_left = w->left,
                              .pad_bottom = w->bottom,
                              .pad_right = w->right};
}

static rn_real *changeable(const rn_real *p) /* inputs of a call that has no const */
{
    return (rn_real *)(uintptr_t)p;
}

static int do_conv(struct work *w)
{
    const struct device_case *c = w->c;
    const struct rn_window n = window_of(c);
    int64_t x = (int64_t)n.h * n.w * n.channels, y = (int64_t)n.out_h * n.out_w * c->cols;
    int64_t weights = (int64_t)n.kernel_h * n.kernel_w * (n.channels / c->groups) * c->cols;
    struct rn_conv v = {.window = n,
                        .filters = (int32_t)c->cols,
                        .groups = c->groups,
                        .rows = c->rows,
                        .beta = (rn_real)c->beta,
                        .pass = (uint8_t)c->op_code};

    v.x = c->op_code == RN_CONV_GRAD_INPUT ? output(w, c->rows, x, x, c->beta)
                                           : changeable(input(w, c->rows * x));
    v.w = c->op_code == RN_CONV_GRAD_WEIGHT ? output(w, 1, weights, weights, c->beta)
                                            : changeable(input(w, weights));
    v.y = c->op_code == RN_CONV_FORWARD ? output(w, c->rows, y, y, 0)
                                        : changeable(input(w, c->rows * y));
    v.bias = c->bias ? input(w, c->cols) : NULL;
    TRY(w->status);
    return w->d->ops->conv(w->d, &v);
}

/* For a maximum, not made positive: which is largest must not change. Odd: each value some four
 * times, one in 40 is NaN, windows of nothing but -infinity occur. */
static const rn_real *to_compare(struct work *w, int64_t n, int64_t channels)
{
    rn_real *host = host_room(w, n, sizeof *host);

    if (!host)
        return NULL;
    for (int64_t i = 0; i < n; i++) {
        int64_t pixel = i / channels;

        host[i] = !w->c->odd_values ? (rn_real)(i * 7919 % 1009)
                  : i % 40 == 7     ? (rn_real)NAN
                  : pixel % 50 > 30 ? -INFINITY
                                    : (rn_real)((i * i + i / 3) % 5 - 3);
    }
    return room(w, host, (size_t)n * sizeof *host);
}

static int do_pool(struct work *w)
{
    const struct device_case *c = w->c;
    const struct rn_window n = window_of(c);
    int64_t x = (int64_t)n.h * n.w * n.channels, y = (int64_t)n.out_h * n.out_w * n.channels;
    struct rn_pool p = {
        .window = n, .rows = c->rows, .op = (uint8_t)c->op_code, .inside_only = c->inside};

    p.x = changeable(c->op_code == RN_POOL_MAX ? to_compare(w, c->rows * x, n.channels)
                                               : input(w, c->rows * x));
    p.y = output(w, c->rows, y, y, 0);
    p.where = c->op_code == RN_POOL_MAX ? output(w, c->rows, y, y, 0) : NULL;
    RN_TRY(w->d->ops->pool(w->d, &p));
    if (!c->back)
        return RN_OK;
    p.backward = 1;
    p.beta = (rn_real)c->beta;
    p.y = changeable(input(w, c->rows * y));
    p.x = output(w, c->rows, x, x, c->beta);
    TRY(w->status);
    return w->d->ops->pool(w->d, &p);
}

static int do_it(struct work *w)
{
    const struct device_case *c = w->c;

    switch (c->op) {
    case CASE_FILL:
        return w->d->ops->fill(w->d, output(w, c->rows, c->cols, c->cols, 0), (rn_real)2.5,
                               c->rows * c->cols);
    case CASE_GEMM: return do_gemm(w);
    case CASE_SIX: return do_six(w);
    case CASE_CURVE: return do_curve(w);
    case CASE_PLACE: return do_plain_map(w, &place);
    case CASE_DRAW: return do_plain_map(w, &draws);
    case CASE_REDUCE: return do_reduce(w);
    case CASE_GATHER: return do_gather(w);
    case CASE_ARGMAX: return do_argmax(w);
    case CASE_TASK: return do_task(w);
    case CASE_CONV: return do_conv(w);
    case CASE_POOL: return do_pool(w);
    case CASE_OPS: break;
    }
    return RN_EBUG;
}

/* ---- the whole ------------------------------------------------------------------- */

static int fetch(struct work *w, double *out, int64_t *n)
{
    for (int i = 0; i < w->n_out; i++) {
        rn_real *host = host_room(w, w->out[i].n, sizeof *host);

        if (!host || *n + w->out[i].n > CASE_MAX)
            return failed(w, RN_EBUG);
        TRY(w->d->ops->download(w->d, host, w->out[i].raw, (size_t)w->out[i].n * sizeof *host));
        for (int64_t k = 0; k < w->out[i].n; k++)
            out[(*n)++] = (double)host[k];
    }
    for (int64_t k = 0; w->calls && k < w->c->rows; k++)
        out[(*n)++] = (double)w->calls[k];
    return RN_OK;
}

static int replay(struct work *w, struct rn_recording **rec)
{
    const struct rn_device_ops *ops = w->d->ops;
    const struct rn_block block = block_of();

    TRY(ops->capture_begin(w->d));
    int status = do_it(w), ended = ops->capture_end(w->d, rec);
    TRY(status);
    TRY(ended);
    return ops->replay(w->d, *rec, &block);
}

/* A recording holds the uploads, too. */
int DEVICE_CASE(struct rn_device *d, const struct device_case *c, enum case_how how, double *out,
                int64_t *n)
{
    struct work w = {.d = d, .c = c, .pool = pool_new()};
    struct rn_recording *rec = NULL;

    *n = 0;
    int status = !w.pool ? RN_ENOMEM : how == CASE_REPLAYED ? replay(&w, &rec) : do_it(&w);
    int done = d->ops->sync(d);
    status = status < 0 ? status : done;
    status = status < 0 ? status : fetch(&w, out, n);
    d->ops->discard(d, rec);
    for (int i = 0; i < w.n_arrays; i++)
        d->ops->free(d, w.array[i]);
    pool_free(w.pool);
    return status;
}
