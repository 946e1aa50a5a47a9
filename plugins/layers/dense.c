/* dense.c - y = x W + b: the fully connected layer. Weights are stored [in, out], so that
 * bias, update and slices of threads go by column; exports show PyTorch's [out, in]. */
#include <runner/layer.h>

struct dense {
    int64_t units;
    bool bias;
};

static const struct rn_option options[] = {
    RN_INT(struct dense, units, NULL, 1, 1 << 24, NULL, "width of the output"),
    RN_BOOL(struct dense, bias, "true", "add a learned offset to each unit"),
    RN_END,
};

enum { W, B }; /* parameters, in the order of plan() */

RN_MAP(add_bias, 1, 1, 0, y0 = x0;);

/* W transposed. An image that was flattened lies in memory as height, width, channels: its
 * columns are put into the order channels, height, width, which PyTorch flattens to. */
static struct rn_view weight_view(const struct rn_shape *in, int64_t units)
{
    struct rn_shape shown = rn_mat(units, in->dim[0]);

    if (in->channels > 1)
        return (struct rn_view){.rank = 3,
                                .dim = {in->dim[0] / in->channels, in->channels, units},
                                .perm = {2, 1, 0},
                                .shape = shown};
    return (struct rn_view){.rank = 2, .dim = {in->dim[0], units}, .perm = {1, 0}, .shape = shown};
}

static int dense_plan(struct rn_plan *p)
{
    const struct dense *o = p->opts;

    if (p->in[0].rank != 1)
        return RN_FAIL(RN_ESHAPE,
                       "dense needs a flat input, and this one has %d dimensions: "
                       "put flatten before it",
                       (int)p->in[0].rank);

    int64_t in = p->in[0].dim[0];
    struct rn_view view = weight_view(&p->in[0], o->units);
    struct rn_init init = {.rule = RN_INIT_UNIFORM, .scale = 1.0 / sqrt((double)in)};

    p->out = rn_vec(o->units);
    p->flops = 2.0 * (double)in * (double)o->units;
    RN_TRY(p->param(p, "weight", rn_mat(in, o->units), init, &view, 0));
    if (o->bias)
        RN_TRY(p->param(p, "bias", rn_vec(o->units), init, NULL, RN_NO_DECAY));
    return RN_OK;
}

static int dense_forward(const struct rn_call *c)
{
    const struct dense *o = c->opts;
    int64_t in = c->in->shape.dim[0];

    RN_TRY(rn_gemm(c->dev, false, false, c->batch, o->units, in, c->in->data, c->param[W].data, 0,
                   c->out->data));
    if (!o->bias)
        return RN_OK;
    return rn_apply(c->dev, &add_bias,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = o->units,
                                         .in = {c->param[B].data},
                                         .span = {RN_PER_COL},
                                         .out = {c->out->data},
                                         .beta = {1}});
}

/* dW = x' dy   db = column sums of dy   dx = dy W' */
static int dense_backward(const struct rn_call *c)
{
    const struct dense *o = c->opts;
    int64_t in = c->in->shape.dim[0];
    const rn_real *dy = c->dout->data;

    if (c->dparam[W].data)
        RN_TRY(rn_gemm(c->dev, true, false, in, o->units, c->batch, c->in->data, dy, c->dparam_beta,
                       c->dparam[W].data));
    if (o->bias && c->dparam[B].data)
        RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch, o->units, dy, c->dparam_beta,
                         c->dparam[B].data));
    if (!c->din->data)
        return RN_OK;
    return rn_gemm(c->dev, false, true, c->batch, in, o->units, dy, c->param[W].data,
                   c->din_beta[0], c->din->data);
}

static int dense_standard(struct rn_standard *s)
{
    const struct dense *o = s->opts;
    const struct rn_attribute rows = {.name = "transB", .type = RN_ATTRIBUTE_INT, .at = {1}};
    const int32_t in[] = {RN_REF_IN, RN_REF_PARAM + W, RN_REF_PARAM + B};

    return rn_standard_of(s, "Gemm", o->bias ? 3 : 2, in, 1, &rows, s->out);
}

static const struct rn_plugin dense = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct dense),
    .name = "dense",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "fully connected layer",
    .doc = "y = x W + b\n"
           "\n"
           "x [in], W [in, units], b [units], y [units]. W and b start uniform in\n"
           "+-1/sqrt(in) (kaiming uniform with a = sqrt 5). Weight decay leaves b alone.\n"
           "Exports show W as [units, in], the columns of an image in the order\n"
           "channels, height, width. As torch.nn.Linear.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_READS_IN,
                                        .plan = dense_plan,
                                        .forward = dense_forward,
                                        .backward = dense_backward,
                                        .standard = dense_standard},
};

RN_PLUGINS(&dense);
