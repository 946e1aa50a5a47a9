/* shift.c - moves an image by whole pixels. */
#include <runner/augmentation.h>

#include <stdlib.h>
#include <string.h>

struct shift {
    int64_t pixels;
    double fill, probability;
};

static const struct rn_option options[] = {
    RN_INT(struct shift, pixels, "2", 0, 4096, "pixels", "largest distance in each direction"),
    RN_FLOAT(struct shift, fill, "0", -1e30, 1e30, 0, NULL, "value of what moves in"),
    RN_FLOAT(struct shift, probability, "1", 0, 1, 0, NULL, "share of the images that it moves"),
    RN_END,
};

enum { WHETHER, DOWN, RIGHT }; /* the numbers of a row */

static void fill_with(float *restrict out, int64_t n, float v)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = v;
}

static int64_t distance(const struct rn_augment_call *c, int64_t row, int64_t which)
{
    int64_t p = ((const struct shift *)c->opts)->pixels;

    return (int64_t)((double)rn_augment_uniform(c, row, which) * (double)(2 * p + 1)) - p;
}

/* What was at column x - right, row y - down, is now at x, y. */
static void move(const struct rn_augment_call *c, const float *in, float *out, int64_t down,
                 int64_t right, float fill)
{
    int64_t line = c->w * c->channels, gap = llabs(right) < c->w ? llabs(right) : c->w;
    int64_t kept = line - gap * c->channels;

    for (int64_t y = 0; y < c->h; y++, out += line) {
        if (y - down < 0 || y - down >= c->h) {
            fill_with(out, line, fill);
            continue;
        }
        const float *from = in + (y - down) * line;
        float *to = right > 0 ? out + line - kept : out, *free = right > 0 ? out : out + kept;
        memcpy(to, right > 0 ? from : from + line - kept, (size_t)kept * sizeof *out);
        fill_with(free, line - kept, fill);
    }
}

static void shift_apply(const struct rn_augment_call *c)
{
    const struct shift *o = c->opts;
    int64_t size = c->h * c->w * c->channels;

    for (int64_t row = 0; row < c->rows; row++) {
        bool moves = (double)rn_augment_uniform(c, row, WHETHER) < o->probability;

        move(c, c->in + row * size, c->out + row * size, moves ? distance(c, row, DOWN) : 0,
             moves ? distance(c, row, RIGHT) : 0, (float)o->fill);
    }
}

static const struct rn_plugin shift = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct shift),
    .name = "shift",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "moves an image by whole pixels",
    .doc = "out[y, x] = in[y - dy, x - dx]    dx, dy uniform in -pixels ... pixels\n"
           "\n"
           "[h, w, channels] of any size. What moves in from outside is `fill`, in the units of\n"
           "the data set. As torchvision.transforms.RandomCrop of the same size with\n"
           "padding = pixels.",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .apply = shift_apply},
};

RN_PLUGINS(&shift);
