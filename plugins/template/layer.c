/* my_name.c - a layer: what is above 0 stays, what is below is made smaller. For another
 * activation change the two maps and the texts; layer.h says what else a layer may have. */
#include <runner/layer.h>

/* What a file can set: {type: my_name, slope: 0.2}. The core reads, checks and documents it. */
struct options {
    double slope;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct options, slope, "0.1", 0, 1, 0, NULL, "factor of what is below 0"),
    RN_END,
};

/* Elementwise functions, for any device: x0, x1 are in[0], in[1], a0 is arg[0], y0 is out[0].
 * Written so that NaN stays NaN. */
RN_MAP(value, 1, 1, 0, y0 = x0 > 0 ? x0 : a0 * x0;);
RN_MAP(slope, 2, 1, 0, y0 = x0 > 0 ? x1 : a0 * x1;);

/* Shapes, once: the output is like the input. Parameters and buffers are declared here, too. */
static int plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

/* Enqueues, does not compute: it is recorded once and replayed in every step. */
static int forward(const struct rn_call *c)
{
    const struct options *o = c->opts;

    return rn_apply(c->dev, &value,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data},
                                         .out = {c->out->data},
                                         .arg = {(rn_real)o->slope}});
}

/* dx = dy * dy/dx. y is above 0 where x is, so that x is not needed again. */
static int backward(const struct rn_call *c)
{
    const struct options *o = c->opts;

    if (!c->din->data) /* nobody wants it: this is the first layer */
        return RN_OK;
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->out->data, c->dout->data},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]}, /* 0 writes, 1 adds */
                                         .arg = {(rn_real)o->slope}});
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "negative values become smaller",
    .doc = "y = x where x > 0, else slope x    dx = dy where y > 0, else slope dy\n"
           "\n"
           "Any shape.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = plan,
                                        .forward = forward,
                                        .backward = backward},
};

RN_PLUGINS(&plugin);
