/* tanh.c - y = tanh(x), in place where the core allows it. */
#include <runner/layer.h>

RN_MAP(forward, 1, 1, 0, y0 = tanhf(x0););
/* x0 y, x1 dy */
RN_MAP(backward, 2, 1, 0, y0 = x1 * (1 - x0 * x0););

static int hyperbolic_forward(const struct rn_call *c) { return rn_each_forward(c, &forward, 0); }

static int hyperbolic_backward(const struct rn_call *c)
{
    return rn_each_backward(c, &backward, c->out, 0);
}

static int hyperbolic_standard(struct rn_standard *s)
{
    return rn_standard_each(s, "Tanh", RN_REF_IN);
}

static const struct rn_plugin hyperbolic = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "tanh",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "values between -1 and 1",
    .doc = "y = tanh(x)    dx = dy (1 - y^2)\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.Tanh.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = rn_each_plan,
                                        .forward = hyperbolic_forward,
                                        .backward = hyperbolic_backward,
                                        .standard = hyperbolic_standard},
};

RN_PLUGINS(&hyperbolic);
