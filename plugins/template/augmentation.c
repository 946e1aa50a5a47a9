/* my_name.c - an augmentation: some images are seen in a mirror. augmentation.h says what it is
 * given; all that is random comes from rn_augment_uniform(). */
#include <runner/augmentation.h>

#include <string.h>

struct options {
    double p;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct options, p, "0.5", 0, 1, 0, NULL, "share of the images that are mirrored"),
    RN_END,
};

/* From in to out, which is another place: every element is to be written. */
static void apply(const struct rn_augment_call *c)
{
    const struct options *o = c->opts;
    size_t pixel = (size_t)c->channels * sizeof(float);

    for (int64_t row = 0; row < c->rows; row++) {
        bool mirror = rn_augment_uniform(c, row, 0) < (float)o->p;
        for (int64_t i = 0; i < c->h * c->w; i++) {
            int64_t x = i % c->w, from = mirror ? i - x + c->w - 1 - x : i;
            int64_t first = row * c->h * c->w;
            memcpy(c->out + (first + i) * c->channels, c->in + (first + from) * c->channels, pixel);
        }
    }
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "mirrors some images, left for right",
    .doc = "Each image by itself, with probability p; any number of channels.",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .apply = apply},
};

RN_PLUGINS(&plugin);
