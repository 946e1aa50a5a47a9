/* silu.c - y = x sigmoid(x), also called swish. */
#include <runner/layer.h>

/* exp(-x) may become infinite: x / inf is the 0 that is wanted */
RN_MAP(forward, 1, 1, 0, y0 = x0 / (1 + expf(-x0)););
/* x0 x, x1 dy */
RN_MAP(backward, 2, 1, 0, const rn_real s = 1 / (1 + expf(-x0)); y0 = x1 * s * (1 + x0 * (1 - s)););

static int silu_forward(const struct rn_call *c) { return rn_each_forward(c, &forward, 0); }

static int silu_backward(const struct rn_call *c)
{
    return rn_each_backward(c, &backward, c->in, 0);
}

static int silu_standard(struct rn_standard *s)
{
    return rn_standard_pair(s, "Mul", RN_REF_IN, rn_standard_each(s, "Sigmoid", RN_REF_IN));
}

static const struct rn_plugin silu = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "silu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "x sigmoid(x), a smooth relu",
    .doc = "s = 1 / (1 + exp(-x))    y = x s    dx = dy s (1 + x (1 - s))\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.SiLU.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_READS_IN,
                                        .plan = rn_each_plan,
                                        .forward = silu_forward,
                                        .backward = silu_backward,
                                        .standard = silu_standard},
};

RN_PLUGINS(&silu);
