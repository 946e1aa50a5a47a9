/* tanh.c - y = tanh(x), in place where the core allows it. */
#include <runner/layer.h>

RN_MAP(forward, 1, 1, 0, y0 = tanhf(x0););
/* x0 y, x1 dy */
RN_MAP(backward, 2, 1, 0, y0 = x1 * (1 - x0 * x0););

static int hyperbolic_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static int hyperbolic_forward(const struct rn_call *c)
{
    return rn_apply(c->dev, &forward,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data}});
}

static int hyperbolic_backward(const struct rn_call *c)
{
    if (!c->din->data)
        return RN_OK;
    return rn_apply(c->dev, &backward,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->out->data, c->dout->data},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]}});
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
                                        .plan = hyperbolic_plan,
                                        .forward = hyperbolic_forward,
                                        .backward = hyperbolic_backward},
};

RN_PLUGINS(&hyperbolic);
