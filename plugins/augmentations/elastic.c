/* elastic.c - bends an image by a smooth random field. */
#include <runner/augmentation.h>
#include <runner/image.h>

#include <string.h>

struct elastic {
    double alpha, sigma, fill, probability;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct elastic, alpha, "34", 0, 1e6, 0, "pixels", "strength of the bending"),
    RN_FLOAT(struct elastic, sigma, "4", 0.1, 64, 0, "pixels", "smoothness of the field"),
    RN_FLOAT(struct elastic, fill, "0", -1e30, 1e30, 0, NULL, "value of what bends in"),
    RN_FLOAT(struct elastic, probability, "1", 0, 1, 0, NULL, "share of the images that it bends"),
    RN_END,
};

enum { WHETHER = 0, FIELD = 4 }; /* the numbers of a row: the field across, then that down */

#define AT_ONCE 16 /* elements worked on together, in vector registers */

/* ---- numbers --------------------------------------------------------------------------- */

/* out[i] = 2 * (number first + i of the row) - 1; writes a whole number of RN_UNIFORMS values. */
RN_CLONES static void uniform_fill(const struct rn_augment_call *c, int64_t row, int64_t first,
                                   int64_t n, float *restrict out)
{
    uint64_t at = rn_augment_index(c, row, first);
    float u[RN_UNIFORMS];

    for (int64_t i = 0; i < n; i += RN_UNIFORMS) {
        rn_uniforms(c->key, c->draw, at + (uint64_t)i, u);
        for (int k = 0; k < RN_UNIFORMS; k++)
            out[i + k] = 2 * u[k] - 1;
    }
}

/* ---- the smooth field -------------------------------------------------------------------- */

/* A field lies in memory in lines of w values and `radius` zeros, with as many zeros before the
 * first: what a sum of a line reaches beyond the image is 0. */
struct plan {
    int64_t radius, line, size; /* size: h lines, rounded up */
    int64_t above;              /* zeros before and after the field that is smoothed downwards */
    float *kernel;              /* radius + 1 */
    float *noise, *half; /* the first lines of: above + size + above; radius + size + radius */
    float *dx, *dy;      /* size: the fields; dy holds the numbers before */
};

static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

static int64_t plan_of(const struct elastic *o, int64_t h, int64_t w, float *scratch,
                       struct plan *p)
{
    p->radius = (int64_t)(3 * o->sigma + 0.5);
    p->line = w + p->radius;
    p->size = round_up(h * p->line, RN_UNIFORMS);
    p->above = p->radius * p->line;
    int64_t noise = round_up(p->radius + 1, AT_ONCE) + p->above;
    int64_t half = noise + p->size + p->above + p->radius;
    int64_t dx = half + p->size + p->radius, dy = dx + p->size;
    if (scratch) {
        p->kernel = scratch;
        p->noise = scratch + noise;
        p->half = scratch + half;
        p->dx = scratch + dx;
        p->dy = scratch + dy;
    }
    return dy + p->size;
}

static int64_t elastic_scratch(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    struct plan p;

    (void)channels;
    return plan_of(opts, h, w, NULL, &p);
}

/* to[i] = sum over k of kernel[|k|] from[i + k step] */
RN_CLONES static void smooth(const float *restrict kernel, int64_t radius, int64_t step, int64_t n,
                             const float *restrict from, float *restrict to)
{
    for (int64_t i = 0; i < n; i += AT_ONCE) {
        float sum[AT_ONCE];

        for (int j = 0; j < AT_ONCE; j++)
            sum[j] = kernel[0] * from[i + j];
        for (int64_t k = 1; k <= radius; k++)
            for (int j = 0; j < AT_ONCE; j++)
                sum[j] += kernel[k] * (from[i + j - k * step] + from[i + j + k * step]);
        for (int j = 0; j < AT_ONCE; j++)
            to[i + j] = sum[j];
    }
}

static void make_field(const struct rn_augment_call *c, const struct plan *p, int64_t row,
                       int64_t first, float *field)
{
    uniform_fill(c, row, first, c->h * c->w, p->dy);
    for (int64_t y = 0; y < c->h; y++)
        memcpy(p->noise + y * p->line, p->dy + y * c->w, (size_t)c->w * sizeof(float));
    smooth(p->kernel, p->radius, p->line, p->size, p->noise, p->half);
    smooth(p->kernel, p->radius, 1, p->size, p->half, field);
}

/* Normalised to a sum of 1, then times alpha, which is shared between across and down. */
static void make_kernel(const struct elastic *o, const struct plan *p)
{
    double sum = 1, root = sqrt(o->alpha);

    for (int64_t k = 1; k <= p->radius; k++)
        sum += 2 * exp(-(double)(k * k) / (2 * o->sigma * o->sigma));
    for (int64_t k = 0; k <= p->radius; k++)
        p->kernel[k] = (float)(root * exp(-(double)(k * k) / (2 * o->sigma * o->sigma)) / sum);
}

/* ---- applying it -------------------------------------------------------------------------- */

static void bend(const struct rn_augment_call *c, const struct plan *p, int64_t row,
                 const float *in, float *out)
{
    int64_t down = FIELD + round_up(c->h * c->w, 4);
    float fill = (float)((const struct elastic *)c->opts)->fill;

    make_field(c, p, row, FIELD, p->dx);
    make_field(c, p, row, down, p->dy);
    for (int32_t y = 0; y < (int32_t)c->h; y++) {
        float *xs = p->dx + y * p->line, *ys = p->dy + y * p->line;

        for (int32_t x = 0; x < (int32_t)c->w; x++) {
            xs[x] += (float)x;
            ys[x] += (float)y;
        }
        rn_image_read(in, (int32_t)c->h, (int32_t)c->w, (int32_t)c->channels, xs, ys, (int32_t)c->w,
                      fill, out + y * c->w * c->channels);
    }
}

static void elastic_apply(const struct rn_augment_call *c)
{
    const struct elastic *o = c->opts;
    int64_t size = c->h * c->w * c->channels;
    struct plan p;

    memset(c->scratch, 0, (size_t)plan_of(o, c->h, c->w, c->scratch, &p) * sizeof(float));
    make_kernel(o, &p);
    for (int64_t row = 0; row < c->rows; row++) {
        const float *in = c->in + row * size;
        float *out = c->out + row * size;

        if (o->alpha == 0 || !((double)rn_augment_uniform(c, row, WHETHER) < o->probability))
            memcpy(out, in, (size_t)size * sizeof *out);
        else
            bend(c, &p, row, in, out);
    }
}

static int elastic_check(const void *opts, int64_t h, int64_t w, int64_t channels)
{
    (void)opts, (void)channels;
    if (h > (1 << 22) / w)
        return RN_FAIL(RN_EINVAL, "elastic: images of %lld x %lld pixels, expected at most 2^22",
                       (long long)h, (long long)w);
    return RN_OK;
}

static const struct rn_plugin elastic = {
    RN_PLUGIN_HEAD(RN_KIND_AUGMENTATION, struct elastic),
    .name = "elastic",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "bends an image by a smooth random field",
    .doc =
        "out[y, x] = in[y + alpha (G * v)[y, x], x + alpha (G * u)[y, x]]\n"
        "\n"
        "[h, w, channels] of at most 2^22 pixels. u and v are uniform in [-1, 1) for each pixel\n"
        "and 0 outside; G is a Gaussian of standard deviation sigma, cut at 3 sigma, whose\n"
        "sum is 1. Between pixels bilinear; outside of the image `fill`, in the units of the\n"
        "data set. Simard, Steinkraus and Platt, \"Best practices for convolutional neural\n"
        "networks applied to visual document analysis\", ICDAR 2003. As\n"
        "torchvision.transforms.ElasticTransform, but for its padding and its cut.",
    .options = options,
    .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops),
                                               .check = elastic_check,
                                               .scratch = elastic_scratch,
                                               .apply = elastic_apply},
};

RN_PLUGINS(&elastic);
