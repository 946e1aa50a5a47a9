/* sigmoid.c - y = 1 / (1 + exp(-x)), in place where the core allows it. */
#include <runner/layer.h>

/* exp(-x) may become infinite: 1 / inf is the 0 that is wanted */
RN_MAP(forward, 1, 1, 0, y0 = 1 / (1 + expf(-x0)););
/* x0 y, x1 dy */
RN_MAP(backward, 2, 1, 0, y0 = x1 * x0 * (1 - x0););

static int sigmoid_forward(const struct rn_call *c) { return rn_each_forward(c, &forward, 0); }

static int sigmoid_backward(const struct rn_call *c)
{
    return rn_each_backward(c, &backward, c->out, 0);
}

static int sigmoid_standard(struct rn_standard *s)
{
    return rn_standard_each(s, "Sigmoid", RN_REF_IN);
}

static const struct rn_plugin sigmoid = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "sigmoid",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "values between 0 and 1",
    .doc = "y = 1 / (1 + exp(-x))    dx = dy y (1 - y)\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.Sigmoid.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = rn_each_plan,
                                        .forward = sigmoid_forward,
                                        .backward = sigmoid_backward,
                                        .standard = sigmoid_standard},
};

RN_PLUGINS(&sigmoid);
