/* silu.c - y = x sigmoid(x), also called swish. */
#include <runner/layer.h>

/* exp(-x) may become infinite: x / inf is the 0 that is wanted */
RN_MAP(forward, 1, 1, 0, y0 = x0 / (1 + expf(-x0)););
/* x0 x, x1 dy */
RN_MAP(backward, 2, 1, 0, const rn_real s = 1 / (1 + expf(-x0)); y0 = x1 * s * (1 + x0 * (1 - s)););

static int silu_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static int silu_forward(const struct rn_call *c)
{
    return rn_apply(c->dev, &forward,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data}});
}

static int silu_backward(const struct rn_call *c)
{
    if (!c->din->data)
        return RN_OK;
    return rn_apply(c->dev, &backward,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data, c->dout->data},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]}});
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
                                        .plan = silu_plan,
                                        .forward = silu_forward,
                                        .backward = silu_backward},
};

RN_PLUGINS(&silu);
