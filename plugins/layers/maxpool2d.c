/* maxpool2d.c - the largest value of each window, for each channel. Where it was found is kept for
 * the backward pass, which then needs neither input nor output. */
#include <runner/window.h>

struct maxpool2d {
    struct rn_ints size, stride, padding;
};

static const struct rn_option options[] = {
    RN_INTS(struct maxpool2d, size, "2", 1, 2,
            "size of the window: one number, or [height, width]"),
    RN_INTS(struct maxpool2d, stride, NULL, 1, 2,
            "how far the window moves each time; by default as far as it is large"),
    RN_INTS(struct maxpool2d, padding, "0", 1, 2,
            "rows and columns around the image, which no maximum is taken from"),
    RN_END,
};

static int window_of(const struct maxpool2d *o, const struct rn_shape *in, struct rn_window *w)
{
    return rn_window_of(&(struct rn_window_options){.layer = "maxpool2d",
                                                    .kernel_name = "size",
                                                    .kernel = o->size,
                                                    .stride = o->stride,
                                                    .padding = o->padding,
                                                    .half_padding = true},
                        in, w);
}

static int maxpool2d_plan(struct rn_plan *p)
{
    struct rn_window w;

    RN_TRY(window_of(p->opts, &p->in[0], &w));
    p->out = rn_image_shape(w.out_h, w.out_w, w.channels);
    int where = p->buffer(p, "where", RN_SAVED, p->out, RN_PER_SAMPLE);
    return where < 0 ? where : RN_OK;
}

static int maxpool2d_forward(const struct rn_call *c)
{
    struct rn_pool pool = {.rows = c->batch,
                           .op = RN_POOL_MAX,
                           .x = c->in->data,
                           .y = c->out->data,
                           .where = c->training ? c->buf[0].data : NULL};

    RN_TRY(window_of(c->opts, &c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int maxpool2d_backward(const struct rn_call *c)
{
    struct rn_pool pool = {.rows = c->batch,
                           .op = RN_POOL_MAX,
                           .backward = 1,
                           .x = c->din->data,
                           .y = c->dout->data,
                           .where = c->buf[0].data,
                           .beta = c->din_beta[0]};

    if (!c->din->data)
        return RN_OK;
    RN_TRY(window_of(c->opts, &c->in->shape, &pool.window));
    return rn_pool(c->dev, &pool);
}

static int maxpool2d_standard(struct rn_standard *s)
{
    const int32_t in = RN_REF_IN;
    struct rn_attribute a[4];
    struct rn_window w;

    RN_TRY(window_of(s->opts, &s->in[0], &w));
    return rn_standard_of(s, "MaxPool", 1, &in, rn_window_attributes(&w, a), a, s->out);
}

static const struct rn_plugin maxpool2d = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct maxpool2d),
    .name = "maxpool2d",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "largest value of each window of an image",
    .doc = "y[c, i, j] = max over u, v of x[c, i s + u - p, j s + v - p]\n"
           "\n"
           "x [channels, height, width], y [channels, out, out] with\n"
           "out = floor((image + 2 p - size) / s) + 1 for stride s and padding p. The gradient "
           "goes to\n"
           "the first of equal values. NaN is larger than all. As torch.nn.MaxPool2d.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .plan = maxpool2d_plan,
                                        .forward = maxpool2d_forward,
                                        .backward = maxpool2d_backward,
                                        .standard = maxpool2d_standard},
};

RN_PLUGINS(&maxpool2d);
