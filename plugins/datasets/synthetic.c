/* synthetic.c - samples from a formula: for tests, demonstrations and first steps without files.
 * All is computed by + - * / and square roots in double, which IEEE 754 rounds in one way only: the
 * same options give the same bytes on every machine, whatever its mathematical library. */
#include <runner/dataset.h>
#include <runner/random.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TWO_PI  6.283185307179586476925
#define LN_2    0.693147180559945309417
#define WINDING 0.65 /* turns of a spiral's arm from the middle to its end */

enum kind { BLOBS, SPIRALS, REGRESSION };

struct synthetic_opts {
    int64_t kind, classes, features, height, samples, test_samples, seed;
    double noise;
};

struct synthetic {
    struct synthetic_opts o;
    int64_t count[RN_SPLITS];
    char sha256[RN_SPLITS][72];
};

/* ---- numbers -------------------------------------------------------------- */

/* log x for x > 0, by 2 artanh((m - 1) / (m + 1)) with m near 1. */
static double log_of(double x)
{
    int e;
    double m = frexp(x, &e), sum = 0;

    if (m < 0.7071067811865476)
        m *= 2, e--;
    double s = (m - 1) / (m + 1);
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * s * s + 1.0 / k;
    return 2 * s * sum + e * LN_2;
}

/* Cosine and sine of so many full turns >= 0, by their series in the nearest quarter. */
static void turn(double turns, double *cosine, double *sine)
{
    int64_t quarter = (int64_t)(4 * turns + 0.5);
    double a = (turns - (double)quarter / 4) * TWO_PI, c = 1, s = 1;

    for (int k = 18; k >= 2; k -= 2) {
        c = 1 - c * a * a / (k * (k - 1));
        s = 1 - s * a * a / (k * (k + 1));
    }
    s *= a;
    switch (quarter & 3) {
    case 0: *cosine = c, *sine = s; break;
    case 1: *cosine = -s, *sine = c; break;
    case 2: *cosine = -c, *sine = -s; break;
    default: *cosine = s, *sine = -c; break;
    }
}

/* Standard normal, by Box and Muller. */
static double normal(uint64_t seed, uint64_t draw, uint64_t i)
{
    struct rn_philox r = rn_philox(seed, draw, i);
    double u = ((double)r.v[0] + 0.5) * 0x1p-32, cosine, sine;

    turn((double)r.v[1] * 0x1p-32, &cosine, &sine);
    return sqrt(-2 * log_of(u)) * cosine;
}

/* ---- samples -------------------------------------------------------------- */

/* Draws of a seed: 0 the weights of regression, 1 + split the noise, 3 + split all else. */

static void noise_add(const struct synthetic_opts *o, uint32_t split, int64_t i, float *x)
{
    for (int64_t f = 0; f < o->features; f++)
        x[f] += (float)(o->noise *
                        normal((uint64_t)o->seed, 1 + split, (uint64_t)(i * o->features + f)));
}

static float blob(const struct synthetic_opts *o, uint32_t split, int64_t i, float *x)
{
    int64_t class = i % o->classes;
    double cosine, sine;

    turn((double)class / (double)o->classes, &cosine, &sine);
    memset(x, 0, (size_t)o->features * sizeof *x);
    x[0] = (float)cosine;
    x[1] = (float)sine;
    noise_add(o, split, i, x);
    return (float)class;
}

static float spiral(const struct synthetic_opts *o, uint32_t split, int64_t i, float *x)
{
    int64_t class = i % o->classes;
    uint32_t bits = rn_philox((uint64_t)o->seed, 3 + split, (uint64_t)i).v[0];
    double r = 0.1 + 0.9 * (double)bits * 0x1p-32, cosine, sine;

    turn((double)class / (double)o->classes + WINDING * r, &cosine, &sine);
    x[0] = (float)(r * cosine);
    x[1] = (float)(r * sine);
    noise_add(o, split, i, x);
    return (float)class;
}

static float regression(const struct synthetic_opts *o, uint32_t split, int64_t i, float *x)
{
    uint64_t seed = (uint64_t)o->seed;
    double y = o->noise * normal(seed, 1 + split, (uint64_t)i);

    for (int64_t f = 0; f < o->features; f++) {
        x[f] = (float)normal(seed, 3 + split, (uint64_t)(i * o->features + f));
        y += normal(seed, 0, (uint64_t)f) * (double)x[f];
    }
    return (float)y;
}

/* ---- the data set --------------------------------------------------------- */

static int options_check(const struct synthetic_opts *o)
{
    if (o->kind == SPIRALS && o->features != 2)
        return RN_FAIL(RN_EINVAL, "features: spirals have 2, not %lld: leave the option out",
                       (long long)o->features);
    if (o->kind == BLOBS && o->features < 2)
        return RN_FAIL(RN_EINVAL, "features: blobs lie on a circle and need 2 or more, not %lld",
                       (long long)o->features);
    if (o->height && o->features % o->height)
        return RN_FAIL(RN_EINVAL, "height: %lld features are no whole number of rows of %lld",
                       (long long)o->features, (long long)o->height);
    if (o->kind != REGRESSION && o->samples < o->classes)
        return RN_FAIL(RN_EINVAL, "samples: %lld are too few for %lld classes: at least one each",
                       (long long)o->samples, (long long)o->classes);
    return RN_OK;
}

static int synthetic_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    static const char *const names[] = {"blobs", "spirals", "a linear regression"};
    const struct synthetic_opts *o = opts;

    *out = NULL;
    RN_TRY(options_check(o));
    struct synthetic *s = rn_host->alloc(sizeof *s);
    if (!s)
        return RN_FAIL(RN_ENOMEM, "synthetic: out of memory");
    s->o = *o;
    info->count[RN_TRAIN] = s->count[RN_TRAIN] = o->samples;
    info->count[RN_TEST] = s->count[RN_TEST] = o->test_samples;
    info->dtype = RN_F32;
    info->input = o->height ? (struct rn_shape){.rank = 3,
                                                .channels = 1,
                                                .dim = {o->height, o->features / o->height, 1}}
                            : rn_vec(o->features);
    info->classes = o->kind == REGRESSION ? 0 : o->classes;
    info->target_width = 1;
    snprintf(info->source, sizeof info->source, "synthetic: %s, seed %lld", names[o->kind],
             (long long)o->seed);
    *out = s;
    return RN_OK;
}

static int synthetic_load(void *ds, uint32_t split, void *input, float *target)
{
    static float (*const make[])(const struct synthetic_opts *, uint32_t, int64_t,
                                 float *) = {blob, spiral, regression};
    struct synthetic *s = ds;
    const int64_t n = s->count[split];
    char both[2 * 72 + 2], part[2][72];
    float *x = input;

    for (int64_t i = 0; i < n; i++)
        target[i] = make[s->o.kind](&s->o, split, i, x + i * s->o.features);
    rn_host->sha256(x, (uint64_t)(n * s->o.features) * sizeof *x, part[0]);
    rn_host->sha256(target, (uint64_t)n * sizeof *target, part[1]);
    int chars = snprintf(both, sizeof both, "%s\n%s\n", part[0], part[1]);
    rn_host->sha256(both, (uint64_t)chars, s->sha256[split]);
    return RN_OK;
}

/* Over the digests of the inputs and the targets, in words: there are no files. */
static int synthetic_fingerprint(void *ds, uint32_t split, char out[72])
{
    const struct synthetic *s = ds;

    memcpy(out, s->sha256[split], 72);
    return RN_OK;
}

static void synthetic_close(void *ds) { rn_host->free(ds); }

static const struct rn_choice kinds[] = {
    {"blobs", BLOBS, "a round cloud for each class, its middle on the unit circle"},
    {"spirals", SPIRALS, "an arm of a spiral for each class: no straight line divides them"},
    {"regression", REGRESSION, "a linear function of normal features; the target is a number"},
    {.name = NULL},
};

static const struct rn_option options[] = {
    RN_CHOICE(struct synthetic_opts, kind, "blobs", kinds, "what to make"),
    RN_INT(struct synthetic_opts, classes, "3", 2, 1000, NULL, "for blobs and spirals"),
    RN_INT(struct synthetic_opts, features, "2", 1, 65536, NULL, "values of a sample"),
    RN_INT(struct synthetic_opts, height, "0", 0, 65536, NULL,
           "not 0: a sample is an image of so many rows, of one channel"),
    RN_INT(struct synthetic_opts, samples, "1000", 1, 1e7, "samples", "for training"),
    RN_INT(struct synthetic_opts, test_samples, "500", 0, 1e7, "samples", "for the test"),
    RN_FLOAT(struct synthetic_opts, noise, "0.1", 0, 1e3, 0, NULL, "standard deviation"),
    RN_INT(struct synthetic_opts, seed, "0", 0, 9e15, NULL, "of the samples, not of the run"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = synthetic_open,
                                          .load = synthetic_load,
                                          .fingerprint = synthetic_fingerprint,
                                          .close = synthetic_close};

static const struct rn_plugin synthetic = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct synthetic_opts),
    .name = "synthetic",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "blobs, spirals or a linear function: for tests and first steps, without files",
    .doc = "Sample i is of class i mod k, n is normal noise of the given deviation:\n"
           "  blobs       x = (cos a, sin a, 0, 0, ...) + n with a = 2 pi class / k\n"
           "  spirals     x = r (cos a, sin a) + n with a = 2 pi (class / k + 0.65 r) and r\n"
           "              uniform in [0.1, 1)\n"
           "  regression  x normal, y = w x + n with w normal, the same for both splits\n"
           "\n"
           "x [features] of floats. The same options give the same bytes on every machine;\n"
           "random numbers are Philox 4x32-10.",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&synthetic);
