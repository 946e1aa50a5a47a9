/* dropout.c - leaves values out at random in training, in place where the core allows it. No mask
 * is kept: the random numbers of a step are the same in both passes. */
#include <runner/layer.h>

struct dropout {
    double rate;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct dropout, rate, "0.5", 0, 1, RN_OPT_OPEN_MAX, NULL, "share that is left out"),
    RN_END,
};

RN_MAP(copy, 1, 1, 0, y0 = x0;);
/* a0 rate, a1 1 / (1 - rate); a product, so that NaN stays NaN */
RN_MAP(thin, 1, 1, 1, y0 = x0 * (u < a0 ? 0 : a1););

static int dropout_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

/* y from x, or dx from dy: the same map */
static int thin_out(const struct rn_call *c, const rn_real *from, rn_real *to, rn_real beta)
{
    const struct dropout *o = c->opts;

    return rn_apply(c->dev, &thin,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {from},
                                         .out = {to},
                                         .beta = {beta},
                                         .arg = {(rn_real)o->rate, (rn_real)(1 / (1 - o->rate))},
                                         .key = c->key,
                                         .draw_from = (uint8_t)c->draw_from});
}

static int dropout_forward(const struct rn_call *c)
{
    if (c->training)
        return thin_out(c, c->in->data, c->out->data, 0);
    if (c->in->data == c->out->data)
        return RN_OK;
    return rn_apply(c->dev, &copy,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data}});
}

static int dropout_backward(const struct rn_call *c)
{
    return c->din->data ? thin_out(c, c->dout->data, c->din->data, c->din_beta[0]) : RN_OK;
}

static const struct rn_plugin dropout = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct dropout),
    .traits = RN_TRAIT_DROPS,
    .name = "dropout",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "leaves values out at random in training",
    .doc = "training: y = 0 with probability rate, else x / (1 - rate)    dx likewise\n"
           "evaluation: y = x\n"
           "\n"
           "Any shape; each value is drawn for itself. NaN stays NaN. As torch.nn.Dropout,\n"
           "whose p is rate.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE,
                                        .plan = dropout_plan,
                                        .forward = dropout_forward,
                                        .backward = dropout_backward},
};

RN_PLUGINS(&dropout);
