/* verify.c - what a plugin of each kind is tried with. */
#include "verify.h"

#include "ref_device.h"
#include "variants.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const struct rn_shape flat[] = {
    {1, 0, {3}},  {1, 0, {1}},  {1, 0, {8}},
    {1, 0, {17}}, {1, 0, {65}}, {1, 3, {12}}, /* an image after flatten */
};
static const struct rn_shape images[] = {
    {3, 1, {4, 4, 1}}, {3, 3, {5, 3, 3}},  {3, 4, {7, 6, 4}},
    {3, 6, {8, 8, 6}}, {3, 3, {9, 11, 3}}, {3, 4, {1, 1, 4}},
};
enum { FLAT = sizeof flat / sizeof *flat, IMAGES = sizeof images / sizeof *images };

static const struct {
    enum finding (*run)(const struct check *c);
    int flat, images; /* how many shapes of each it is tried with; none: once */
} kinds[RN_KIND_AUGMENTATION + 1] = {
    [RN_KIND_LAYER] = {check_layer, FLAT, IMAGES},
    [RN_KIND_LOSS] = {check_loss, FLAT, 3},
    [RN_KIND_OPTIMIZER] = {check_optimizer, 0, 0},
    [RN_KIND_SCHEDULER] = {check_scheduler, 0, 0},
    [RN_KIND_CALLBACK] = {check_callback, 0, 0},
    [RN_KIND_AUGMENTATION] = {check_augmentation, 0, IMAGES},
};

bool verify_knows(uint32_t kind) { return kind <= RN_KIND_AUGMENTATION && kinds[kind].run; }

static void shape_words(const struct rn_shape *s, char out[VERIFY_WORDS])
{
    if (s->rank == 3)
        snprintf(out, VERIFY_WORDS, "input %dx%dx%d", (int)s->dim[2], (int)s->dim[0],
                 (int)s->dim[1]);
    else
        snprintf(out, VERIFY_WORDS, "input %d%s", (int)s->dim[0],
                 s->channels ? " of an image" : "");
}

bool verify_input(uint32_t kind, int i, struct rn_shape *in, char words[VERIFY_WORDS])
{
    const int n_flat = kinds[kind].flat;

    if (i >= n_flat + kinds[kind].images)
        return false;
    *in = i < n_flat ? flat[i] : images[i - n_flat];
    shape_words(in, words);
    return true;
}

static void try_shapes(struct check *c, const char *yaml)
{
    char words[VERIFY_WORDS];
    int i = 0;

    for (; verify_input(c->plugin->kind, i, &c->in, words); i++) {
        snprintf(c->v->where, sizeof c->v->where, "%.200s, %s", yaml, words);
        kinds[c->plugin->kind].run(c);
    }
    if (i)
        return;
    snprintf(c->v->where, sizeof c->v->where, "%.200s", yaml);
    kinds[c->plugin->kind].run(c);
}

static int try_variants(struct check *c)
{
    char yaml[VARIANT_TEXT];
    void *opts;

    for (int i = 0; variant_text(&c->plugin->options, i, yaml); i++) {
        struct pool *pool = pool_new();
        int status = pool ? variant_options(pool, &c->plugin->options, yaml, &opts) : RN_ENOMEM;

        if (status == RN_OK) {
            c->opts = opts;
            c->v->variants++;
            try_shapes(c, yaml);
        }
        pool_free(pool);
        if (status == RN_ENOMEM)
            return status;
    }
    c->v->where[0] = '\0';
    if (c->v->refused == c->v->trials)
        verdict_broken(c->v, FAILS,
                       *c->v->refusal ? c->v->refusal : "it takes none of the options and inputs");
    return RN_OK;
}

int verify_plugin(const struct plugin *p, uint64_t seed, struct verdict *v)
{
    struct check c = {.plugin = p, .seed = seed, .v = v};

    memset(v, 0, sizeof *v);
    if (!verify_knows(p->kind))
        return RN_OK;
    TRY(ref_device_open(&c.dev));
    int status = try_variants(&c);
    ref_device_close(c.dev);
    return status;
}
