/* my_name.c - a data set: small images of stripes, upright ones and lying ones, made up here.
 * dataset.h says what a data set tells and fills in; the core splits, shuffles and normalises. A
 * data set from files reads them with rn_host->read_file(), the headers in open(). */
#include <runner/dataset.h>

#include <stdio.h>
#include <string.h>

#define SIDE 8

struct options {
    int64_t samples, seed;
};

static const struct rn_option options[] = {
    RN_INT(struct options, samples, "500", 10, 100000, "samples", "to train on"),
    RN_INT(struct options, seed, "1", 0, 0x1p62, NULL, "of the noise"),
    RN_END,
};

static const char *const class_names[] = {"upright", "lying"};

struct set { /* between open() and close() */
    struct options options;
    int64_t count[RN_SPLITS];
};

/* Says what there is; loads nothing yet. */
static int open_set(const void *opts, void **out, struct rn_dataset_info *info)
{
    struct set *s = rn_host->alloc(sizeof *s);

    if (!s)
        return RN_FAIL(RN_ENOMEM, "my_name: out of memory");
    memcpy(&s->options, opts, sizeof s->options);
    s->count[RN_TRAIN] = s->options.samples;
    s->count[RN_TEST] = 200;
    info->dtype = RN_U8; /* bytes count as 1/255 each */
    memcpy(info->count, s->count, sizeof s->count);
    info->input = (struct rn_shape){.rank = 3, .channels = 1, .dim = {SIDE, SIDE, 1}};
    info->classes = 2;
    info->target_width = 1;
    info->class_names = class_names;
    snprintf(info->source, sizeof info->source, "stripes, made up by my_name");
    *out = s;
    return RN_OK;
}

/* Fills memory of the core's: inputs one after the other, and a class for each. */
static int load(void *ds, uint32_t split, void *input, float *target)
{
    const struct set *s = ds;
    uint64_t key = (uint64_t)s->options.seed * 2 + split;
    uint8_t *pixel = input;

    for (int64_t i = 0; i < s->count[split]; i++) {
        int lying = (int)(i % 2), at = (int)(i / 2 % SIDE);
        target[i] = (float)lying;
        for (int k = 0; k < SIDE * SIDE; k++) {
            int across = lying ? k / SIDE : k % SIDE;
            float noise = rn_uniform(key, (uint64_t)i, (uint64_t)k);
            *pixel++ = (uint8_t)((across == at ? 155 : 0) + 100 * noise);
        }
    }
    return RN_OK;
}

/* Changes when the samples change; of files, the hash of what was read. */
static int fingerprint(void *ds, uint32_t split, char out[72])
{
    const struct set *s = ds;
    int64_t all[] = {s->options.samples, s->options.seed, split};

    rn_host->sha256(all, sizeof all, out);
    return RN_OK;
}

static void close_set(void *ds) { rn_host->free(ds); }

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "stripes, made up",
    .doc = "Images of 1x8x8 with one bright stripe and noise, in two classes; 200 for the test.",
    .options = options,
    .ops = &(const struct rn_dataset_ops){.size = sizeof(struct rn_dataset_ops),
                                          .open = open_set,
                                          .load = load,
                                          .fingerprint = fingerprint,
                                          .close = close_set},
};

RN_PLUGINS(&plugin);
