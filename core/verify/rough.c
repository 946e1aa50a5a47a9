/* rough.c - hands everything on, and stirs what comes of it. */
#include "rough.h"

#include "base/error.h"

#include <float.h>

enum { COUNTER = RN_BLOCK_U - 1 }; /* in the step block */

#define OFF (4 * FLT_EPSILON) /* half of it each way */

RN_MAP(stirred, 1, 1, 1, y0 = x0 * (1 + a0 * (u - 0.5f)););

static struct rough *rough_of(struct rn_device *d) { return (struct rough *)(void *)d; }

static struct rn_device *real_of(struct rn_device *d) { return rough_of(d)->real; }

/* Each time with a key of its own: the same numbers in two places would cancel where they meet. */
static int stir(struct rn_device *d, rn_real *x, int64_t rows, int64_t cols)
{
    struct rn_device *real = real_of(d);

    return real->ops->map(real, &stirred,
                          &(struct rn_map_call){.rows = rows,
                                                .cols = cols,
                                                .in = {x},
                                                .out = {x},
                                                .arg = {(rn_real)OFF},
                                                .key = ++rough_of(d)->stirred,
                                                .draw_from = COUNTER});
}

static int rough_gemm(struct rn_device *d, const struct rn_gemm *g)
{
    struct rn_device *real = real_of(d);

    TRY(real->ops->gemm(real, g));
    if (g->ldc == g->n)
        return stir(d, g->c, g->m, g->n);
    for (int64_t i = 0; i < g->m; i++)
        TRY(stir(d, g->c + i * g->ldc, 1, g->n));
    return RN_OK;
}

/* What the step block moves is not followed. */
static int rough_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *c)
{
    struct rn_device *real = real_of(d);

    TRY(real->ops->map(real, map, c));
    for (int i = 0; i < map->n_out; i++)
        TRY(c->out_from[i] ? RN_OK : stir(d, c->out[i], c->rows, c->cols));
    return RN_OK;
}

static int rough_reduce(struct rn_device *d, const struct rn_reduce *r)
{
    struct rn_device *real = real_of(d);
    int64_t n = r->over == RN_PER_ROW ? r->rows : r->over == RN_PER_COL ? r->cols : 1;

    TRY(real->ops->reduce(real, r));
    return r->out_from ? RN_OK : stir(d, r->out, 1, n);
}

static int rough_conv(struct rn_device *d, const struct rn_conv *c)
{
    const struct rn_window *w = &c->window;
    struct rn_device *real = real_of(d);

    TRY(real->ops->conv(real, c));
    switch (c->pass) {
    case RN_CONV_FORWARD: return stir(d, c->y, c->rows * w->out_h * w->out_w, c->filters);
    case RN_CONV_GRAD_INPUT: return stir(d, c->x, c->rows * w->h * w->w, w->channels);
    default:
        return stir(d, c->w, (int64_t)w->kernel_h * w->kernel_w * (w->channels / c->groups),
                    c->filters);
    }
}

static int rough_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    struct rn_device *real = real_of(d);
    struct rn_block b = *block;

    b.u[COUNTER] = ++rough_of(d)->replays << 32; /* far apart: a replay takes many numbers */
    return real->ops->replay(real, r, &b);
}

/* ---- what is handed on ------------------------------------------------------------- */

static int rough_info(struct rn_device *d, struct rn_device_info *out)
{
    return real_of(d)->ops->info(real_of(d), out);
}

static int rough_alloc(struct rn_device *d, size_t bytes, void **out)
{
    return real_of(d)->ops->alloc(real_of(d), bytes, out);
}

static void rough_free(struct rn_device *d, void *p) { real_of(d)->ops->free(real_of(d), p); }

static int rough_sync(struct rn_device *d) { return real_of(d)->ops->sync(real_of(d)); }

static int rough_upload(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    return real_of(d)->ops->upload(real_of(d), dst, src, bytes);
}

static int rough_download(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    return real_of(d)->ops->download(real_of(d), dst, src, bytes);
}

static int rough_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    return real_of(d)->ops->fill(real_of(d), dst, v, n);
}

static int rough_gather(struct rn_device *d, const struct rn_gather *g)
{
    return real_of(d)->ops->gather(real_of(d), g);
}

static int rough_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in,
                        rn_real *out)
{
    return real_of(d)->ops->argmax(real_of(d), rows, cols, in, out);
}

static int rough_task(struct rn_device *d, void (*fn)(void *ctx, int64_t slice), void *ctx,
                      int64_t slices)
{
    return real_of(d)->ops->task(real_of(d), fn, ctx, slices);
}

static int rough_pool(struct rn_device *d, const struct rn_pool *p)
{
    return real_of(d)->ops->pool(real_of(d), p);
}

static int rough_begin(struct rn_device *d) { return real_of(d)->ops->capture_begin(real_of(d)); }

static int rough_end(struct rn_device *d, struct rn_recording **out)
{
    return real_of(d)->ops->capture_end(real_of(d), out);
}

static void rough_discard(struct rn_device *d, struct rn_recording *r)
{
    real_of(d)->ops->discard(real_of(d), r);
}

void rough_make(struct rn_device *real, struct rough *out)
{
    *out = (struct rough){.base = {&out->ops},
                          .real = real,
                          .ops = {.size = sizeof out->ops,
                                  .info = rough_info,
                                  .alloc = rough_alloc,
                                  .free = rough_free,
                                  .sync = rough_sync,
                                  .upload = rough_upload,
                                  .download = rough_download,
                                  .fill = rough_fill,
                                  .gemm = rough_gemm,
                                  .map = rough_map,
                                  .reduce = rough_reduce,
                                  .gather = rough_gather,
                                  .argmax = rough_argmax,
                                  .task = rough_task,
                                  .capture_begin = rough_begin,
                                  .capture_end = rough_end,
                                  .replay = rough_replay,
                                  .discard = rough_discard,
                                  .conv = rough_conv,
                                  .pool = rough_pool}};
}
