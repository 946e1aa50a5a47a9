/* conv.c - convolutions by oneDNN. The rows are cut into pieces whose size does not depend on the
 * number of threads, and each piece is one call of a primitive that was made for one thread: so the
 * bits do not depend on it either. Activations stay as they are. Weights are put into the order
 * that oneDNN's kernel likes, anew each time. A gradient of the weights is one partial sum for each
 * piece, by oneDNN or by conv_taps.c, added up in the order of the pieces. All that a shape needs
 * is made when it is first seen and kept as long as the device. */
#include "cpu.h"

#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#include <string.h>

#define PIECES        64                  /* at least so many, where there are as many rows */
#define PARTIALS      16                  /* the same of partial sums, which have to be added up */
#define PIECE_BYTES   ((size_t)256 << 10) /* no larger, where a row is not */
#define PARTIAL_BYTES ((size_t)64 << 20)  /* of all partial sums of weights together */
#define LINE          ((int64_t)(64 / sizeof(rn_real)))
#define STRETCH       1024 /* values */

/* What one thread hands to the primitive. A kernel walks images in steps of a pixel, part of the
 * channels at a time, and would wait for each line of the cache: what it reads of a piece is copied
 * to a place that stays in the second level. */
struct conv_lane {
    dnnl_memory_t x, w, y, bias, scratch;
    rn_real *near_x, *near_y; /* NULL: used where it is */
};

#define DNNL(call) \
    do { \
        dnnl_status_t dnnl_status_ = (call); \
        if (dnnl_status_ == dnnl_out_of_memory) \
            return RN_FAIL(RN_ENOMEM, "out of memory for a convolution"); \
        if (dnnl_status_ != dnnl_success) \
            return RN_FAIL(RN_EUNSUPPORTED, "oneDNN refuses this convolution: %s gives %d", #call, \
                           (int)dnnl_status_); \
    } while (0)

/* ---- the primitive ------------------------------------------------------------ */

struct layout { /* a convolution in oneDNN's terms */
    dnnl_memory_desc_t x, w, y, bias;
    dnnl_dims_t stride, dilation, before, after;
};

static int lay_out(const struct rn_conv *c, int64_t rows, dnnl_format_tag_t x_tag,
                   dnnl_format_tag_t y_tag, dnnl_format_tag_t w_tag, struct layout *l)
{
    const struct rn_window *w = &c->window;
    const dnnl_dims_t x = {rows, w->channels, w->h, w->w}, bias = {c->filters};
    const dnnl_dims_t y = {rows, c->filters, w->out_h, w->out_w};
    const dnnl_dims_t weights = {c->groups, c->filters / c->groups, w->channels / c->groups,
                                 w->kernel_h, w->kernel_w};
    bool grouped = c->groups > 1;

    *l = (struct layout){.stride = {w->stride_h, w->stride_w},
                         .dilation = {w->dilation_h - 1, w->dilation_w - 1},
                         .before = {w->pad_top, w->pad_left},
                         .after = {w->pad_bottom, w->pad_right}};
    DNNL(dnnl_memory_desc_init_by_tag(&l->x, 4, x, dnnl_f32, x_tag));
    DNNL(dnnl_memory_desc_init_by_tag(&l->y, 4, y, dnnl_f32, y_tag));
    DNNL(dnnl_memory_desc_init_by_tag(&l->w, grouped ? 5 : 4, weights + !grouped, dnnl_f32, w_tag));
    if (c->bias)
        DNNL(dnnl_memory_desc_init_by_tag(&l->bias, 1, bias, dnnl_f32, dnnl_a));
    return RN_OK;
}

struct choice { /* the second goes out from the first, or is it */
    dnnl_primitive_desc_t forward, pass;
};

static void drop(struct choice *c)
{
    if (c->pass && c->pass != c->forward)
        dnnl_primitive_desc_destroy(c->pass);
    if (c->forward)
        dnnl_primitive_desc_destroy(c->forward);
    *c = (struct choice){0};
}

static int describe(dnnl_engine_t e, const_dnnl_primitive_attr_t attr, const struct rn_conv *c,
                    const struct layout *l, struct choice *out)
{
    dnnl_convolution_desc_t d;

    *out = (struct choice){0};
    DNNL(dnnl_dilated_convolution_forward_desc_init(
        &d, dnnl_forward_training, dnnl_convolution_direct, &l->x, &l->w, c->bias ? &l->bias : NULL,
        &l->y, l->stride, l->dilation, l->before, l->after));
    DNNL(dnnl_primitive_desc_create(&out->forward, &d, attr, e, NULL));
    if (c->pass == RN_CONV_FORWARD) {
        out->pass = out->forward;
        return RN_OK;
    }
    if (c->pass == RN_CONV_GRAD_INPUT)
        DNNL(dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &l->x,
                                                              &l->w, &l->y, l->stride, l->dilation,
                                                              l->before, l->after));
    else
        DNNL(dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &l->x,
                                                                 &l->w, NULL, &l->y, l->stride,
                                                                 l->dilation, l->before, l->after));
    DNNL(dnnl_primitive_desc_create(&out->pass, &d, attr, e, out->forward));
    return RN_OK;
}

/* 0: a kernel of its own, 1: by way of a matrix product, 2: plain loops */
static int slowness(const struct choice *c)
{
    const char *name = "";

    dnnl_primitive_desc_query(c->pass, dnnl_query_impl_info_str, 0, (void *)&name);
    return !strncmp(name, "ref", 3) ? 2 : strstr(name, ":gemm:") != NULL;
}

/* One channel has the same memory under two names, and for which of them oneDNN has a fast kernel
 * depends on the processor. */
static int choose(dnnl_engine_t e, const_dnnl_primitive_attr_t attr, const struct rn_conv *c,
                  int64_t rows, struct choice *best)
{
    int status = RN_OK;

    *best = (struct choice){0};
    for (int names = 0; names < 4; names++) {
        bool x_planar = names & 1, y_planar = names & 2;
        struct choice one = {0};
        struct layout l;

        if ((x_planar && c->window.channels > 1) || (y_planar && c->filters > 1))
            continue;
        int failed = lay_out(c, rows, x_planar ? dnnl_nchw : dnnl_nhwc,
                             y_planar ? dnnl_nchw : dnnl_nhwc, dnnl_format_tag_any, &l);
        failed = failed ? failed : describe(e, attr, c, &l, &one);
        if (failed || (best->pass && slowness(&one) >= slowness(best))) {
            status = status ? status : failed;
            drop(&one);
            continue;
        }
        drop(best);
        *best = one;
    }
    return best->pass ? RN_OK : status;
}

/* ---- memory -------------------------------------------------------------------- */

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static const dnnl_memory_desc_t *query(const struct choice *c, dnnl_query_t what, int i)
{
    return dnnl_primitive_desc_query_md(c->pass, what, i);
}

static int make_lane(struct convolution *v, const struct choice *c, dnnl_engine_t e, int i)
{
    struct conv_lane *l = &v->lane[i];
    int pass = v->shape.pass;
    const dnnl_memory_desc_t *x =
        query(c, pass == RN_CONV_GRAD_INPUT ? dnnl_query_diff_src_md : dnnl_query_src_md, 0);
    const dnnl_memory_desc_t *y =
        query(c, pass == RN_CONV_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md, 0);
    const dnnl_memory_desc_t *scratch = query(c, dnnl_query_scratchpad_md, 0);
    size_t scratch_bytes = rounded(dnnl_memory_desc_get_size(scratch));
    size_t x_bytes = rounded(dnnl_memory_desc_get_size(x));
    size_t y_bytes = rounded(dnnl_memory_desc_get_size(y));
    bool near = x_bytes + y_bytes <= 2 * PIECE_BYTES;
    bool adds = pass == RN_CONV_GRAD_INPUT && v->shape.beta != 0;
    bool near_x = adds || (near && pass != RN_CONV_GRAD_INPUT);
    bool near_y = near && pass != RN_CONV_FORWARD;
    char *memory =
        rn_host->alloc(scratch_bytes + (near_x ? x_bytes : 0) + (near_y ? y_bytes : 0) + 64);

    if (!memory)
        return RN_FAIL(RN_ENOMEM, "out of memory for a convolution");
    v->memory[i] = memory;
    l->near_x = near_x ? (rn_real *)(memory + scratch_bytes) : NULL;
    l->near_y = near_y ? (rn_real *)(memory + scratch_bytes + (near_x ? x_bytes : 0)) : NULL;
    DNNL(dnnl_memory_create(&l->scratch, scratch, e, memory));
    DNNL(dnnl_memory_create(&l->x, x, e, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&l->y, y, e, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(
        &l->w,
        query(c, pass == RN_CONV_GRAD_WEIGHT ? dnnl_query_diff_weights_md : dnnl_query_weights_md,
              0),
        e, v->arranged));
    if (v->shape.bias)
        DNNL(dnnl_memory_create(&l->bias, query(c, dnnl_query_weights_md, 1), e, DNNL_MEMORY_NONE));
    return RN_OK;
}

/* what a reorder of whole numbers needs, to be given back */
struct reorder {
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    dnnl_memory_t from, to;
};

static int run_reorder(struct reorder *r, dnnl_engine_t e, dnnl_stream_t stream,
                       const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to, void *source,
                       void *target)
{
    DNNL(dnnl_reorder_primitive_desc_create(&r->pd, from, e, to, e, NULL));
    DNNL(dnnl_primitive_create(&r->primitive, r->pd));
    DNNL(dnnl_memory_create(&r->from, from, e, source));
    DNNL(dnnl_memory_create(&r->to, to, e, target));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, r->from}, {DNNL_ARG_TO, r->to}};
    DNNL(dnnl_primitive_execute(r->primitive, stream, 2, args));
    DNNL(dnnl_stream_wait(stream));
    return RN_OK;
}

static void free_reorder(struct reorder *r)
{
    if (r->from)
        dnnl_memory_destroy(r->from);
    if (r->to)
        dnnl_memory_destroy(r->to);
    if (r->primitive)
        dnnl_primitive_destroy(r->primitive);
    if (r->pd)
        dnnl_primitive_desc_destroy(r->pd);
}

/* place[i]: where the i-th value in oneDNN's order stands in ours; -1: nowhere, it is padding.
 * oneDNN says so itself, when it puts the numbers from 1 into its order. */
static int find_places(struct convolution *v, const struct choice *c,
                       const struct convolutions *all)
{
    dnnl_memory_desc_t to = *query(c,
                                   v->shape.pass == RN_CONV_GRAD_WEIGHT ? dnnl_query_diff_weights_md
                                                                        : dnnl_query_weights_md,
                                   0);
    struct reorder r = {0};
    struct layout l;

    RN_TRY(lay_out(&v->shape, 1, dnnl_nhwc, dnnl_nhwc, v->shape.groups > 1 ? dnnl_hwigo : dnnl_hwio,
                   &l));
    l.w.data_type = to.data_type = dnnl_s32;
    size_t n = dnnl_memory_desc_get_size(&l.w) / sizeof(int32_t);
    v->count = (int64_t)(dnnl_memory_desc_get_size(&to) / sizeof(int32_t));
    int32_t *numbers = rn_host->alloc(n * sizeof *numbers);
    v->place = rn_host->alloc((size_t)v->count * sizeof *v->place);
    int status = numbers && v->place ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory for weights");
    for (size_t i = 0; !status && i < n; i++)
        numbers[i] = (int32_t)i + 1;
    if (!status)
        status = run_reorder(&r, all->engine, all->stream, &l.w, &to, numbers, v->place);
    for (int64_t i = 0; !status && i < v->count; i++)
        v->place[i]--;
    free_reorder(&r);
    rn_host->free(numbers);
    return status;
}

/* ---- making, keeping, finding ---------------------------------------------------- */

/* The number of equal pieces: enough for many threads, and not large. */
static int64_t pieces_of(const struct rn_conv *c, int64_t least)
{
    const struct rn_window *w = &c->window;
    size_t row = (size_t)(rn_values_in(w) + rn_values_out(w, c->filters)) * sizeof(rn_real);
    int64_t n = c->rows < least ? c->rows : least;

    while (c->rows % n || (n < c->rows && (size_t)(c->rows / n) * row > PIECE_BYTES))
        n++;
    return n;
}

/* Fewer for large weights, of which partial sums take up much. */
static int64_t partials_of(const struct rn_conv *c)
{
    const struct rn_window *w = &c->window;
    size_t bytes = (size_t)w->kernel_h * (size_t)w->kernel_w * (size_t)w->channels *
                   (size_t)c->filters / (size_t)c->groups * sizeof(rn_real);
    int64_t most = (int64_t)(PARTIAL_BYTES / bytes), n = pieces_of(c, PARTIALS);

    while (n > 1 && (n > most || c->rows % n))
        n--;
    return n;
}

static int make_primitive(struct convolution *v, const struct convolutions *all, struct choice *c)
{
    dnnl_primitive_attr_t attr;

    omp_set_num_threads(1); /* a primitive is made for as many threads as there are now */
    DNNL(dnnl_primitive_attr_create(&attr));
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    int status = choose(all->engine, attr, &v->shape, v->piece, c);
    dnnl_primitive_attr_destroy(attr);
    RN_TRY(status);
    if (dnnl_primitive_create(&v->primitive, c->pass) != dnnl_success)
        return RN_FAIL(RN_EUNSUPPORTED, "oneDNN cannot make a convolution");
    return find_places(v, c, all);
}

/* Weights stay in their order. */
static int make_taps(struct convolution *v)
{
    const struct rn_window *w = &v->shape.window;

    v->count = (int64_t)w->kernel_h * w->kernel_w * w->channels * v->shape.filters;
    v->place = rn_host->alloc((size_t)v->count * sizeof *v->place);
    if (!v->place)
        return RN_ENOMEM;
    for (int64_t i = 0; i < v->count; i++)
        v->place[i] = (int32_t)i;
    return RN_OK;
}

static int make_taps_lane(struct convolution *v, int i)
{
    int64_t x = taps_room_x(&v->shape), y = taps_room_y(&v->shape);
    rn_real *room = rn_host->alloc((size_t)(x + y) * sizeof *room);

    v->memory[i] = room;
    v->lane[i].near_x = room;
    v->lane[i].near_y = room ? room + x : NULL;
    return room ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory for a convolution");
}

static int make(struct convolution *v, const struct convolutions *all)
{
    bool partial = v->shape.pass == RN_CONV_GRAD_WEIGHT, taps = taps_fit(&v->shape, all->taps);
    struct choice c = {0};

    v->pieces = partial ? partials_of(&v->shape) : pieces_of(&v->shape, PIECES);
    v->piece = v->shape.rows / v->pieces;
    int status = taps ? make_taps(v) : make_primitive(v, all, &c);
    v->stride = ((v->count + LINE - 1) / LINE | 1) * LINE; /* odd: no two in the same sets */
    if (!status) {
        int64_t n = v->stride * (partial ? v->pieces : 1);
        v->arranged = rn_host->alloc((size_t)n * sizeof *v->arranged);
        status = v->arranged ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory for weights");
    }
    for (int i = 0; !status && i < all->threads; i++)
        status = taps ? make_taps_lane(v, i) : make_lane(v, &c, all->engine, i);
    drop(&c);
    return status;
}

static void free_one(struct convolution *v, int threads)
{
    for (int i = 0; v->lane && i < threads; i++) {
        const dnnl_memory_t memory[] = {v->lane[i].x, v->lane[i].w, v->lane[i].y, v->lane[i].bias,
                                        v->lane[i].scratch};
        for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
            if (memory[k])
                dnnl_memory_destroy(memory[k]);
    }
    for (int i = 0; v->memory && i < threads; i++)
        rn_host->free(v->memory[i]);
    if (v->primitive)
        dnnl_primitive_destroy(v->primitive);
    rn_host->free(v->memory);
    rn_host->free(v->lane);
    rn_host->free(v->place);
    rn_host->free(v->arranged);
    rn_host->free(v);
}

void conv_free(struct convolutions *all)
{
    for (struct convolution *next, *v = all->first; v; v = next) {
        next = v->next;
        free_one(v, all->threads);
    }
    if (all->stream)
        dnnl_stream_destroy(all->stream);
    if (all->engine)
        dnnl_engine_destroy(all->engine);
    *all = (struct convolutions){0};
}

static bool same_shape(const struct rn_conv *a, const struct rn_conv *b)
{
    return !memcmp(&a->window, &b->window, sizeof a->window) && a->filters == b->filters &&
           a->groups == b->groups && a->rows == b->rows && a->pass == b->pass &&
           !a->bias == !b->bias && (a->beta != 0) == (b->beta != 0);
}

int conv_find(struct convolutions *all, const struct rn_conv *c, struct convolution **out)
{
    for (struct convolution *v = all->first; v; v = v->next)
        if (same_shape(&v->shape, c)) {
            *out = v;
            return RN_OK;
        }
    if (!all->engine)
        DNNL(dnnl_engine_create(&all->engine, dnnl_cpu, 0));
    if (!all->stream)
        DNNL(dnnl_stream_create(&all->stream, all->engine, dnnl_stream_default_flags));
    struct convolution *v = rn_host->alloc(sizeof *v);
    if (!v)
        return RN_ENOMEM;
    v->shape = *c;
    v->stream = all->stream;
    v->lane = rn_host->alloc((size_t)all->threads * sizeof *v->lane);
    v->memory = rn_host->alloc((size_t)all->threads * sizeof *v->memory);
    int status = v->lane && v->memory ? make(v, all) : RN_ENOMEM;
    if (status) {
        free_one(v, all->threads);
        return status;
    }
    v->next = all->first;
    all->first = v;
    *out = v;
    return RN_OK;
}

/* ---- doing it -------------------------------------------------------------------- */

RN_CLONES static void arrange(const struct convolution *v, const rn_real *w, int64_t i0, int64_t i1)
{
    for (int64_t i = i0; i < i1; i++)
        v->arranged[i] = v->place[i] < 0 ? 0 : w[v->place[i]];
}

/* The partial sums of values i0..i1, in the order of the pieces; a stretch at a time, so that each
 * piece is read in a row. */
RN_CLONES static void add_partials(const struct convolution *v, rn_real beta, rn_real *w,
                                   int64_t i0, int64_t i1)
{
    rn_real sum[STRETCH];

    for (int64_t i = i0; i < i1; i += STRETCH) {
        int64_t n = i1 - i < STRETCH ? i1 - i : STRETCH;

        memcpy(sum, v->arranged + i, (size_t)n * sizeof *sum);
        for (int64_t p = 1; p < v->pieces; p++)
            for (int64_t k = 0; k < n; k++)
                sum[k] += v->arranged[p * v->stride + i + k];
        for (int64_t k = 0; k < n; k++)
            if (v->place[i + k] >= 0) {
                rn_real *to = &w[v->place[i + k]];
                *to = beta != 0 ? sum[k] + beta * *to : sum[k];
            }
    }
}

RN_CLONES static void add(const rn_real *from, rn_real beta, int64_t n, rn_real *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i] + beta * to[i];
}

static rn_real *fetch(rn_real *from, int64_t n, rn_real *near)
{
    if (near)
        memcpy(near, from, (size_t)n * sizeof *near);
    return near ? near : from;
}

static void *handle(const rn_real *p) /* oneDNN has no const */ { return (void *)(uintptr_t)p; }

static int do_piece(const struct convolution *v, const struct rn_conv *c, int64_t i,
                    const struct conv_lane *l)
{
    const struct rn_window *w = &c->window;
    int64_t x_size = v->piece * rn_values_in(w), y_size = v->piece * rn_values_out(w, c->filters);
    bool forward = c->pass == RN_CONV_FORWARD, to_x = c->pass == RN_CONV_GRAD_INPUT;
    rn_real *x = c->x + i * x_size, *y = c->y + i * y_size;
    const dnnl_exec_arg_t args[] = {
        {to_x ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, l->x},
        {forward || to_x ? DNNL_ARG_WEIGHTS : DNNL_ARG_DIFF_WEIGHTS, l->w},
        {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, l->y},
        {DNNL_ARG_SCRATCHPAD, l->scratch},
        {DNNL_ARG_BIAS, l->bias},
    };

    dnnl_status_t bad = dnnl_memory_set_data_handle(l->x, to_x && l->near_x ? l->near_x
                                                          : to_x            ? x
                                                                 : fetch(x, x_size, l->near_x));
    bad |= dnnl_memory_set_data_handle(l->y, fetch(y, y_size, l->near_y));
    if (!forward && !to_x)
        bad |= dnnl_memory_set_data_handle(l->w, v->arranged + i * v->stride);
    if (c->bias)
        bad |= dnnl_memory_set_data_handle(l->bias, handle(c->bias));
    bad |= dnnl_primitive_execute(v->primitive, v->stream, c->bias ? 5 : 4, args);
    if (to_x && l->near_x && !bad)
        add(l->near_x, c->beta, x_size, x);
    return bad ? RN_EDEVICE : RN_OK;
}

int conv_run(const struct op *op, int number, int64_t u0, int64_t u1)
{
    const struct convolution *v = op->v;
    const struct rn_conv *c = &op->does.conv;
    const struct conv_lane *l = &v->lane[number];

    if (op->step != CONV_PIECES) {
        struct slice s = slice_of(&op->share, 1, v->count, u0, u1);
        if (op->step == CONV_ARRANGE)
            arrange(v, c->w, s.c0, s.c1);
        else
            add_partials(v, c->beta, c->w, s.c0, s.c1);
        return RN_OK;
    }
    for (int64_t i = u0; i < u1; i++)
        RN_TRY(v->primitive ? do_piece(v, c, i, l)
                            : taps_run(c, i * v->piece, v->piece, l->near_x, l->near_y,
                                       v->arranged + i * v->stride));
    return RN_OK;
}
