/* global_avgpool2d.c - the mean of each channel of an image, whatever its size. */
#include <runner/window.h>

/* one window, as large as the image */
static int window_of(const struct rn_shape *in, struct rn_window *w)
{
    const struct rn_ints whole = {.count = 2, .at = in->dim};

    return rn_window_of(&(struct rn_window_options){.layer = "global_avgpool2d",
                                                    .kernel_name = "image",
                                                    .kernel = whole},
                        in, w);
}

static int global_avgpool2d_plan(struct rn_plan *p)
{
    struct rn_window w;

    RN_TRY(window_of(&p->in[0], &w));
    p->out = rn_vec(w.channels);
    p->out.channels = w.channels;
    return RN_OK;
}

static int global_avgpool2d_forward(const struct rn_call *c)
{
    struct rn_pool pool = {
        .rows = c->batch, .op = RN_POOL_AVERAGE, .x = c->in->data, .y = c->out->data};

    RN_TRY(window_of(&c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int global_avgpool2d_backward(const struct rn_call *c)
{
    struct rn_pool pool = {.rows = c->batch,
                           .op = RN_POOL_AVERAGE,
                           .backward = 1,
                           .x = c->din->data,
                           .y = c->dout->data,
                           .beta = c->din_beta[0]};

    if (!c->din->data)
        return RN_OK;
    RN_TRY(window_of(&c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int global_avgpool2d_standard(struct rn_standard *s)
{
    const struct rn_shape pixel = rn_image_shape(1, 1, s->in[0].dim[2]);
    const struct rn_attribute axis = {.name = "axis", .type = RN_ATTRIBUTE_INT, .at = {1}};
    const int32_t in = RN_REF_IN;
    int mean = rn_standard_of(s, "GlobalAveragePool", 1, &in, 0, NULL, &pixel);

    return mean < 0 ? mean : rn_standard_of(s, "Flatten", 1, &mean, 1, &axis, s->out);
}

static const struct rn_plugin global_avgpool2d = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .name = "global_avgpool2d",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "mean of each channel of an image",
    .doc =
        "y[c] = mean over i, j of x[c, i, j]\n"
        "\n"
        "x [channels, height, width], y [channels]. As torch.nn.AdaptiveAvgPool2d(1) and Flatten.",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .plan = global_avgpool2d_plan,
                                        .forward = global_avgpool2d_forward,
                                        .backward = global_avgpool2d_backward,
                                        .standard = global_avgpool2d_standard},
};

RN_PLUGINS(&global_avgpool2d);
