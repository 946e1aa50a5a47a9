/* batchnorm.c - each column of the batch with mean 0 and variance 1: a feature of a flat input, a
 * channel of an image. Bound by memory: six passes over activations forward, eight backward.
 *
 * An image has few columns and very many rows. Pixels that lie side by side are taken as one wide
 * row, and what belongs to a column is repeated for each of them: up to twice as fast. */
#include <runner/layer.h>

struct batchnorm {
    double momentum, eps;
    bool affine;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct batchnorm, momentum, "0.1", 0, 1, 0, NULL,
             "weight of a batch in the running statistics"),
    RN_FLOAT(struct batchnorm, eps, "1e-5", 0, 1, RN_OPT_OPEN_MIN, NULL, "added to the variance"),
    RN_BOOL(struct batchnorm, affine, "true", "learn a gain and an offset for each column"),
    RN_END,
};

enum { WEIGHT, BIAS }; /* parameters, in the order of plan() */
enum {                 /* buffers */
       RUNNING_MEAN,
       RUNNING_VAR,
       MEAN,    /* [columns] */
       INVERSE, /* [columns] 1 / sqrt(variance + eps) */
       GAIN,    /* [columns] the same times weight */
       WIDE,    /* [4, width] what belongs to columns, repeated */
       SUMS,    /* [columns] forward: of x, then of squares; backward: of dy, then their mean */
       SHARES,  /* [columns] backward: sums of dy (x - mean), then their part in dx */
       PRODUCT, /* as x: backward: dy (x - mean) */
};

/* x0 sums, x1 running mean; a0 1 / n, a1 momentum */
RN_MAP(means, 2, 2, 0, y0 = x0 * a0; y1 = a1 * y0 + (1 - a1) * x1;);
RN_MAP(subtract, 2, 1, 0, y0 = x0 - x1;);
/* x0 sums of squares, x1 running variance; a0 1 / n, a1 1 / (n - 1), a2 momentum, a3 eps */
RN_MAP(spreads, 2, 2, 0, y0 = 1 / sqrtf(x0 * a0 + a3); y1 = a2 * (x0 * a1) + (1 - a2) * x1;);
/* x0 running variance; a0 eps */
RN_MAP(invert, 1, 1, 0, y0 = 1 / sqrtf(x0 + a0););
RN_MAP(multiply, 2, 1, 0, y0 = x0 * x1;);
RN_MAP(multiply_add, 3, 1, 0, y0 = x0 * x1 + x2;);
/* x0 x, x1 mean, x2 gain, x3 bias */
RN_MAP(evaluate, 3, 1, 0, y0 = (x0 - x1) * x2;);
RN_MAP(evaluate_add, 4, 1, 0, y0 = (x0 - x1) * x2 + x3;);

/* x0 dy, x1 x, x2 mean */
RN_MAP(product, 3, 1, 0, y0 = x0 * (x1 - x2););
RN_MAP(copy, 1, 1, 0, y0 = x0;);
/* x0 sums of dy, x1 of dy (x - mean), x2 inverse; a0 1 / n */
RN_MAP(shares, 3, 2, 0, y0 = x0 * a0; y1 = x1 * a0 * x2 * x2;);
/* x0 dy, x1 x, x2 mean, x3 mean of dy, x4 share of x - mean, x5 gain */
RN_MAP(slope, 6, 1, 0, y0 = x5 * (x0 - x3 - (x1 - x2) * x4););

enum { WIDTH = 64 }; /* of a wide row, at most */

static int64_t columns(const struct rn_shape *s) { return s->dim[s->rank - 1]; }

/* The pixels of a wide row. */
static int64_t pixels(const struct rn_shape *s)
{
    int64_t all = rn_count(s) / columns(s), n = WIDTH / columns(s);

    n = n < 1 ? 1 : n < all ? n : all;
    while (all % n)
        n--;
    return n;
}

static int batchnorm_plan(struct rn_plan *p)
{
    const struct batchnorm *o = p->opts;
    const struct rn_shape *in = &p->in[0];
    struct rn_init one = {.rule = RN_INIT_CONST, .scale = 1}, zero = {.rule = RN_INIT_CONST};

    if (in->rank != 1 && in->rank != 3)
        return RN_FAIL(RN_ESHAPE,
                       "batchnorm needs a flat input or an image, and this one has %d dimensions: "
                       "put flatten before it",
                       (int)in->rank);

    struct rn_shape vec = rn_vec(columns(in));

    p->out = *in;
    if (o->affine) {
        RN_TRY(p->param(p, "weight", vec, one, NULL, RN_NO_DECAY));
        RN_TRY(p->param(p, "bias", vec, zero, NULL, RN_NO_DECAY));
    }
    RN_TRY(p->buffer(p, "running_mean", RN_PERSISTENT, vec, 0));
    RN_TRY(p->buffer(p, "running_var", RN_PERSISTENT, vec, RN_ONES));
    RN_TRY(p->buffer(p, "mean", RN_SAVED, vec, 0));
    RN_TRY(p->buffer(p, "inverse", RN_SAVED, vec, 0));
    RN_TRY(p->buffer(p, "gain", RN_SAVED, vec, 0));
    RN_TRY(p->buffer(p, "wide", RN_SCRATCH, rn_mat(4, pixels(in) * columns(in)), 0));
    RN_TRY(p->buffer(p, "sums", RN_SCRATCH, vec, 0));
    RN_TRY(p->buffer(p, "shares", RN_SCRATCH, vec, 0));
    RN_TRY(p->buffer(p, "product", RN_SCRATCH, *in, RN_PER_SAMPLE));
    return RN_OK;
}

/* A call over the activations, as wide rows. */
static struct rn_map_call over_all(const struct rn_call *c)
{
    const struct rn_shape *in = &c->in->shape;
    int64_t cols = pixels(in) * columns(in);

    return (struct rn_map_call){.rows = c->batch * rn_count(in) / cols, .cols = cols};
}

static struct rn_map_call over_columns(const struct rn_call *c)
{
    return (struct rn_map_call){.rows = 1, .cols = columns(&c->in->shape)};
}

static double values_of_column(const struct rn_call *c)
{
    return (double)(c->batch * rn_count(&c->in->shape) / columns(&c->in->shape));
}

/* One value for each column, as input i of a call over wide rows; slot: of the buffer, 0 to 3. */
static int spread(const struct rn_call *c, struct rn_map_call *all, int i, int slot,
                  const rn_real *vec)
{
    struct rn_map_call call = over_columns(c);

    all->span[i] = RN_PER_COL;
    all->in[i] = vec;
    call.rows = pixels(&c->in->shape);
    if (call.rows == 1)
        return RN_OK;
    call.in[0] = vec;
    call.span[0] = RN_PER_COL;
    call.out[0] = c->buf[WIDE].data + slot * all->cols;
    all->in[i] = call.out[0];
    return rn_apply(c->dev, &copy, call);
}

static int sum_columns(const struct rn_call *c, enum rn_reduction op, const rn_real *in,
                       rn_real *out)
{
    int64_t n = pixels(&c->in->shape), cols = columns(&c->in->shape);
    rn_real *wide = n > 1 ? c->buf[WIDE].data : out;

    RN_TRY(rn_reduce(c->dev, op, RN_PER_COL, over_all(c).rows, n * cols, in, 0, wide));
    return n > 1 ? rn_reduce(c->dev, RN_SUM, RN_PER_COL, n, cols, wide, 0, out) : RN_OK;
}

/* inverse -> gain; returns gain, or inverse when there is no weight */
static int make_gain(const struct rn_call *c, const rn_real **gain)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call call = over_columns(c);

    *gain = c->buf[INVERSE].data;
    if (!o->affine)
        return RN_OK;
    call.in[0] = c->buf[INVERSE].data;
    call.in[1] = c->param[WEIGHT].data;
    call.out[0] = c->buf[GAIN].data;
    *gain = c->buf[GAIN].data;
    return rn_apply(c->dev, &multiply, call);
}

static int evaluation(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call small = over_columns(c), all = over_all(c);
    const rn_real *gain;

    small.in[0] = c->buf[RUNNING_VAR].data;
    small.out[0] = c->buf[INVERSE].data;
    small.arg[0] = (rn_real)o->eps;
    RN_TRY(rn_apply(c->dev, &invert, small));
    RN_TRY(make_gain(c, &gain));
    all.in[0] = c->in->data;
    RN_TRY(spread(c, &all, 1, 0, c->buf[RUNNING_MEAN].data));
    RN_TRY(spread(c, &all, 2, 1, gain));
    if (o->affine)
        RN_TRY(spread(c, &all, 3, 2, c->param[BIAS].data));
    all.out[0] = c->out->data;
    return rn_apply(c->dev, o->affine ? &evaluate_add : &evaluate, all);
}

/* sums of x -> mean, running mean */
static int note_mean(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call call = over_columns(c);

    call.in[0] = c->buf[SUMS].data;
    call.in[1] = call.out[1] = c->buf[RUNNING_MEAN].data;
    call.out[0] = c->buf[MEAN].data;
    call.arg[0] = (rn_real)(1 / values_of_column(c));
    call.arg[1] = (rn_real)o->momentum;
    return rn_apply(c->dev, &means, call);
}

/* sums of squares -> inverse, running variance */
static int note_spread(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call call = over_columns(c);
    double n = values_of_column(c);

    call.in[0] = c->buf[SUMS].data;
    call.in[1] = call.out[1] = c->buf[RUNNING_VAR].data;
    call.out[0] = c->buf[INVERSE].data;
    call.arg[0] = (rn_real)(1 / n);
    call.arg[1] = (rn_real)(1 / (n > 1 ? n - 1 : 1));
    call.arg[2] = (rn_real)o->momentum;
    call.arg[3] = (rn_real)o->eps;
    return rn_apply(c->dev, &spreads, call);
}

/* the variance from x - mean, which stands in y meanwhile */
static int batchnorm_forward(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call all = over_all(c);
    rn_real *sums = c->buf[SUMS].data;
    const rn_real *gain;

    if (!c->training)
        return evaluation(c);
    RN_TRY(sum_columns(c, RN_SUM, c->in->data, sums));
    RN_TRY(note_mean(c));
    all.in[0] = c->in->data;
    all.out[0] = c->out->data;
    RN_TRY(spread(c, &all, 1, 0, c->buf[MEAN].data));
    RN_TRY(rn_apply(c->dev, &subtract, all));
    RN_TRY(sum_columns(c, RN_SUM_SQUARES, c->out->data, sums));
    RN_TRY(note_spread(c));
    RN_TRY(make_gain(c, &gain));
    all.in[0] = c->out->data;
    RN_TRY(spread(c, &all, 1, 0, gain));
    if (o->affine)
        RN_TRY(spread(c, &all, 2, 1, c->param[BIAS].data));
    return rn_apply(c->dev, o->affine ? &multiply_add : &multiply, all);
}

/* dweight = inverse times the sums of dy (x - mean)   dbias = sums of dy */
static int parameter_gradients(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    struct rn_map_call weight = over_columns(c), bias = over_columns(c);

    weight.in[0] = c->buf[SHARES].data;
    weight.in[1] = c->buf[INVERSE].data;
    bias.in[0] = c->buf[SUMS].data;
    weight.beta[0] = bias.beta[0] = c->dparam_beta;
    if (o->affine && c->dparam[WEIGHT].data) {
        weight.out[0] = c->dparam[WEIGHT].data;
        RN_TRY(rn_apply(c->dev, &multiply, weight));
    }
    if (o->affine && c->dparam[BIAS].data) {
        bias.out[0] = c->dparam[BIAS].data;
        RN_TRY(rn_apply(c->dev, &copy, bias));
    }
    return RN_OK;
}

static int input_gradient(const struct rn_call *c)
{
    const struct batchnorm *o = c->opts;
    rn_real *sums = c->buf[SUMS].data, *parts = c->buf[SHARES].data;
    struct rn_map_call small = over_columns(c), all = over_all(c);

    small.in[0] = small.out[0] = sums;
    small.in[1] = small.out[1] = parts;
    small.in[2] = c->buf[INVERSE].data;
    small.arg[0] = (rn_real)(1 / values_of_column(c));
    RN_TRY(rn_apply(c->dev, &shares, small));
    all.in[0] = c->dout->data;
    all.in[1] = c->in->data;
    RN_TRY(spread(c, &all, 2, 0, c->buf[MEAN].data));
    RN_TRY(spread(c, &all, 3, 1, sums));
    RN_TRY(spread(c, &all, 4, 2, parts));
    RN_TRY(spread(c, &all, 5, 3, o->affine ? c->buf[GAIN].data : c->buf[INVERSE].data));
    all.out[0] = c->din->data;
    all.beta[0] = c->din_beta[0];
    return rn_apply(c->dev, &slope, all);
}

static int batchnorm_backward(const struct rn_call *c)
{
    struct rn_map_call all = over_all(c);

    all.in[0] = c->dout->data;
    all.in[1] = c->in->data;
    all.out[0] = c->buf[PRODUCT].data;
    RN_TRY(sum_columns(c, RN_SUM, c->dout->data, c->buf[SUMS].data));
    RN_TRY(spread(c, &all, 2, 0, c->buf[MEAN].data));
    RN_TRY(rn_apply(c->dev, &product, all));
    RN_TRY(sum_columns(c, RN_SUM, c->buf[PRODUCT].data, c->buf[SHARES].data));
    RN_TRY(parameter_gradients(c));
    return c->din->data ? input_gradient(c) : RN_OK;
}

static int batchnorm_standard(struct rn_standard *s)
{
    const struct batchnorm *o = s->opts;
    const struct rn_attribute eps = {
        .name = "epsilon", .type = RN_ATTRIBUTE_FLOAT, .value = o->eps};
    const struct rn_shape *x = &s->in[0], vec = rn_vec(columns(x));
    int32_t in[] = {RN_REF_IN, RN_REF_PARAM + WEIGHT, RN_REF_PARAM + BIAS,
                    RN_REF_BUFFER + RUNNING_MEAN, RN_REF_BUFFER + RUNNING_VAR};

    if (x->rank == 1 && x->channels > 1 && x->channels < columns(x))
        return RN_FAIL(RN_EUNSUPPORTED,
                       "batchnorm behind the flatten of an image has its columns in an order that "
                       "others do not have: put it before flatten");
    if (!o->affine) {
        in[1] = s->constant(s, vec, 1);
        in[2] = s->constant(s, vec, 0);
        RN_TRY(in[1] < in[2] ? in[1] : in[2]);
    }
    return rn_standard_of(s, "BatchNormalization", 5, in, 1, &eps, NULL);
}

static const struct rn_plugin batchnorm = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct batchnorm),
    .traits = RN_TRAIT_NORMALIZES,
    .name = "batchnorm",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "mean 0 and variance 1 over the batch",
    .doc = "y = (x - mean) / sqrt(var + eps) weight + bias\n"
           "training: mean and var of each column over the batch, for an image of each\n"
           "channel over batch, height and width; var is the mean square about the mean.\n"
           "running = (1 - momentum) running + momentum batch, with n / (n - 1) var.\n"
           "evaluation: the running values.\n"
           "\n"
           "x [n], or channels x height x width; weight [n] starts at 1, bias [n] at 0, and\n"
           "decay leaves both alone. As torch.nn.BatchNorm1d and BatchNorm2d, but a column of\n"
           "one value is no error: its variance is 0 in the running value too. After the\n"
           "flatten of an image with channels, columns and so exports are in the order height,\n"
           "width, channels: put it before flatten.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_READS_IN,
                                        .plan = batchnorm_plan,
                                        .forward = batchnorm_forward,
                                        .backward = batchnorm_backward,
                                        .standard = batchnorm_standard},
};

RN_PLUGINS(&batchnorm);
