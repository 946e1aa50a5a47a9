/* relu.c - y = max(x, 0), in place where the core allows it. */
#include <runner/layer.h>

/* written so that NaN stays NaN, forward and backward */
RN_MAP(forward, 1, 1, 0, y0 = x0 < 0 ? 0 : x0;);
RN_MAP(backward, 2, 1, 0, y0 = x0 <= 0 ? 0 : x1;);

static int relu_forward(const struct rn_call *c) { return rn_each_forward(c, &forward, 0); }

/* y is 0 where x was not above 0: the input is not needed again */
static int relu_backward(const struct rn_call *c)
{
    return rn_each_backward(c, &backward, c->out, 0);
}

static int relu_standard(struct rn_standard *s) { return rn_standard_each(s, "Relu", RN_REF_IN); }

static const struct rn_plugin relu = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .traits = RN_TRAIT_RECTIFIES,
    .name = "relu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "negative values become 0",
    .doc = "y = max(x, 0)    dx = dy where y > 0, else 0\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.ReLU.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = rn_each_plan,
                                        .forward = relu_forward,
                                        .backward = relu_backward,
                                        .standard = relu_standard},
};

RN_PLUGINS(&relu);
