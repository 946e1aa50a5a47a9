/* layernorm.c - each sample with mean 0 and variance 1, over all of its values; in place where the
 * core allows it. */
#include <runner/layer.h>

struct layernorm {
    double eps;
    bool affine;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct layernorm, eps, "1e-5", 0, 1, RN_OPT_OPEN_MIN, NULL, "added to the variance"),
    RN_BOOL(struct layernorm, affine, "true", "learn a gain and an offset for each value"),
    RN_END,
};

enum { WEIGHT, BIAS }; /* parameters, in the order of plan() */
enum {                 /* buffers */
       CENTRED,        /* as x: x - mean */
       INVERSE,        /* [1] 1 / sqrt(variance + eps) */
       SUM,            /* [1] forward: of x, of squares; backward: of g = dy weight */
       SHARE,          /* [1] backward: the sum of g (x - mean) inverse */
       PRODUCT,        /* as x: backward: dy (x - mean) inverse */
};

/* x0 x, x1 sum; a0 1 / n */
RN_MAP(centre, 2, 1, 0, y0 = x0 - x1 * a0;);
/* x0 sum of squares; a0 1 / n, a1 eps */
RN_MAP(invert, 1, 1, 0, y0 = 1 / sqrtf(x0 * a0 + a1););
/* x0 centred, x1 inverse, x2 weight, x3 bias */
RN_MAP(scale, 2, 1, 0, y0 = x0 * x1;);
RN_MAP(scale_add, 4, 1, 0, y0 = x0 * x1 * x2 + x3;);

/* x0 dy, x1 centred, x2 inverse */
RN_MAP(multiply, 3, 1, 0, y0 = x0 * (x1 * x2););
/* x0 sum, x1 share, x2 inverse; a0 1 / n */
RN_MAP(shares, 3, 2, 0, y0 = x0 * a0; y1 = x1 * a0 * x2;);
/* x0 dy, x1 centred, x2 inverse, x3 mean of g, x4 share of centred, x5 weight */
RN_MAP(slope, 5, 1, 0, y0 = x2 * (x0 - x3 - x1 * x4););
RN_MAP(slope_weighted, 6, 1, 0, y0 = x2 * (x0 * x5 - x3 - x1 * x4););

/* Channels first, as PyTorch has them; also for an image that was flattened. */
static struct rn_view parameter_view(const struct rn_shape *s)
{
    int64_t n = rn_count(s), channels = s->channels;

    if (s->rank == 3)
        return (struct rn_view){.rank = 3,
                                .dim = {s->dim[0], s->dim[1], s->dim[2]},
                                .perm = {2, 0, 1},
                                .shape = {.rank = 3, .dim = {s->dim[2], s->dim[0], s->dim[1]}}};
    if (s->rank == 1 && channels > 1)
        return (struct rn_view){
            .rank = 2, .dim = {n / channels, channels}, .perm = {1, 0}, .shape = rn_vec(n)};
    return (struct rn_view){0};
}

static int layernorm_plan(struct rn_plan *p)
{
    const struct layernorm *o = p->opts;
    struct rn_shape in = p->in[0];
    struct rn_init one = {.rule = RN_INIT_CONST, .scale = 1}, zero = {.rule = RN_INIT_CONST};
    struct rn_view view = parameter_view(&in);

    p->out = in;
    if (o->affine) {
        RN_TRY(p->param(p, "weight", in, one, &view, RN_NO_DECAY));
        RN_TRY(p->param(p, "bias", in, zero, &view, RN_NO_DECAY));
    }
    RN_TRY(p->buffer(p, "centred", RN_SAVED, in, RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "inverse", RN_SAVED, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "sum", RN_SCRATCH, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "share", RN_SCRATCH, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "product", RN_SCRATCH, in, RN_PER_SAMPLE));
    return RN_OK;
}

static int sum_rows(const struct rn_call *c, enum rn_reduction op, const rn_real *in, rn_real *out)
{
    return rn_reduce(c->dev, op, RN_PER_ROW, c->batch, rn_count(&c->in->shape), in, 0, out);
}

static rn_real share_of_one(const struct rn_call *c)
{
    return (rn_real)(1 / (double)rn_count(&c->in->shape));
}

static int layernorm_forward(const struct rn_call *c)
{
    const struct layernorm *o = c->opts;
    rn_real *centred = c->buf[CENTRED].data, *sum = c->buf[SUM].data;
    struct rn_map_call all = {.rows = c->batch, .cols = rn_count(&c->in->shape)};

    RN_TRY(sum_rows(c, RN_SUM, c->in->data, sum));
    all.in[0] = c->in->data;
    all.in[1] = sum;
    all.span[1] = RN_PER_ROW;
    all.out[0] = centred;
    all.arg[0] = share_of_one(c);
    RN_TRY(rn_apply(c->dev, &centre, all));
    RN_TRY(sum_rows(c, RN_SUM_SQUARES, centred, sum));
    RN_TRY(rn_apply(c->dev, &invert,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = 1,
                                         .in = {sum},
                                         .out = {c->buf[INVERSE].data},
                                         .arg = {share_of_one(c), (rn_real)o->eps}}));
    all.in[0] = centred;
    all.in[1] = c->buf[INVERSE].data;
    all.in[2] = o->affine ? c->param[WEIGHT].data : NULL;
    all.in[3] = o->affine ? c->param[BIAS].data : NULL;
    all.span[2] = all.span[3] = RN_PER_COL;
    all.out[0] = c->out->data;
    return rn_apply(c->dev, o->affine ? &scale_add : &scale, all);
}

/* For each sample the sum over its values of x times weight. */
static int weighted_sums(const struct rn_call *c, const rn_real *x, rn_real *out)
{
    const struct layernorm *o = c->opts;

    if (!o->affine)
        return sum_rows(c, RN_SUM, x, out);
    return rn_gemm(c->dev, false, false, c->batch, 1, rn_count(&c->in->shape), x,
                   c->param[WEIGHT].data, 0, out);
}

static int input_gradient(const struct rn_call *c)
{
    const struct layernorm *o = c->opts;
    rn_real *sum = c->buf[SUM].data, *share = c->buf[SHARE].data;
    const rn_real *inverse = c->buf[INVERSE].data;

    RN_TRY(weighted_sums(c, c->dout->data, sum));
    RN_TRY(weighted_sums(c, c->buf[PRODUCT].data, share));
    RN_TRY(rn_apply(c->dev, &shares,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = 1,
                                         .in = {sum, share, inverse},
                                         .out = {sum, share},
                                         .arg = {share_of_one(c)}}));
    return rn_apply(c->dev, o->affine ? &slope_weighted : &slope,
                    (struct rn_map_call){
                        .rows = c->batch,
                        .cols = rn_count(&c->in->shape),
                        .in = {c->dout->data, c->buf[CENTRED].data, inverse, sum, share,
                               o->affine ? c->param[WEIGHT].data : NULL},
                        .span = {RN_EACH, RN_EACH, RN_PER_ROW, RN_PER_ROW, RN_PER_ROW, RN_PER_COL},
                        .out = {c->din->data},
                        .beta = {c->din_beta[0]}});
}

/* dweight: column sums of dy times the normalised x   dbias: column sums of dy */
static int layernorm_backward(const struct rn_call *c)
{
    const struct layernorm *o = c->opts;
    int64_t cols = rn_count(&c->in->shape);
    const rn_real *dy = c->dout->data;
    rn_real *product = c->buf[PRODUCT].data;

    RN_TRY(rn_apply(c->dev, &multiply,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = cols,
                                         .in = {dy, c->buf[CENTRED].data, c->buf[INVERSE].data},
                                         .span = {RN_EACH, RN_EACH, RN_PER_ROW},
                                         .out = {product}}));
    if (o->affine && c->dparam[WEIGHT].data)
        RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch, cols, product, c->dparam_beta,
                         c->dparam[WEIGHT].data));
    if (o->affine && c->dparam[BIAS].data)
        RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch, cols, dy, c->dparam_beta,
                         c->dparam[BIAS].data));
    return c->din->data ? input_gradient(c) : RN_OK;
}

static int layernorm_standard(struct rn_standard *s)
{
    const struct layernorm *o = s->opts;
    const struct rn_attribute eps = {
        .name = "epsilon", .type = RN_ATTRIBUTE_FLOAT, .value = o->eps};
    const int32_t in[] = {RN_REF_IN, RN_REF_PARAM + WEIGHT, RN_REF_PARAM + BIAS};

    return rn_standard_of(s, "LayerNormalization", o->affine ? 3 : 1, in, 1, &eps, NULL);
}

static const struct rn_plugin layernorm = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct layernorm),
    .name = "layernorm",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "mean 0 and variance 1 over each sample",
    .doc = "y = (x - mean) / sqrt(var + eps) weight + bias\n"
           "mean and var over all values of a sample; var is the mean square about the mean.\n"
           "\n"
           "Any shape; weight and bias have the sample's, start at 1 and 0, and decay leaves\n"
           "them alone. Exports show them channels first. As torch.nn.LayerNorm with the\n"
           "sample's shape.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE,
                                        .plan = layernorm_plan,
                                        .forward = layernorm_forward,
                                        .backward = layernorm_backward,
                                        .standard = layernorm_standard},
};

RN_PLUGINS(&layernorm);
