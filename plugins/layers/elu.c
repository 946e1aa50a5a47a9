/* elu.c - relu that bends towards -alpha, in place where the core allows it. */
#include <runner/layer.h>

struct elu {
    double alpha;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct elu, alpha, "1", 0, 100, 0, NULL, "y goes to minus this far below 0"),
    RN_END,
};

RN_MAP(forward, 1, 1, 0, y0 = x0 > 0 ? x0 : a0 * expm1f(x0););
/* x0 y, x1 dy; the slope alpha exp(x) is y + alpha */
RN_MAP(backward, 2, 1, 0, y0 = x0 > 0 ? x1 : (x0 + a0) * x1;);

static int elu_forward(const struct rn_call *c)
{
    const struct elu *o = c->opts;

    return rn_each_forward(c, &forward, o->alpha);
}

static int elu_backward(const struct rn_call *c)
{
    const struct elu *o = c->opts;

    return rn_each_backward(c, &backward, c->out, o->alpha);
}

static int elu_standard(struct rn_standard *s)
{
    const struct elu *o = s->opts;
    const struct rn_attribute alpha = {
        .name = "alpha", .type = RN_ATTRIBUTE_FLOAT, .value = o->alpha};
    const int32_t in = RN_REF_IN;

    return rn_standard_of(s, "Elu", 1, &in, 1, &alpha, NULL);
}

static const struct rn_plugin elu = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct elu),
    .name = "elu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "negative values bend towards -alpha",
    .doc = "y = x where x > 0, else alpha (exp(x) - 1)\n"
           "dx = dy where y > 0, else (y + alpha) dy\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.ELU, but alpha may not be negative:\n"
           "the backward pass goes by y.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = rn_each_plan,
                                        .forward = elu_forward,
                                        .backward = elu_backward,
                                        .standard = elu_standard},
};

RN_PLUGINS(&elu);
