/* rotate.c - turns an image about its centre. */
#include <runner/augmentation.h>
#include <runner/image.h>

#include <string.h>

struct rotate {
    double degrees, fill, probability;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct rotate, degrees, "10", 0, 180, 0, "degrees", "largest angle in each direction"),
    RN_FLOAT(struct rotate, fill, "0", -1e30, 1e30, 0, NULL, "value of what turns in"),
    RN_FLOAT(struct rotate, probability, "1", 0, 1, 0, NULL, "share of the images that it turns"),
    RN_END,
};

enum { WHETHER, ANGLE }; /* the numbers of a row */

static int64_t rotate_scratch(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    (void)opts, (void)channels;
    return rn_image_map_scratch(h, w);
}

/* By an angle in radians against the clock: a pixel comes from a place that lies with the clock. */
static void turn(const struct rn_augment_call *c, const float *in, float *out, double angle,
                 float fill)
{
    float cosine = (float)cos(angle), sine = (float)sin(angle);

    rn_image_map(in, (int32_t)c->h, (int32_t)c->w, (int32_t)c->channels,
                 (const float[2]){cosine, -sine}, (const float[2]){sine, cosine}, fill, c->scratch,
                 out);
}

static void rotate_apply(const struct rn_augment_call *c)
{
    const double pi = 3.14159265358979323846;
    const struct rotate *o = c->opts;
    int64_t size = c->h * c->w * c->channels;

    for (int64_t row = 0; row < c->rows; row++) {
        const float *in = c->in + row * size;
        float *out = c->out + row * size;
        double u = (double)rn_augment_uniform(c, row, ANGLE);
        double degrees = (2 * u - 1) * o->degrees;

        if (degrees == 0 || !((double)rn_augment_uniform(c, row, WHETHER) < o->probability))
            memcpy(out, in, (size_t)size * sizeof *out);
        else
            turn(c, in, out, degrees * pi / 180, (float)o->fill);
    }
}

static const struct rn_plugin rotate = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct rotate),
    .name = "rotate",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "turns an image about its centre",
    .doc = "out[p] = in[c + R(-a) (p - c)]    a uniform in +-degrees, against the clock\n"
           "\n"
           "[h, w, channels] of any size; c is the centre ((w - 1) / 2, (h - 1) / 2). Between\n"
           "pixels bilinear; outside of the image `fill`, in the units of the data set. As\n"
           "torchvision.transforms.RandomRotation with interpolation=BILINEAR.",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .scratch = rotate_scratch,
                                               .apply = rotate_apply},
};

RN_PLUGINS(&rotate);
