/* layer.h - a layer says what it needs in plan(), then computes.
 *
 * The core owns all memory. Whatever a layer declares in plan() is laid out,
 * initialised, counted, moved to the device and saved in checkpoints without
 * further code from the layer. Shapes never include the batch: a [B, in]
 * tensor has the shape [in]. forward() and backward() only enqueue operations of
 * the device: they are called once, recorded and replayed, so a plain read of a
 * tensor's values there is a fault (RN_LATE=1 on the CPU shows it).
 */
#ifndef RN_LAYER_H
#define RN_LAYER_H

#include "device.h"
#include "option.h"

enum rn_init_rule { RN_INIT_CONST, RN_INIT_UNIFORM, RN_INIT_NORMAL };

struct rn_init { /* drawn from one seed: the same on any device */
    uint32_t rule, reserved;
    double scale; /* the constant; half the width around 0; the standard deviation */
};

/* How exports show a stored array: its dimensions permuted, then joined into a shape.
 * rank 0: as it is. dense stores [in, out] and shows PyTorch's [out, in]. */
struct rn_view {
    int32_t rank, reserved;
    int64_t dim[RN_MAX_RANK];  /* of the stored array */
    int32_t perm[RN_MAX_RANK]; /* axis i of the exported array is stored axis perm[i] */
    struct rn_shape shape;     /* of the exported array */
};

enum rn_life {
    RN_SCRATCH = 1, /* contents last for one call */
    RN_SAVED,       /* written by forward, read by backward */
    RN_PERSISTENT,  /* kept and checkpointed: a running mean */
};

enum rn_plan_flag {
    RN_NO_DECAY = 1 << 0,   /* parameter: weight decay leaves it alone */
    RN_PER_SAMPLE = 1 << 1, /* buffer: one such shape for each sample */
    RN_ONES = 1 << 2,       /* persistent buffer: starts at 1, where others start at 0 */
};

struct rn_plan {
    uint32_t size;
    int32_t n_in;
    const void *opts;          /* the plugin's options struct, checked */
    const struct rn_shape *in; /* n_in of them */
    struct rn_shape out;       /* plan() sets it */
    double flops;              /* plan() sets it: of one sample, forward; 0 when too few to count */
    void *core;                /* not for the plugin */
    /* Both return the index for rn_call.param or .buf, or a status < 0. view may be NULL. */
    int (*param)(struct rn_plan *p, const char *name, struct rn_shape shape, struct rn_init init,
                 const struct rn_view *view, uint32_t flags);
    int (*buffer)(struct rn_plan *p, const char *name, uint32_t life, struct rn_shape shape,
                  uint32_t flags);
    /* A buffer that holds these values from the start and is only read: what stands in options and
     * is too long for the arguments of a map. values is copied; nothing of it goes into files. */
    int (*constant)(struct rn_plan *p, const char *name, struct rn_shape shape,
                    const double *values);
};

struct rn_call {
    uint32_t size;
    int32_t training; /* 0 while evaluating */
    const void *opts;
    struct rn_device *dev;
    int64_t batch; /* rows; the last batch of an epoch has a recording of its own */
    const struct rn_tensor *in, *out, *param, *buf;
    /* backward only. din[i].data and dparam[i].data may be NULL: not wanted */
    const struct rn_tensor *dout, *din, *dparam;
    const rn_real *din_beta; /* one an input, for gemm or map: 0 writes, 1 adds */
    rn_real dparam_beta;
    uint32_t draw_from; /* for maps that read u: the index of the step counter */
    uint64_t key;       /* differs by seed and layer; the same in both passes */
};

/* A container is a layer with options of the type RN_OPT_LAYERS. The core computes these branches
 * itself, each from the container's input, and hands their results to the container as
 * in[0..n_in-1], in the order of the table; a branch without layers is the input as it is. */

enum rn_layer_flag {
    RN_LAYER_VIEW = 1 << 0,      /* out is in[0] under another shape: no forward, no backward */
    RN_LAYER_INPLACE = 1 << 1,   /* out may share memory with in[0], and dout with din[0], which
                                    backward then writes behind the other din */
    RN_LAYER_READS_IN = 1 << 2,  /* backward reads in */
    RN_LAYER_READS_OUT = 1 << 3, /* backward reads out */
};

/* What a layer computes in evaluation, for programs that know nothing of it: operations of ONNX,
 * opset 13 (https://onnx.ai/onnx/operators), and LayerNormalization over all of a sample. Arrays
 * are as there, and as exports show parameters: images channels first. Exports know Conv Gemm
 * (transB 1) BatchNormalization LayerNormalization MaxPool AveragePool GlobalAveragePool Flatten
 * Softmax Add Sub Mul Div (both alike, or one of a single value) Relu LeakyRelu Elu Sigmoid Tanh
 * Softplus Softsign Erf Exp Log Sqrt Abs Neg Identity and name the layer whose operation they do
 * not know. */
enum rn_attribute_type { RN_ATTRIBUTE_FLOAT = 1, RN_ATTRIBUTE_INT, RN_ATTRIBUTE_INTS };

struct rn_attribute {
    const char *name; /* "epsilon" */
    uint32_t type;    /* enum rn_attribute_type */
    int32_t n;        /* of ints */
    double value;
    int64_t at[4]; /* at[0] of one */
};

/* Values go by reference: what node() and constant() returned, or one of these. */
enum rn_reference {
    RN_REF_IN = 0,          /* + i: input i of the layer */
    RN_REF_PARAM = 1 << 16, /* + what param() returned */
    RN_REF_BUFFER = 1 << 17 /* + what buffer() returned; one that is persistent */
};

struct rn_node {
    uint32_t size;
    int32_t n_in, n_attributes;
    uint32_t reserved;
    const char *op; /* "Conv" */
    const int32_t *in;
    const struct rn_attribute *attributes;
    const struct rn_shape *out; /* as plan() would set it; NULL: as that of the first input */
};
RN_NO_TAIL_PADDING(struct rn_node, out);

struct rn_standard {
    uint32_t size;
    int32_t n_in;
    const void *opts;
    const struct rn_shape *in, *out; /* as in plan(), and what it set */
    void *core;
    /* Both return a reference, or a status < 0. All that they are handed is copied. */
    int (*node)(struct rn_standard *s, const struct rn_node *node);
    int (*constant)(struct rn_standard *s, struct rn_shape shape, double each);
};
RN_NO_TAIL_PADDING(struct rn_standard, constant);

struct rn_layer_ops {
    uint32_t size, flags; /* enum rn_layer_flag */
    int (*plan)(struct rn_plan *p);
    int (*forward)(const struct rn_call *c);
    int (*backward)(const struct rn_call *c);
    /* opt: returns the reference of the result; without it a model can't be exported as a program
     */
    int (*standard)(struct rn_standard *s);
};
RN_NO_TAIL_PADDING(struct rn_layer_ops, standard);

/* ---- shorthand over the device, for layer and loss code ------------------- */

/* out[m,n] = op(a) op(b) + beta out, nothing but the matrices in their rows */
static inline int rn_gemm(struct rn_device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                          const rn_real *a, const rn_real *b, rn_real beta, rn_real *out)
{
    return d->ops->gemm(d, &(struct rn_gemm){.m = m,
                                             .n = n,
                                             .k = k,
                                             .a = a,
                                             .b = b,
                                             .c = out,
                                             .lda = ta ? m : k,
                                             .ldb = tb ? k : n,
                                             .ldc = n,
                                             .beta = beta,
                                             .ta = ta,
                                             .tb = tb});
}

static inline int rn_apply(struct rn_device *d, const struct rn_map *map, struct rn_map_call call)
{
    return d->ops->map(d, map, &call);
}

static inline int rn_reduce(struct rn_device *d, enum rn_reduction op, enum rn_span over,
                            int64_t rows, int64_t cols, const rn_real *in, rn_real beta,
                            rn_real *out)
{
    return d->ops->reduce(d, &(struct rn_reduce){.rows = rows,
                                                 .cols = cols,
                                                 .in = in,
                                                 .out = out,
                                                 .beta = beta,
                                                 .op = (uint8_t)op,
                                                 .over = (uint8_t)over});
}

/* A layer that does the same to each element: its plan(); y = map(x); and dx = map(from, dy), where
 * from is c->in or c->out. a0 of the map is arg. */
static inline int rn_each_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static inline int rn_each_forward(const struct rn_call *c, const struct rn_map *map, double arg)
{
    return rn_apply(c->dev, map,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data},
                                         .arg = {(rn_real)arg}});
}

static inline int rn_each_backward(const struct rn_call *c, const struct rn_map *map,
                                   const struct rn_tensor *from, double arg)
{
    if (!c->din->data)
        return RN_OK;
    return rn_apply(c->dev, map,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {from->data, c->dout->data},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]},
                                         .arg = {(rn_real)arg}});
}

/* standard() in one operation, of the layer's inputs or of what is named. */
static inline int rn_standard_of(struct rn_standard *s, const char *op, int32_t n_in,
                                 const int32_t *in, int32_t n_attributes,
                                 const struct rn_attribute *attributes, const struct rn_shape *out)
{
    return s->node(s, &(struct rn_node){.size = sizeof(struct rn_node),
                                        .n_in = n_in,
                                        .n_attributes = n_attributes,
                                        .op = op,
                                        .in = in,
                                        .attributes = attributes,
                                        .out = out});
}

static inline int rn_standard_each(struct rn_standard *s, const char *op, int32_t x)
{
    return rn_standard_of(s, op, 1, &x, 0, NULL, NULL);
}

static inline int rn_standard_pair(struct rn_standard *s, const char *op, int32_t a, int32_t b)
{
    const int32_t in[] = {a, b};

    return a < 0 || b < 0 ? (a < 0 ? a : b) : rn_standard_of(s, op, 2, in, 0, NULL, NULL);
}

/* x op number */
static inline int rn_standard_with(struct rn_standard *s, const char *op, int32_t x, double number)
{
    const struct rn_shape one = {.rank = 0};

    return x < 0 ? x : rn_standard_pair(s, op, x, s->constant(s, one, number));
}

/* Devices that cannot do these are told apart from those that fail. */
static inline int rn_conv(struct rn_device *d, const struct rn_conv *c)
{
    return d->ops->conv ? d->ops->conv(d, c)
                        : RN_FAIL(RN_EUNSUPPORTED, "this device has no convolution");
}

static inline int rn_pool(struct rn_device *d, const struct rn_pool *p)
{
    return d->ops->pool ? d->ops->pool(d, p)
                        : RN_FAIL(RN_EUNSUPPORTED, "this device has no pooling");
}

#endif
