/* ref_device.c - the reference device. Operations are checked when they are enqueued, done at once
 * outside a recording, and only by replay() inside one. Outside, the step block is all zero. */
#include "ref_device.h"

#include "base/error.h"
#include "base/mem.h"

#include <runner/operation.h>

#include <string.h>

#define ALIGN 256

struct op {
    void (*run)(const struct op *op, const struct rn_block *b);
    const struct ref *ref;
    struct rn_operation does; /* kind and tag are not looked at */
};

struct rn_recording {
    struct op *op;
    int n, cap;
};

struct ref {
    struct rn_device base;
    struct rn_recording *recording; /* being captured, or NULL */
    bool larger;                    /* pieces */
};

static const struct rn_block no_block;

static struct ref *ref_of(struct rn_device *d) { return (struct ref *)d; }

static int recording_add(struct rn_recording *r, const struct op *op)
{
    if (r->n == r->cap) {
        int cap = 2 * r->cap + 16;
        struct op *grown = mem_array((size_t)cap, sizeof *grown);
        if (!grown)
            return RN_ENOMEM;
        if (r->n)
            memcpy(grown, r->op, (size_t)r->n * sizeof *grown);
        mem_free(r->op);
        r->op = grown;
        r->cap = cap;
    }
    r->op[r->n++] = *op;
    return RN_OK;
}

static int enqueue(struct rn_device *d, const struct op *op)
{
    struct op own = *op;

    own.ref = ref_of(d);
    if (own.ref->recording)
        return recording_add(own.ref->recording, &own);
    own.run(&own, &no_block);
    return RN_OK;
}

#define REQUIRE(what) \
    do { \
        if (!(what)) \
            return FAIL(RN_EINVAL, "%s: not so: %s", __func__, #what); \
    } while (0)

/* ---- memory ---------------------------------------------------------------- */

/* the address that mem_alloc() gave stands right before the aligned one */
static int ref_alloc(struct rn_device *d, size_t bytes, void **out)
{
    (void)d;
    *out = NULL;
    if (bytes > SIZE_MAX - 2 * ALIGN)
        return FAIL(RN_ENOMEM, "out of memory: %zu bytes", bytes);
    char *raw = mem_alloc(bytes + 2 * ALIGN);
    if (!raw)
        return RN_ENOMEM;
    char *p = raw + ALIGN - (uintptr_t)raw % ALIGN;
    memcpy(p - sizeof raw, &raw, sizeof raw);
    *out = p;
    return RN_OK;
}

static void ref_free(struct rn_device *d, void *p)
{
    void *raw;

    (void)d;
    if (!p)
        return;
    memcpy(&raw, (char *)p - sizeof raw, sizeof raw);
    mem_free(raw);
}

static int ref_sync(struct rn_device *d)
{
    (void)d;
    return RN_OK;
}

static void run_copy(const struct op *op, const struct rn_block *b)
{
    (void)b;
    memcpy(op->does.copy.dst, op->does.copy.src, op->does.copy.bytes);
}

static int ref_upload(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    REQUIRE(dst && src);
    return enqueue(d, &(struct op){run_copy, .does = {.copy = {dst, src, bytes}}});
}

static int ref_download(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    REQUIRE(dst && src && !ref_of(d)->recording);
    memcpy(dst, src, bytes);
    return RN_OK;
}

/* ---- operations ------------------------------------------------------------ */

static void run_fill(const struct op *op, const struct rn_block *b)
{
    (void)b;
    for (int64_t i = 0; i < op->does.fill.n; i++)
        op->does.fill.dst[i] = op->does.fill.v;
}

static int ref_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    REQUIRE(dst && n >= 0);
    return enqueue(d, &(struct op){run_fill, .does = {.fill = {dst, v, n}}});
}

static void run_gemm(const struct op *op, const struct rn_block *b)
{
    const struct rn_gemm *g = &op->does.gemm;

    (void)b;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            rn_real *c = &g->c[i * g->ldc + j], sum = 0;

            for (int64_t k = 0; k < g->k; k++)
                sum += (g->ta ? g->a[k * g->lda + i] : g->a[i * g->lda + k]) *
                       (g->tb ? g->b[j * g->ldb + k] : g->b[k * g->ldb + j]);
            *c = g->beta != 0 ? sum + g->beta * *c : sum;
        }
}

static int ref_gemm(struct rn_device *d, const struct rn_gemm *g)
{
    REQUIRE(g->a && g->b && g->c && g->c != g->a && g->c != g->b);
    REQUIRE(g->m > 0 && g->n > 0 && g->k > 0);
    REQUIRE(g->lda >= (g->ta ? g->m : g->k) && g->ldb >= (g->tb ? g->k : g->n) && g->ldc >= g->n);
    return enqueue(d, &(struct op){run_gemm, .does = {.gemm = *g}});
}

/* one element at a time: what a map gives may not depend on how it is cut */
static void run_map(const struct op *op, const struct rn_block *b)
{
    const struct rn_map_call *m = &op->does.map.call;
    int64_t rows = op->ref->larger ? m->rows : 1, cols = op->ref->larger ? m->cols : 1;

    for (int64_t r = 0; r < m->rows; r += rows)
        for (int64_t c = 0; c < m->cols; c += cols)
            op->does.map.map->host(m, b, r, r + rows, c, c + cols);
}

static int ref_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *call)
{
    REQUIRE(map->n_in <= RN_MAP_IN && map->n_out >= 1 && map->n_out <= RN_MAP_OUT);
    REQUIRE(call->rows > 0 && call->cols > 0 && call->draw_from < RN_BLOCK_U);
    for (int i = 0; i < map->n_in; i++)
        REQUIRE(call->in[i] && call->span[i] <= RN_ONE);
    for (int i = 0; i < RN_MAP_ARG; i++)
        REQUIRE(call->arg_from[i] < RN_BLOCK_F);
    for (int o = 0; o < map->n_out; o++) {
        REQUIRE(call->out[o] && call->out_from[o] < RN_BLOCK_U);
        for (int i = 0; i < map->n_in; i++)
            REQUIRE(call->out[o] != call->in[i] || call->span[i] == RN_EACH ||
                    call->rows * call->cols == 1);
    }
    return enqueue(d, &(struct op){run_map, .does = {.map = {map, *call}}});
}

static rn_real reduced(const struct rn_reduce *r, int64_t first, int64_t step, int64_t n)
{
    rn_real acc = r->op == RN_MAX ? -INFINITY : 0;

    for (int64_t i = 0; i < n; i++) {
        rn_real x = r->in[first + i * step];

        switch (r->op) {
        case RN_SUM: acc += x; break;
        case RN_SUM_SQUARES: acc += x * x; break;
        default:
            if (x > acc || x != x)
                acc = x;
        }
    }
    return acc;
}

static void run_reduce(const struct op *op, const struct rn_block *b)
{
    const struct rn_reduce *r = &op->does.reduce;
    rn_real *out = r->out + b->u[r->out_from];
    int64_t n = r->over == RN_PER_ROW ? r->rows : r->over == RN_PER_COL ? r->cols : 1;

    for (int64_t i = 0; i < n; i++) {
        rn_real v = r->over == RN_PER_ROW   ? reduced(r, i * r->cols, 1, r->cols)
                    : r->over == RN_PER_COL ? reduced(r, i, r->cols, r->rows)
                                            : reduced(r, 0, 1, r->rows * r->cols);
        out[i] = r->beta != 0 ? v + r->beta * out[i] : v;
    }
}

static int ref_reduce(struct rn_device *d, const struct rn_reduce *r)
{
    REQUIRE(r->in && r->out && r->rows > 0 && r->cols > 0 && r->out_from < RN_BLOCK_U);
    REQUIRE(r->op <= RN_MAX);
    REQUIRE(r->over == RN_PER_ROW || r->over == RN_PER_COL || r->over == RN_ONE);
    return enqueue(d, &(struct op){run_reduce, .does = {.reduce = *r}});
}

static void run_gather(const struct op *op, const struct rn_block *b)
{
    const struct rn_gather *g = &op->does.gather;

    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t j = 0; j < g->cols; j++) {
            int64_t at = g->index[(int64_t)b->u[g->start_from] + r] * g->cols + j;
            rn_real v = g->dtype == RN_U8 ? (rn_real)((const uint8_t *)g->from)[at]
                                          : (rn_real)((const float *)g->from)[at];

            v = g->scale ? v * g->scale[j % g->channels] : v;
            g->out[r * g->cols + j] = g->shift ? v + g->shift[j % g->channels] : v;
        }
}

static int ref_gather(struct rn_device *d, const struct rn_gather *g)
{
    REQUIRE(g->from && g->index && g->out && g->start_from < RN_BLOCK_U);
    REQUIRE(g->rows > 0 && g->cols > 0 && g->channels > 0 && g->cols % g->channels == 0);
    REQUIRE(g->dtype == RN_F32 || g->dtype == RN_U8);
    return enqueue(d, &(struct op){run_gather, .does = {.gather = *g}});
}

static void run_argmax(const struct op *op, const struct rn_block *b)
{
    (void)b;
    for (int64_t r = 0; r < op->does.argmax.rows; r++) {
        const rn_real *row = op->does.argmax.in + r * op->does.argmax.cols;
        int64_t best = 0;

        for (int64_t c = 1; c < op->does.argmax.cols; c++)
            best = row[c] > row[best] ? c : best;
        op->does.argmax.out[r] = (rn_real)best;
    }
}

static int ref_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in,
                      rn_real *out)
{
    REQUIRE(in && out && rows > 0 && cols > 0);
    return enqueue(d, &(struct op){run_argmax, .does = {.argmax = {in, out, rows, cols}}});
}

static void run_task(const struct op *op, const struct rn_block *b)
{
    (void)b;
    const int64_t n = op->does.task.slices;

    for (int64_t i = 0; i < n; i++) /* any order is allowed, so not the usual one */
        op->does.task.fn(op->does.task.ctx, op->ref->larger ? i : n - 1 - i);
}

static int ref_task(struct rn_device *d, void (*fn)(void *, int64_t), void *ctx, int64_t slices)
{
    REQUIRE(fn && slices >= 0);
    return enqueue(d, &(struct op){run_task, .does = {.task = {fn, ctx, slices}}});
}

/* ---- images ------------------------------------------------------------------ */

/* Where element (i, j) of output (oy, ox) stands in an image, in pixels; -1: outside of it. */
static int64_t pixel(const struct rn_window *w, int oy, int ox, int i, int j)
{
    int y = oy * w->stride_h + i * w->dilation_h - w->pad_top;
    int x = ox * w->stride_w + j * w->dilation_w - w->pad_left;

    return y < 0 || y >= w->h || x < 0 || x >= w->w ? -1 : (int64_t)y * w->w + x;
}

static int check_window(const struct rn_window *w, int64_t rows)
{
    int reach_h = (w->kernel_h - 1) * w->dilation_h + 1;
    int reach_w = (w->kernel_w - 1) * w->dilation_w + 1;

    REQUIRE(rows > 0 && w->h > 0 && w->w > 0 && w->channels > 0);
    REQUIRE(w->kernel_h > 0 && w->kernel_w > 0 && w->stride_h > 0 && w->stride_w > 0);
    REQUIRE(w->dilation_h > 0 && w->dilation_w > 0 && w->pad_top >= 0 && w->pad_left >= 0);
    REQUIRE(w->pad_bottom >= 0 && w->pad_right >= 0);
    REQUIRE(w->h + w->pad_top + w->pad_bottom >= reach_h);
    REQUIRE(w->w + w->pad_left + w->pad_right >= reach_w);
    REQUIRE(w->out_h == (w->h + w->pad_top + w->pad_bottom - reach_h) / w->stride_h + 1);
    REQUIRE(w->out_w == (w->w + w->pad_left + w->pad_right - reach_w) / w->stride_w + 1);
    return RN_OK;
}

/* fn is called with each weight and the two values that it joins. */
static void each_product(const struct rn_conv *c,
                         void (*fn)(const struct rn_conv *c, rn_real *x, rn_real *w, rn_real *y))
{
    const struct rn_window *n = &c->window;
    int depth = n->channels / c->groups, width = c->filters / c->groups;

    for (int64_t at = 0; at < c->rows * n->out_h * n->out_w * c->filters; at++) {
        int f = (int)(at % c->filters), ox = (int)(at / c->filters % n->out_w);
        int oy = (int)(at / c->filters / n->out_w % n->out_h);
        int64_t row = at / c->filters / n->out_w / n->out_h;

        for (int k = 0; k < n->kernel_h * n->kernel_w * depth; k++) {
            int64_t p = pixel(n, oy, ox, k / depth / n->kernel_w, k / depth % n->kernel_w);
            int channel = f / width * depth + k % depth;

            if (p >= 0)
                fn(c, &c->x[(row * n->h * n->w + p) * n->channels + channel],
                   &c->w[(int64_t)k * c->filters + f], &c->y[at]);
        }
    }
}

static void to_y(const struct rn_conv *c, rn_real *x, rn_real *w, rn_real *y)
{
    (void)c;
    *y += *x * *w;
}

static void to_x(const struct rn_conv *c, rn_real *x, rn_real *w, rn_real *y)
{
    (void)c;
    *x += *y * *w;
}

static void to_w(const struct rn_conv *c, rn_real *x, rn_real *w, rn_real *y)
{
    (void)c;
    *w += *x * *y;
}

static void scale(rn_real *at, int64_t n, rn_real beta)
{
    for (int64_t i = 0; i < n; i++)
        at[i] = beta != 0 ? beta * at[i] : 0;
}

static void run_conv(const struct op *op, const struct rn_block *b)
{
    const struct rn_conv *c = &op->does.conv;
    const struct rn_window *n = &c->window;

    (void)b;
    if (c->pass == RN_CONV_FORWARD) {
        for (int64_t i = 0; i < c->rows * n->out_h * n->out_w * c->filters; i++)
            c->y[i] = c->bias ? c->bias[i % c->filters] : 0;
        each_product(c, to_y);
    } else if (c->pass == RN_CONV_GRAD_INPUT) {
        scale(c->x, c->rows * n->h * n->w * n->channels, c->beta);
        each_product(c, to_x);
    } else {
        scale(c->w, (int64_t)n->kernel_h * n->kernel_w * (n->channels / c->groups) * c->filters,
              c->beta);
        each_product(c, to_w);
    }
}

static int ref_conv(struct rn_device *d, const struct rn_conv *c)
{
    RN_TRY(check_window(&c->window, c->rows));
    REQUIRE(c->x && c->w && c->y && c->x != c->y && c->x != c->w && c->y != c->w);
    REQUIRE(c->filters > 0 && c->groups > 0 && c->pass <= RN_CONV_GRAD_WEIGHT);
    REQUIRE(c->window.channels % c->groups == 0 && c->filters % c->groups == 0);
    REQUIRE(c->pass == RN_CONV_FORWARD ? c->beta == 0 : !c->bias);
    return enqueue(d, &(struct op){run_conv, .does = {.conv = *c}});
}

/* Forward: y[at] from its window. Backward: what dy[at] passes back is added to dx. */
static void pool_one(const struct rn_pool *p, int64_t at)
{
    const struct rn_window *n = &p->window;
    int c = (int)(at % n->channels), ox = (int)(at / n->channels % n->out_w);
    int oy = (int)(at / n->channels / n->out_w % n->out_h);
    int64_t row = at / n->channels / n->out_w / n->out_h;
    rn_real *image = p->x + row * n->h * n->w * n->channels + c, sum = 0, most = 0;
    int inside = 0, best = -1, all = n->kernel_h * n->kernel_w;

    for (int k = 0; k < all; k++) {
        int64_t px = pixel(n, oy, ox, k / n->kernel_w, k % n->kernel_w);
        rn_real v = px < 0 || p->backward ? 0 : image[px * n->channels];

        inside += px >= 0;
        sum += v;
        if (px >= 0 && (best < 0 || v > most || (v != v && most == most))) {
            most = v;
            best = k;
        }
    }
    rn_real share = 1 / (rn_real)(p->inside_only ? inside : all);
    if (!p->backward) {
        p->y[at] = p->op == RN_POOL_MAX ? most : sum * share;
        if (p->op == RN_POOL_MAX && p->where)
            p->where[at] = (rn_real)best;
        return;
    }
    for (int k = 0; k < all; k++) {
        int64_t px = pixel(n, oy, ox, k / n->kernel_w, k % n->kernel_w);

        if (px >= 0 && (p->op == RN_POOL_AVERAGE || p->where[at] == (rn_real)k))
            image[px * n->channels] += p->op == RN_POOL_MAX ? p->y[at] : p->y[at] * share;
    }
}

static void run_pool(const struct op *op, const struct rn_block *b)
{
    const struct rn_pool *p = &op->does.pool;
    const struct rn_window *n = &p->window;

    (void)b;
    if (p->backward)
        scale(p->x, p->rows * n->h * n->w * n->channels, p->beta);
    for (int64_t i = 0; i < p->rows * n->out_h * n->out_w * n->channels; i++)
        pool_one(p, i);
}

static int ref_pool(struct rn_device *d, const struct rn_pool *p)
{
    const struct rn_window *w = &p->window;

    RN_TRY(check_window(w, p->rows));
    REQUIRE(p->x && p->y && p->x != p->y && p->op <= RN_POOL_AVERAGE);
    REQUIRE(p->op == RN_POOL_MAX ? !p->inside_only && (p->where || !p->backward) : !p->where);
    REQUIRE(p->backward || p->beta == 0);
    /* no window is all padding */
    REQUIRE(w->pad_top < w->kernel_h && w->pad_bottom < w->kernel_h);
    REQUIRE(w->pad_left < w->kernel_w && w->pad_right < w->kernel_w);
    return enqueue(d, &(struct op){run_pool, .does = {.pool = *p}});
}

/* ---- recordings ------------------------------------------------------------ */

static void ref_discard(struct rn_device *d, struct rn_recording *r)
{
    (void)d;
    if (!r)
        return;
    mem_free(r->op);
    mem_free(r);
}

static int ref_capture_begin(struct rn_device *d)
{
    REQUIRE(!ref_of(d)->recording);
    ref_of(d)->recording = mem_alloc(sizeof *ref_of(d)->recording);
    return ref_of(d)->recording ? RN_OK : RN_ENOMEM;
}

static int ref_capture_end(struct rn_device *d, struct rn_recording **out)
{
    REQUIRE(ref_of(d)->recording);
    *out = ref_of(d)->recording;
    ref_of(d)->recording = NULL;
    return RN_OK;
}

static int ref_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    REQUIRE(r && block && !ref_of(d)->recording);
    for (int i = 0; i < r->n; i++)
        r->op[i].run(&r->op[i], block);
    return RN_OK;
}

/* ---- the device ------------------------------------------------------------ */

void ref_device_pieces(struct rn_device *d, bool larger) { ref_of(d)->larger = larger; }

void ref_device_close(struct rn_device *d)
{
    ref_discard(d, ref_of(d)->recording);
    mem_free(d);
}

static int ref_info(struct rn_device *d, struct rn_device_info *out)
{
    (void)d;
    memcpy(out->name, "reference", sizeof "reference");
    out->threads = 1;
    out->host_visible = 1;
    return RN_OK;
}

static int ref_open(const void *opts, struct rn_device **out)
{
    (void)opts;
    return ref_device_open(out);
}

static const struct rn_device_ops ops = {
    .size = sizeof(struct rn_device_ops),
    .open = ref_open,
    .close = ref_device_close,
    .info = ref_info,
    .alloc = ref_alloc,
    .free = ref_free,
    .sync = ref_sync,
    .upload = ref_upload,
    .download = ref_download,
    .fill = ref_fill,
    .gemm = ref_gemm,
    .map = ref_map,
    .reduce = ref_reduce,
    .gather = ref_gather,
    .argmax = ref_argmax,
    .task = ref_task,
    .capture_begin = ref_capture_begin,
    .capture_end = ref_capture_end,
    .replay = ref_replay,
    .discard = ref_discard,
    .conv = ref_conv,
    .pool = ref_pool,
};

int ref_device_open(struct rn_device **out)
{
    struct ref *r = mem_alloc(sizeof *r);

    if (!r)
        return RN_ENOMEM;
    r->base.ops = &ops;
    *out = &r->base;
    return RN_OK;
}
