/* leaky_relu.c - relu with a slope below 0, in place where the core allows it. */
#include <runner/layer.h>

struct leaky_relu {
    double negative_slope;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct leaky_relu, negative_slope, "0.01", 0, 100, 0, NULL, "slope below 0"),
    RN_END,
};

/* a0 the slope below 0; it is not negative, so y has the sign of x */
RN_MAP(forward, 1, 1, 0, y0 = x0 > 0 ? x0 : a0 * x0;);
/* x0 y, x1 dy */
RN_MAP(backward, 2, 1, 0, y0 = x0 > 0 ? x1 : a0 * x1;);

static int leaky_relu_forward(const struct rn_call *c)
{
    const struct leaky_relu *o = c->opts;

    return rn_each_forward(c, &forward, o->negative_slope);
}

static int leaky_relu_backward(const struct rn_call *c)
{
    const struct leaky_relu *o = c->opts;

    return rn_each_backward(c, &backward, c->out, o->negative_slope);
}

static int leaky_relu_standard(struct rn_standard *s)
{
    const struct leaky_relu *o = s->opts;
    const struct rn_attribute alpha = {
        .name = "alpha", .type = RN_ATTRIBUTE_FLOAT, .value = o->negative_slope};
    const int32_t in = RN_REF_IN;

    return rn_standard_of(s, "LeakyRelu", 1, &in, 1, &alpha, NULL);
}

static const struct rn_plugin leaky_relu = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct leaky_relu),
    .name = "leaky_relu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "negative values become small",
    .doc = "y = x where x > 0, else negative_slope x\n"
           "dx = dy where y > 0, else negative_slope dy\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.LeakyReLU, but the slope may not be\n"
           "negative: the backward pass goes by the sign of y.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = rn_each_plan,
                                        .forward = leaky_relu_forward,
                                        .backward = leaky_relu_backward,
                                        .standard = leaky_relu_standard},
};

RN_PLUGINS(&leaky_relu);
