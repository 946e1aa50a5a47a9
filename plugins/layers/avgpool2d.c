/* avgpool2d.c - the mean of each window, for each channel. */
#include <runner/window.h>

struct avgpool2d {
    struct rn_ints size, stride, padding;
    bool count_include_pad;
};

static const struct rn_option options[] = {
    RN_INTS(struct avgpool2d, size, "2", 1, 2,
            "size of the window: one number, or [height, width]"),
    RN_INTS(struct avgpool2d, stride, NULL, 1, 2,
            "how far the window moves each time; by default as far as it is large"),
    RN_INTS(struct avgpool2d, padding, "0", 1, 2, "rows and columns of zeros around the image"),
    RN_BOOL(struct avgpool2d, count_include_pad, "true",
            "divide by all of the window; false: by what of it lies in the image"),
    RN_END,
};

static int window_of(const struct avgpool2d *o, const struct rn_shape *in, struct rn_window *w)
{
    return rn_window_of(&(struct rn_window_options){.layer = "avgpool2d",
                                                    .kernel_name = "size",
                                                    .kernel = o->size,
                                                    .stride = o->stride,
                                                    .padding = o->padding,
                                                    .half_padding = true},
                        in, w);
}

static int avgpool2d_plan(struct rn_plan *p)
{
    struct rn_window w;

    RN_TRY(window_of(p->opts, &p->in[0], &w));
    p->out = rn_image_shape(w.out_h, w.out_w, w.channels);
    return RN_OK;
}

static int avgpool2d_forward(const struct rn_call *c)
{
    const struct avgpool2d *o = c->opts;
    struct rn_pool pool = {.rows = c->batch,
                           .op = RN_POOL_AVERAGE,
                           .inside_only = !o->count_include_pad,
                           .x = c->in->data,
                           .y = c->out->data};

    RN_TRY(window_of(o, &c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int avgpool2d_backward(const struct rn_call *c)
{
    const struct avgpool2d *o = c->opts;
    struct rn_pool pool = {.rows = c->batch,
                           .op = RN_POOL_AVERAGE,
                           .inside_only = !o->count_include_pad,
                           .backward = 1,
                           .x = c->din->data,
                           .y = c->dout->data,
                           .beta = c->din_beta[0]};

    if (!c->din->data)
        return RN_OK;
    RN_TRY(window_of(o, &c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int avgpool2d_standard(struct rn_standard *s)
{
    const struct avgpool2d *o = s->opts;
    const int32_t in = RN_REF_IN;
    struct rn_attribute a[4];
    struct rn_window w;

    RN_TRY(window_of(o, &s->in[0], &w));
    rn_window_attributes(&w, a); /* the last are dilations, which there are none of */
    a[3] = (struct rn_attribute){
        .name = "count_include_pad", .type = RN_ATTRIBUTE_INT, .at = {o->count_include_pad}};
    return rn_standard_of(s, "AveragePool", 1, &in, 4, a, s->out);
}

static const struct rn_plugin avgpool2d = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct avgpool2d),
    .name = "avgpool2d",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "mean of each window of an image",
    .doc =
        "y[c, i, j] = mean over u, v of x[c, i s + u - p, j s + v - p]\n"
        "\n"
        "x [channels, height, width], y [channels, out, out] with\n"
        "out = floor((image + 2 p - size) / s) + 1 for stride s and padding p. What lies outside\n"
        "the image counts as zeros, or not at all with 'count_include_pad: false'.\n"
        "As torch.nn.AvgPool2d.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .plan = avgpool2d_plan,
                                        .forward = avgpool2d_forward,
                                        .backward = avgpool2d_backward,
                                        .standard = avgpool2d_standard},
};

RN_PLUGINS(&avgpool2d);
