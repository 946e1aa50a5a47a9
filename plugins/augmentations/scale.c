/* scale.c - makes an image larger or smaller about its centre, within the same frame. */
#include <runner/augmentation.h>
#include <runner/image.h>

#include <string.h>

struct scale {
    double low, high, fill, probability;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct scale, low, "0.9", 0.01, 100, 0, NULL, "smallest factor"),
    RN_FLOAT(struct scale, high, "1.1", 0.01, 100, 0, NULL, "largest factor"),
    RN_FLOAT(struct scale, fill, "0", -1e30, 1e30, 0, NULL, "value outside of the image"),
    RN_FLOAT(struct scale, probability, "1", 0, 1, 0, NULL, "share of the images that it changes"),
    RN_END,
};

enum { WHETHER, FACTOR }; /* the numbers of a row */

static int scale_check(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    const struct scale *o = opts;

    (void)h, (void)w, (void)channels;
    if (o->low > o->high)
        return RN_FAIL(RN_EINVAL, "scale: low is %g and high is %g: low has to be at most high",
                       o->low, o->high);
    return RN_OK;
}

static int64_t scale_scratch(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    (void)opts, (void)channels;
    return rn_image_map_scratch(h, w);
}

static void stretch(const struct rn_augment_call *c, const float *in, float *out, double factor,
                    float fill)
{
    float back = (float)(1 / factor);

    rn_image_map(in, (int32_t)c->h, (int32_t)c->w, (int32_t)c->channels, (const float[2]){back, 0},
                 (const float[2]){0, back}, fill, c->scratch, out);
}

static void scale_apply(const struct rn_augment_call *c)
{
    const struct scale *o = c->opts;
    int64_t size = c->h * c->w * c->channels;

    for (int64_t row = 0; row < c->rows; row++) {
        const float *in = c->in + row * size;
        float *out = c->out + row * size;
        double u = (double)rn_augment_uniform(c, row, FACTOR);
        double factor = o->low + u * (o->high - o->low);

        if (factor == 1 || !((double)rn_augment_uniform(c, row, WHETHER) < o->probability))
            memcpy(out, in, (size_t)size * sizeof *out);
        else
            stretch(c, in, out, factor, (float)o->fill);
    }
}

static const struct rn_plugin scale = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct scale),
    .name = "scale",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "makes what an image shows larger or smaller",
    .doc = "out[p] = in[c + (p - c) / s]    s uniform in low ... high\n"
           "\n"
           "[h, w, channels] of any size, which stays; c is the centre ((w - 1) / 2,\n"
           "(h - 1) / 2). Between pixels bilinear; outside of the image `fill`, in the units of\n"
           "the data set. As torchvision.transforms.RandomAffine(0, scale=(low, high),\n"
           "interpolation=BILINEAR).",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .check = scale_check,
                                               .scratch = scale_scratch,
                                               .apply = scale_apply},
};

RN_PLUGINS(&scale);
