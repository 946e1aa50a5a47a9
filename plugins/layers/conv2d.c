/* conv2d.c - filters that slide over an image. Weights are stored [kernel height, kernel width,
 * channels / groups, filters]; exports show PyTorch's [filters, channels / groups, height, width].
 */
#include <runner/window.h>

struct conv2d {
    int64_t filters, groups;
    struct rn_ints kernel, stride, padding, dilation;
    bool bias;
};

static const struct rn_choice paddings[] = {
    {"same", RN_PADDING_SAME, "as much as leaves the size as it is"},
    {NULL, 0, NULL},
};

static const struct rn_option options[] = {
    RN_INT(struct conv2d, filters, NULL, 1, 1 << 20, NULL, "channels of the output"),
    RN_INTS(struct conv2d, kernel, "3", 1, 2, "size of a filter: one number, or [height, width]"),
    RN_INTS(struct conv2d, stride, "1", 1, 2, "how far the filters move each time"),
    RN_INTS_OR(struct conv2d, padding, "0", 1, 2, paddings,
               "rows and columns of zeros around the image"),
    RN_INTS(struct conv2d, dilation, "1", 1, 2, "distance of the elements that a filter joins"),
    RN_INT(struct conv2d, groups, "1", 1, 1 << 20, NULL,
           "parts that the channels are split into, each with filters of its own"),
    RN_BOOL(struct conv2d, bias, "true", "add a learned offset to each filter"),
    RN_END,
};

enum { W, B }; /* parameters, in the order of plan() */

static int window_of(const struct conv2d *o, const struct rn_shape *in, struct rn_window *w)
{
    return rn_window_of(&(struct rn_window_options){.layer = "conv2d",
                                                    .kernel_name = "kernel",
                                                    .kernel = o->kernel,
                                                    .stride = o->stride,
                                                    .padding = o->padding,
                                                    .dilation = o->dilation},
                        in, w);
}

static int conv2d_plan(struct rn_plan *p)
{
    const struct conv2d *o = p->opts;
    struct rn_window w;

    RN_TRY(window_of(o, &p->in[0], &w));
    if (w.channels % o->groups || o->filters % o->groups)
        return RN_FAIL(RN_ESHAPE,
                       "'groups: %lld' has to divide the %d channels of the input and the "
                       "%lld filters",
                       (long long)o->groups, (int)w.channels, (long long)o->filters);

    int64_t depth = w.channels / o->groups, fan_in = w.kernel_h * w.kernel_w * depth;
    struct rn_shape weight = {.rank = 4, .dim = {w.kernel_h, w.kernel_w, depth, o->filters}};
    struct rn_view view = {
        .rank = 4,
        .dim = {w.kernel_h, w.kernel_w, depth, o->filters},
        .perm = {3, 2, 0, 1},
        .shape = {.rank = 4, .dim = {o->filters, depth, w.kernel_h, w.kernel_w}},
    };
    struct rn_init init = {.rule = RN_INIT_UNIFORM, .scale = 1.0 / sqrt((double)fan_in)};

    p->out = rn_image_shape(w.out_h, w.out_w, o->filters);
    p->flops = 2.0 * (double)fan_in * (double)rn_count(&p->out);
    RN_TRY(p->param(p, "weight", weight, init, &view, 0));
    if (o->bias)
        RN_TRY(p->param(p, "bias", rn_vec(o->filters), init, NULL, RN_NO_DECAY));
    return RN_OK;
}

static int call_of(const struct rn_call *c, enum rn_conv_pass pass, struct rn_conv *out)
{
    const struct conv2d *o = c->opts;

    *out = (struct rn_conv){.filters = (int32_t)o->filters,
                            .groups = (int32_t)o->groups,
                            .rows = c->batch,
                            .w = c->param[W].data,
                            .pass = (uint8_t)pass};
    return window_of(o, &c->in->shape, &out->window);
}

static int conv2d_forward(const struct rn_call *c)
{
    const struct conv2d *o = c->opts;
    struct rn_conv v;

    RN_TRY(call_of(c, RN_CONV_FORWARD, &v));
    v.x = c->in->data;
    v.y = c->out->data;
    v.bias = o->bias ? c->param[B].data : NULL;
    return rn_conv(c->dev, &v);
}

static int conv2d_backward(const struct rn_call *c)
{
    const struct conv2d *o = c->opts;
    const struct rn_shape *out = &c->dout->shape;
    struct rn_conv v;

    if (c->dparam[W].data) {
        RN_TRY(call_of(c, RN_CONV_GRAD_WEIGHT, &v));
        v.x = c->in->data;
        v.w = c->dparam[W].data;
        v.y = c->dout->data;
        v.beta = c->dparam_beta;
        RN_TRY(rn_conv(c->dev, &v));
    }
    if (o->bias && c->dparam[B].data)
        RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch * out->dim[0] * out->dim[1],
                         o->filters, c->dout->data, c->dparam_beta, c->dparam[B].data));
    if (!c->din->data)
        return RN_OK;
    RN_TRY(call_of(c, RN_CONV_GRAD_INPUT, &v));
    v.x = c->din->data;
    v.y = c->dout->data;
    v.beta = c->din_beta[0];
    return rn_conv(c->dev, &v);
}

static int conv2d_standard(struct rn_standard *s)
{
    const struct conv2d *o = s->opts;
    const int32_t in[] = {RN_REF_IN, RN_REF_PARAM + W, RN_REF_PARAM + B};
    struct rn_attribute a[5];
    struct rn_window w;

    RN_TRY(window_of(o, &s->in[0], &w));
    int32_t n = rn_window_attributes(&w, a);
    a[n++] = (struct rn_attribute){.name = "group", .type = RN_ATTRIBUTE_INT, .at = {o->groups}};
    return rn_standard_of(s, "Conv", o->bias ? 3 : 2, in, n, a, s->out);
}

static const struct rn_plugin conv2d = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct conv2d),
    .name = "conv2d",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "convolution of an image with learned filters",
    .doc =
        "y[f, i, j] = b[f] + sum over c, u, v of w[f, c, u, v] x[c, i s + u d - p, j s + v d - p]\n"
        "\n"
        "x [channels, height, width], w [filters, channels / groups, kernel, kernel], b "
        "[filters],\n"
        "y [filters, out, out] with out = floor((size + 2 p - d (kernel - 1) - 1) / s) + 1 for\n"
        "stride s, padding p and dilation d, all of them one number or [height, width].\n"
        "'padding: same' needs stride 1 and keeps the size. What lies outside the image is 0.\n"
        "w and b start uniform in +-1/sqrt(channels / groups * kernel * kernel) (kaiming uniform\n"
        "with a = sqrt 5). Weight decay leaves b alone. As torch.nn.Conv2d.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_READS_IN,
                                        .plan = conv2d_plan,
                                        .forward = conv2d_forward,
                                        .backward = conv2d_backward,
                                        .standard = conv2d_standard},
};

RN_PLUGINS(&conv2d);
