/* dropout.c - leaves values out at random in training, in place where the core allows it. What each
 * value was multiplied by is kept: drawing it again would take longer than all else here. */
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
RN_MAP(thin, 1, 2, 1, y1 = u < a0 ? 0 : a1; y0 = x0 * y1;);
RN_MAP(times, 2, 1, 0, y0 = x0 * x1;);

enum { FACTOR }; /* buffers */

static int dropout_plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return p->buffer(p, "factor", RN_SAVED, p->in[0], RN_PER_SAMPLE);
}

static int dropout_forward(const struct rn_call *c)
{
    const struct dropout *o = c->opts;
    struct rn_map_call call = {.rows = c->batch,
                               .cols = rn_count(&c->out->shape),
                               .in = {c->in->data},
                               .out = {c->out->data, c->buf[FACTOR].data},
                               .arg = {(rn_real)o->rate, (rn_real)(1 / (1 - o->rate))},
                               .key = c->key,
                               .draw_from = (uint8_t)c->draw_from};

    if (!c->training && c->in->data == c->out->data)
        return RN_OK;
    return rn_apply(c->dev, c->training ? &thin : &copy, call);
}

static int dropout_backward(const struct rn_call *c)
{
    if (!c->din->data)
        return RN_OK;
    return rn_apply(c->dev, &times,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->dout->data, c->buf[FACTOR].data},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]}});
}

/* x as it is */
static int dropout_standard(struct rn_standard *s)
{
    (void)s;
    return RN_REF_IN;
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
                                        .backward = dropout_backward,
                                        .standard = dropout_standard},
};

RN_PLUGINS(&dropout);
