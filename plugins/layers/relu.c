/* relu.c - y = max(x, 0), in place where the core allows it. */
#include <runner/layer.h>

/* written so that NaN stays NaN, forward and backward */
RN_MAP(forward, 1, 1, 0, y0 = x0 < 0 ? 0 : x0;);
RN_MAP(backward, 2, 1, 0, y0 = x0 <= 0 ? 0 : x1;);

static int relu_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static int relu_forward(const struct rn_call *c)
{
    return rn_apply(c->dev, &forward,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data}});
}

/* y is 0 where x was not above 0: the input is not needed again */
static int relu_backward(const struct rn_call *c)
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

static const struct rn_plugin relu = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "relu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "negative values become 0",
    .doc = "y = max(x, 0)    dx = dy where y > 0, else 0\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.ReLU.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = relu_plan,
                                        .forward = relu_forward,
                                        .backward = relu_backward},
};

RN_PLUGINS(&relu);
