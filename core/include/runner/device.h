/* device.h - what a device must do. Small on purpose: a layer is built from gemm,
 * map and reduce, so a new device is a handful of functions and an allocator.
 *
 * Operations enqueue. Between capture_begin() and capture_end() they are recorded
 * and not done; replay() does a recording, as often as wanted, in the same order.
 * What differs from one replay to the next (learning rate, batch number) stands in
 * the step block, which calls refer to by index: nothing is allocated, looked up or
 * checked while a recording is replayed.
 */
#ifndef RN_DEVICE_H
#define RN_DEVICE_H

#include "random.h"
#include "tensor.h"

#include <math.h>

#ifdef RN_DOUBLE /* the bodies of maps are written with the names for float */
#define expf   exp
#define expm1f expm1
#define logf   log
#define log1pf log1p
#define sqrtf  sqrt
#define tanhf  tanh
#define erff   erf
#define fabsf  fabs
#define powf   pow
#endif

/* The step block. Index 0 means "the value that stands in the call itself". */
#define RN_BLOCK_F 64
#define RN_BLOCK_U 16
struct rn_block {
    uint64_t u[RN_BLOCK_U]; /* offsets and counters */
    rn_real f[RN_BLOCK_F];  /* scalars */
};

/* ---- map: an elementwise function, written once for every device ---------
 *
 * RN_MAP keeps its body twice: as C, which the compiler turns into the loop
 * for host memory, and as text, which a device with a run-time compiler
 * turns into a kernel. The body reads x0..x5 (inputs), a0..a7 (scalars), row and
 * col (int64_t) and, when rnd is 1, u (uniform in [0,1), the same on every device),
 * and sets y0, y1, y2. An output may be one of the inputs that are spread RN_EACH.
 * It may use arithmetic and the names of <math.h> that end in f; no macros of its
 * own and no '#' lines, since the text is not preprocessed.
 */
#define RN_MAP_IN  6
#define RN_MAP_OUT 3
#define RN_MAP_ARG 8

/* which element of an input belongs to element (row, col) */
enum rn_span {
    RN_EACH = 0, /* in[row * cols + col] */
    RN_PER_COL,  /* in[col]: a bias or a gain */
    RN_PER_ROW,  /* in[row]: a sum or a maximum of the row */
    RN_ONE,      /* in[0] */
};

struct rn_map_call {
    int64_t rows, cols;
    const rn_real *in[RN_MAP_IN];
    rn_real *out[RN_MAP_OUT];
    rn_real beta[RN_MAP_OUT]; /* 0: out = y   1: out += y */
    rn_real arg[RN_MAP_ARG];
    uint64_t key;                 /* for u */
    uint8_t span[RN_MAP_IN];      /* enum rn_span */
    uint8_t arg_from[RN_MAP_ARG]; /* not 0: arg[i] is block.f[arg_from[i]] */
    uint8_t out_from[RN_MAP_OUT]; /* not 0: out[i] begins block.u[out_from[i]] elements later */
    uint8_t draw_from;            /* block.u[draw_from] counts the draws of u */
};

struct rn_map {
    uint32_t size;
    uint8_t n_in, n_out, uses_u, reserved;
    const char *name, *body;
    void (*host)(const struct rn_map_call *c, const struct rn_block *b, int64_t r0, int64_t r1,
                 int64_t j0, int64_t j1); /* rows and columns to do */
};

/* One copy of the loop for each generation of the processor, chosen when loaded. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define RN_CLONES
#endif

#define RN_MAP_UNIT_(k, nin) ((nin) > k ? p##k[col] : 0)
#define RN_MAP_STEP_(k, nin) ((nin) > k ? p##k[col * unit##k] : 0)
#define RN_MAP_SET_(k, nout) \
    if ((nout) > k) \
    q##k[col] = y##k
#define RN_MAP_ADD_(k, nout) \
    if ((nout) > k) \
    q##k[col] = b##k != 0 ? q##k[col] + y##k : y##k
/* Input k of row r begins at in##k + r * step##k; unit##k: neighbours in a row are neighbours in
 * memory. */
#define RN_MAP_IN_(k, nin) \
    const rn_real *const in##k = (nin) > k ? c->in[k] : NULL; \
    const int64_t step##k = (nin) <= k                 ? 0 \
                            : c->span[k] == RN_EACH    ? c->cols \
                            : c->span[k] == RN_PER_ROW ? 1 \
                                                       : 0; \
    const int64_t unit##k = (nin) <= k || c->span[k] == RN_EACH || c->span[k] == RN_PER_COL
#define RN_MAP_OUT_(k, nout) \
    rn_real *const out##k = (nout) > k ? c->out[k] + b->u[c->out_from[k]] : NULL; \
    const rn_real b##k = (nout) > k ? c->beta[k] : 0
#define RN_MAP_ROW_(k, nin) \
    const rn_real *const p##k = (nin) > k ? in##k + row * step##k : NULL; \
    (void)p##k
#define RN_MAP_ROW_OUT_(k, nout) \
    rn_real *const q##k = (nout) > k ? out##k + row * c->cols : NULL; \
    (void)q##k, (void)b##k
#define RN_MAP_ARG_(k) \
    const rn_real a##k = c->arg_from[k] ? b->f[c->arg_from[k]] : c->arg[k]; \
    (void)a##k

#ifdef __clang__ /* looks at the addresses at run time instead */
#define RN_IVDEP
#else
#define RN_IVDEP _Pragma("GCC ivdep")
#endif

/* Outputs may be inputs, but only at the same place: no value is carried. */
#define RN_MAP_LOOP_(nin, nout, rnd, LOAD, STORE, ...) \
    for (int64_t row = r0; row < r1; row++) { \
        RN_MAP_ROW_(0, nin); \
        RN_MAP_ROW_(1, nin); \
        RN_MAP_ROW_(2, nin); \
        RN_MAP_ROW_(3, nin); \
        RN_MAP_ROW_(4, nin); \
        RN_MAP_ROW_(5, nin); \
        RN_MAP_ROW_OUT_(0, nout); \
        RN_MAP_ROW_OUT_(1, nout); \
        RN_MAP_ROW_OUT_(2, nout); \
        for (int64_t some = j0, to = j1; some < j1; some = to) { \
            float us[RN_UNIFORMS]; \
            if (rnd) { \
                to = j1 - some > RN_UNIFORMS ? some + RN_UNIFORMS : j1; \
                rn_uniforms(c->key, draw, (uint64_t)(row * c->cols + some), us); \
            } \
            RN_IVDEP for (int64_t col = some; col < to; col++) \
            { \
                const rn_real x0 = LOAD(0, nin), x1 = LOAD(1, nin), x2 = LOAD(2, nin); \
                const rn_real x3 = LOAD(3, nin), x4 = LOAD(4, nin), x5 = LOAD(5, nin); \
                const rn_real u = (rnd) ? (rn_real)us[col - some] : 0; \
                rn_real y0 = 0, y1 = 0, y2 = 0; \
                (void)x0, (void)x1, (void)x2, (void)x3, (void)x4, (void)x5, (void)u; \
                {__VA_ARGS__} STORE(0, nout); \
                STORE(1, nout); \
                STORE(2, nout); \
                (void)y1, (void)y2; \
            } \
        } \
    }

#define RN_MAP(id, nin, nout, rnd, ...) \
    RN_CLONES static void id##_host(const struct rn_map_call *c, const struct rn_block *b, \
                                    int64_t r0, int64_t r1, int64_t j0, int64_t j1) \
    { \
        RN_MAP_ARG_(0); \
        RN_MAP_ARG_(1); \
        RN_MAP_ARG_(2); \
        RN_MAP_ARG_(3); \
        RN_MAP_ARG_(4); \
        RN_MAP_ARG_(5); \
        RN_MAP_ARG_(6); \
        RN_MAP_ARG_(7); \
        RN_MAP_IN_(0, nin); \
        RN_MAP_IN_(1, nin); \
        RN_MAP_IN_(2, nin); \
        RN_MAP_IN_(3, nin); \
        RN_MAP_IN_(4, nin); \
        RN_MAP_IN_(5, nin); \
        RN_MAP_OUT_(0, nout); \
        RN_MAP_OUT_(1, nout); \
        RN_MAP_OUT_(2, nout); \
        const uint64_t draw = b->u[c->draw_from]; \
        (void)draw; \
        const int64_t units = unit0 & unit1 & unit2 & unit3 & unit4 & unit5; \
        const bool adds = b0 != 0 || b1 != 0 || b2 != 0; \
        if (units && !adds) \
            RN_MAP_LOOP_(nin, nout, rnd, RN_MAP_UNIT_, RN_MAP_SET_, __VA_ARGS__) \
        else if (units) \
            RN_MAP_LOOP_(nin, nout, rnd, RN_MAP_UNIT_, RN_MAP_ADD_, __VA_ARGS__) \
        else \
            RN_MAP_LOOP_(nin, nout, rnd, RN_MAP_STEP_, RN_MAP_ADD_, __VA_ARGS__) \
    } \
    _Static_assert((nin) <= RN_MAP_IN && (nout) <= RN_MAP_OUT, #id " has too many operands"); \
    static const struct rn_map id = {sizeof(struct rn_map), nin,      nout, rnd, 0, #id, \
                                     #__VA_ARGS__,          id##_host}; \
    static const struct rn_map *const id##_listed __attribute__((used, section("rn_maps"))) = &id

/* ---- the other operations ------------------------------------------------ */

/* C[m,n] = op(A) op(B) + beta C; row-major, leading dimensions given */
struct rn_gemm {
    int64_t m, n, k, lda, ldb, ldc;
    const rn_real *a, *b;
    rn_real *c;
    rn_real beta; /* 0: C is not read */
    uint8_t ta, tb;
};

enum rn_reduction { RN_SUM, RN_SUM_SQUARES, RN_MAX };

/* over RN_PER_ROW: out[rows], one from each row; RN_PER_COL: out[cols]; RN_ONE: out[1].
 * out = result + beta out, out moved by block.u[out_from] elements; sums in a fixed order. */
struct rn_reduce {
    int64_t rows, cols;
    const rn_real *in;
    rn_real *out;
    rn_real beta;
    uint8_t op, over; /* enum rn_reduction, enum rn_span */
    uint8_t out_from;
};

/* out[r, j] = from[index[start + r], j] * scale[c] + shift[c] for r in 0..rows-1, c = j % channels,
 * start = block.u[start_from]. index, scale and shift are device memory. */
struct rn_gather {
    int64_t rows, cols, channels;
    const void *from;
    const int32_t *index;
    const rn_real *scale, *shift; /* NULL: as it is */
    rn_real *out;
    uint8_t dtype; /* enum rn_dtype, of from */
    uint8_t start_from;
};
enum rn_dtype { RN_F32 = 1, RN_U8 = 2 };

/* A window that slides over images: element (i, j) of output (oy, ox) reads the input at
 * (oy * stride_h + i * dilation_h - pad_top, ox * stride_w + j * dilation_w - pad_left). What lies
 * outside reads as 0 in a convolution and takes no part in a maximum. */
struct rn_window {
    int32_t h, w, channels; /* the input: [rows, h, w, channels] */
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
};

/* Cross-correlation, as every framework calls a convolution. x [rows, h, w, channels],
 * w [kernel_h, kernel_w, channels / groups, filters], y [rows, out_h, out_w, filters].
 * RN_CONV_FORWARD: y = x * w + bias      RN_CONV_GRAD_INPUT: x = y * w' + beta x
 * RN_CONV_GRAD_WEIGHT: w = x' * y + beta w, summed over the rows in a fixed order */
enum rn_conv_pass { RN_CONV_FORWARD, RN_CONV_GRAD_INPUT, RN_CONV_GRAD_WEIGHT };
struct rn_conv {
    struct rn_window window;
    int32_t filters, groups; /* filter f belongs to group f / (filters / groups) */
    int64_t rows;
    rn_real *x, *w, *y;  /* the pass says which of them is written */
    const rn_real *bias; /* forward: [filters]; NULL: none */
    rn_real beta;        /* backward */
    uint8_t pass;        /* enum rn_conv_pass */
};

/* x [rows, h, w, channels], y [rows, out_h, out_w, channels].
 * Forward: y from x, and for a maximum also where [as y], the number i * kernel_w + j of the
 * element that was largest, the first of equals; NaN is larger than all. The average divides by the
 * kernel's elements, or with inside_only by those that lie in the image. Backward: x = what y
 * passes back + beta x; where is read. */
enum rn_pool_op { RN_POOL_MAX, RN_POOL_AVERAGE };
struct rn_pool {
    struct rn_window window;
    int64_t rows;
    rn_real *x, *y, *where; /* where: NULL for an average, or when no backward pass follows */
    rn_real beta;           /* backward */
    uint8_t op, backward, inside_only;
};

struct rn_device_info {
    uint32_t size;
    uint32_t threads;                /* that work on one operation; 0 where it has no meaning */
    uint32_t host_visible, reserved; /* not 0: the host may follow its addresses */
    char name[64];                   /* "AMD EPYC 7763, AVX2" */
    char detail[128];                /* libraries and their versions, for the report */
    uint64_t memory_bytes;           /* all of it */
    uint64_t free_bytes;             /* that alloc() can still give; 0: not known */
    uint64_t reserve_bytes;          /* of those, what operations may yet take for themselves */
};

/* For profiles: an operation of a recording, and when one lane (a thread, a queue) was at work on
 * it. An operation may be done in several stretches; what lies between them is waiting. */
struct rn_op_info {
    uint32_t size, tag; /* tag: what tag() said before it was enqueued */
    char name[32];      /* "gemm", "relu" */
    char detail[64];    /* "64 x 256 x 784" */
    double flops;       /* floating point operations of products and convolutions, else 0 */
    double bytes;       /* of the large operands, read and written once each; 0: not known */
};
struct rn_timing {
    uint32_t op, lane;         /* op: its number in the recording */
    uint64_t begin_ns, end_ns; /* since the replay began */
};

struct rn_device {                   /* the plugin's own struct begins with this */
    const struct rn_device_ops *ops; /* the core's own copy */
};
struct rn_recording; /* a captured list of operations, owned by the device */

/* Every function returns an enum rn_status. Operations may report an error of the work itself
 * from a later call, at the latest from sync(). Memory that a call names must live until then. */
struct rn_device_ops {
    uint32_t size, reserved;

    int (*open)(const void *opts, struct rn_device **out);
    void (*close)(struct rn_device *d);
    int (*info)(struct rn_device *d, struct rn_device_info *out);
    int (*alloc)(struct rn_device *d, size_t bytes, void **out); /* 256-aligned, zeroed */
    void (*free)(struct rn_device *d, void *p);
    int (*sync)(struct rn_device *d); /* all enqueued work is done */

    int (*upload)(struct rn_device *d, void *dst, const void *src, size_t bytes);
    int (*download)(struct rn_device *d, void *dst, const void *src, size_t bytes); /* waits */

    int (*fill)(struct rn_device *d, rn_real *dst, rn_real v, int64_t n);
    int (*gemm)(struct rn_device *d, const struct rn_gemm *g);
    int (*map)(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *call);
    int (*reduce)(struct rn_device *d, const struct rn_reduce *r);
    int (*gather)(struct rn_device *d, const struct rn_gather *g);
    /* out[r] = the first column that holds the largest of in[r, 0..cols-1] */
    int (*argmax)(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in, rn_real *out);
    /* fn(ctx, slice) on the host for each slice, in any order; for what no operation can do */
    int (*task)(struct rn_device *d, void (*fn)(void *ctx, int64_t slice), void *ctx,
                int64_t slices);

    int (*capture_begin)(struct rn_device *d);
    int (*capture_end)(struct rn_device *d, struct rn_recording **out);
    int (*replay)(struct rn_device *d, struct rn_recording *r, const struct rn_block *block);
    void (*discard)(struct rn_device *d, struct rn_recording *r); /* NULL is fine */

    int (*conv)(struct rn_device *d, const struct rn_conv *c);
    int (*pool)(struct rn_device *d, const struct rn_pool *p);

    /* These three together or none. tag: what is enqueued from now on belongs to that number. */
    void (*tag)(struct rn_device *d, uint32_t tag);
    /* Operation i of a recording; the size of out is set. RN_EINVAL behind the last. */
    int (*op_info)(struct rn_device *d, const struct rn_recording *r, uint32_t i,
                   struct rn_op_info *out);
    /* replay() and sync(), timed: *n stretches, those of a lane in order. When they need more room
     * than there is, *n says how much, and out holds nothing of use. */
    int (*replay_timed)(struct rn_device *d, struct rn_recording *r, const struct rn_block *block,
                        struct rn_timing *out, uint32_t room, uint32_t *n);

    /* Optional, all four together: data that come while the device works. Host memory that it
     * reads fastest, zeroed. */
    int (*host_alloc)(struct rn_device *d, size_t bytes, void **out);
    void (*host_free)(struct rn_device *d, void *p);
    /* As upload(), into half 0 or 1 of a double buffer, halves in turn, beside the work under way:
     * what was enqueued since the last call for the other half reads that other half and not this
     * one. What is enqueued from now on finds the data. src must stay as it is until staged(). */
    int (*stage)(struct rn_device *d, uint32_t half, void *dst, const void *src, size_t bytes);
    /* Waits for the copy of the last stage() of this half. From any thread. */
    int (*staged)(struct rn_device *d, uint32_t half);

    /* Optional: behind an error of the work itself, the tag of the operation at fault. *exact: it
     * was that one; else the fault lies in it or in what follows. RN_EINVAL: not known. */
    int (*fault)(struct rn_device *d, uint32_t *tag, int *exact);
};
RN_NO_TAIL_PADDING(struct rn_device_ops, fault);

#endif
