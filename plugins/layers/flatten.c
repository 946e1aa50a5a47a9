/* flatten.c - the same values as one row for each sample. Nothing moves: a view. */
#include <runner/layer.h>

static int flatten_plan(struct rn_plan *p)
{
    p->out = rn_vec(rn_count(&p->in[0]));
    p->out.channels = p->in[0].channels; /* what follows may have to export in their order */
    return RN_OK;
}

static int flatten_standard(struct rn_standard *s)
{
    const struct rn_attribute axis = {.name = "axis", .type = RN_ATTRIBUTE_INT, .at = {1}};
    const int32_t in = RN_REF_IN;

    return rn_standard_of(s, "Flatten", 1, &in, 1, &axis, s->out);
}

static const struct rn_plugin flatten = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "flatten",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "makes one row of an image",
    .doc = "y = x as a vector\n"
           "\n"
           "Any shape; the result is [product of its dimensions]. In memory an image is\n"
           "height, width, channels; layers that export weights restore the order\n"
           "channels, height, width of torch.nn.Flatten.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_VIEW,
                                        .plan = flatten_plan,
                                        .standard = flatten_standard},
};

RN_PLUGINS(&flatten);
