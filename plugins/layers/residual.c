/* residual.c - y = layers(x) + shortcut(x): a container of two branches. The core computes them;
 * what is left is the sum, in place over the first where the core allows it. */
#include <runner/layer.h>

#include <stdio.h>

struct residual {
    struct rn_layers layers, shortcut;
};

static const struct rn_option options[] = {
    RN_LAYERS(struct residual, layers, NULL, "what the shortcut is added to"),
    RN_LAYERS(struct residual, shortcut, "[]", "what x goes through beside them; none: x itself"),
    RN_END,
};

RN_MAP(add, 2, 1, 0, y0 = x0 + x1;);
RN_MAP(pass, 1, 1, 0, y0 = x0;);

enum { SHAPE_TEXT = 160 };

/* Images as people write them, channels first. */
static const char *shape_text(const struct rn_shape *s, char out[SHAPE_TEXT])
{
    bool image = s->channels && s->rank == 3;
    int n = 0;

    out[0] = '\0';
    for (int i = 0; i < s->rank; i++)
        n += snprintf(out + n, (size_t)(SHAPE_TEXT - n), "%s%lld", i ? "x" : "",
                      (long long)s->dim[image ? (i + 2) % 3 : i]);
    return out;
}

static bool alike(const struct rn_shape *a, const struct rn_shape *b)
{
    bool same = a->rank == b->rank;

    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static int residual_plan(struct rn_plan *p)
{
    const struct residual *o = p->opts;
    char layers[SHAPE_TEXT], shortcut[SHAPE_TEXT];

    if (p->n_in != 2)
        return RN_FAIL(RN_EBUG, "residual has two branches, and was given %d", (int)p->n_in);
    if (!alike(&p->in[0], &p->in[1]))
        return RN_FAIL(RN_ESHAPE, "'layers' give %s, but %s %s, and they are added: %s%s",
                       shape_text(&p->in[0], layers),
                       o->shortcut.count ? "'shortcut' gives" : "the input is",
                       shape_text(&p->in[1], shortcut),
                       o->shortcut.count    ? "make them alike"
                       : p->in[0].rank == 1 ? "shortcut: [{type: dense, units: ...}]"
                                            : "shortcut: [{type: conv2d, kernel: 1, ...}]",
                       o->shortcut.count ? "" : " makes them alike");
    p->out = p->in[0];
    return RN_OK;
}

static int residual_forward(const struct rn_call *c)
{
    return rn_apply(c->dev, &add,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->in[0].data, c->in[1].data},
                                         .out = {c->out->data}});
}

/* dx of both is dy; that of the first may be dy itself, so it comes last */
static int residual_backward(const struct rn_call *c)
{
    for (int i = 1; i >= 0; i--) {
        bool there = c->din[i].data == c->dout->data && c->din_beta[i] == 0;
        if (!c->din[i].data || there)
            continue;
        RN_TRY(rn_apply(c->dev, &pass,
                        (struct rn_map_call){.rows = c->batch,
                                             .cols = rn_count(&c->out->shape),
                                             .in = {c->dout->data},
                                             .out = {c->din[i].data},
                                             .beta = {c->din_beta[i]}}));
    }
    return RN_OK;
}

static int residual_standard(struct rn_standard *s)
{
    return rn_standard_pair(s, "Add", RN_REF_IN, RN_REF_IN + 1);
}

static const struct rn_plugin residual = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct residual),
    .name = "residual",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "layers with a shortcut beside them, added up",
    .doc = "y = layers(x) + shortcut(x)\n"
           "\n"
           "x of any shape; both branches give the same shape, which is that of y. Without\n"
           "layers in shortcut, x itself is added:\n"
           "\n"
           "    - type: residual\n"
           "      layers: [{type: dense, units: 64}, relu, {type: dense, units: 64}]\n"
           "    - relu\n"
           "\n"
           "As the blocks of He et al., Deep Residual Learning for Image Recognition,\n"
           "CVPR 2016, without the activation that stands behind the sum there.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE,
                                        .plan = residual_plan,
                                        .forward = residual_forward,
                                        .backward = residual_backward,
                                        .standard = residual_standard},
};

RN_PLUGINS(&residual);
