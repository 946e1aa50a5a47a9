/* crash.c - layers that do not return. The name says where; the one behind them has to be looked at
 * all the same. */
#include <runner/layer.h>

#include <stdlib.h>

RN_MAP(copy, 1, 1, 0, y0 = x0;);

static int plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static int copied(const struct rn_call *c, const rn_real *in, rn_real *out, rn_real beta)
{
    return rn_apply(c->dev, &copy,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {in},
                                         .out = {out},
                                         .beta = {beta}});
}

static int forward(const struct rn_call *c) { return copied(c, c->in->data, c->out->data, 0); }

static int backward(const struct rn_call *c)
{
    return c->din->data ? copied(c, c->dout->data, c->din->data, c->din_beta[0]) : RN_OK;
}

static int traps_in_backward(const struct rn_call *c)
{
    (void)c;
    __builtin_trap();
}

static int ends_in_forward(const struct rn_call *c)
{
    (void)c;
    exit(0);
}

#define LAYER(id, forward_, backward_) \
    static const struct rn_plugin id##_layer = { \
        RN_PLUGIN_PLAIN(RN_KIND_LAYER), \
        .name = #id, \
        .version = "1.0.0", \
        .license = "MIT", \
        .summary = "a test of the tests", \
        .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops), \
                                            .plan = plan, \
                                            .forward = forward_, \
                                            .backward = backward_}}
LAYER(traps_in_backward, forward, traps_in_backward);
LAYER(ends_in_forward, ends_in_forward, backward);
LAYER(copies, forward, backward);

RN_PLUGINS(&traps_in_backward_layer, &ends_in_forward_layer, &copies_layer);
