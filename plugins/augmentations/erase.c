/* erase.c - blanks a rectangle of an image. */
#include <runner/augmentation.h>

#include <math.h>
#include <string.h>

struct erase {
    double probability, fill;
    struct rn_floats size, ratio;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct erase, probability, "0.5", 0, 1, 0, NULL,
             "share of the images that it changes"),
    RN_FLOATS(struct erase, size, "[0.02, 0.2]", 2, 2,
              "smallest and largest share of the image's area"),
    RN_FLOATS(struct erase, ratio, "[0.3, 3.3]", 2, 2, "smallest and largest height / width"),
    RN_FLOAT(struct erase, fill, "0", -1e30, 1e30, 0, NULL, "value of the rectangle"),
    RN_END,
};

#define ATTEMPTS 10
enum { WHETHER = 0, FIRST = 4 };                 /* the numbers of a row: FIRST + 4 * attempt + */
enum { AREA = 0, RATIO = 1, TOP = 2, LEFT = 3 }; /* these */

struct box {
    int64_t top, left, h, w;
};

static int check_range(const char *name, const struct rn_floats *range, double most)
{
    double low = range->at[0], high = range->at[1];

    if (!(low > 0 && low <= high && high <= most))
        return RN_FAIL(
            RN_EINVAL,
            "erase: %s is [%g, %g], expected [smallest, largest], above 0 and at most %g", name,
            low, high, most);
    return RN_OK;
}

static int erase_check(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    const struct erase *o = opts;

    (void)h, (void)w, (void)channels;
    RN_TRY(check_range("size", &o->size, 1));
    return check_range("ratio", &o->ratio, 1000);
}

/* false: ten times no rectangle that is smaller than the image */
static bool draw_box(const struct rn_augment_call *c, int64_t row, struct box *out)
{
    const struct erase *o = c->opts;
    const double *size = o->size.at, *ratio = o->ratio.at;
    double flat = log(ratio[0]), tall = log(ratio[1]);

    for (int64_t i = FIRST; i < FIRST + 4 * ATTEMPTS; i += 4) {
        double share = size[0] + (double)rn_augment_uniform(c, row, i + AREA) * (size[1] - size[0]);
        double aspect = exp(flat + (double)rn_augment_uniform(c, row, i + RATIO) * (tall - flat));
        double area = share * (double)(c->h * c->w);
        int64_t h = (int64_t)rint(sqrt(area * aspect)), w = (int64_t)rint(sqrt(area / aspect));

        if (h >= c->h || w >= c->w)
            continue;
        double top = (double)rn_augment_uniform(c, row, i + TOP) * (double)(c->h - h + 1);
        double left = (double)rn_augment_uniform(c, row, i + LEFT) * (double)(c->w - w + 1);
        *out = (struct box){(int64_t)top, (int64_t)left, h, w};
        return true;
    }
    return false;
}

static void erase_apply(const struct rn_augment_call *c)
{
    const struct erase *o = c->opts;
    int64_t line = c->w * c->channels, size = c->h * line;
    float fill = (float)o->fill;
    struct box box;

    for (int64_t row = 0; row < c->rows; row++) {
        float *out = c->out + row * size;

        memcpy(out, c->in + row * size, (size_t)size * sizeof *out);
        if (!((double)rn_augment_uniform(c, row, WHETHER) < o->probability) ||
            !draw_box(c, row, &box))
            continue;
        for (int64_t y = box.top; y < box.top + box.h; y++)
            for (int64_t x = 0; x < box.w * c->channels; x++)
                out[y * line + box.left * c->channels + x] = fill;
    }
}

static const struct rn_plugin erase = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct erase),
    .name = "erase",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "blanks a rectangle of an image",
    .doc = "[h, w, channels] of any size. A rectangle of a share of the area that is uniform in\n"
           "`size`, whose height / width is uniform in `ratio` on a logarithmic scale, at a\n"
           "uniform place, becomes `fill`, in the units of the data set. One that is not smaller\n"
           "than the image in both directions is drawn again, ten times at most. Zhong et al.,\n"
           "\"Random erasing data augmentation\", AAAI 2020; as\n"
           "torchvision.transforms.RandomErasing, whose scale is [0.02, 0.33].",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .check = erase_check,
                                               .apply = erase_apply},
};

RN_PLUGINS(&erase);
