/* spec.c - reads the file of a benchmark: what is timed, and how long. */
#include "spec.h"

#include "base/error.h"
#include "config/options.h"
#include "experiment/experiment.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS_MAX = 32, BATCHES_MAX = 32 };

/* ---- tables --------------------------------------------------------------- */

struct head {
    const char *name, *description, *base;
};

static const struct rn_option head_rows[] = {
    RN_STRING(struct head, name, NULL, 0, "the folder of its results"),
    RN_STRING(struct head, description, NULL, 0, "what it is for"),
    RN_STRING(struct head, base, NULL, 0, "a file"), RN_END};

static const struct rn_option bench_rows[] = {
    RN_STRING(struct bench_options, reference, NULL, 0,
              "the variant that the others are compared with; the first without it"),
    RN_INTS(struct bench_options, batch_sizes, NULL, 1, BATCHES_MAX,
            "samples of a step, one size after the other; without it that of the experiment"),
    RN_INT(struct bench_options, warmup, "1", 0, 1000, "epochs",
           "at the beginning of each process that are not counted: caches, clocks, first kernels"),
    RN_BOOL(struct bench_options, per_layer, "true", "what a step spends on each layer, too"),
    RN_END};

static const struct rn_option measure_rows[] = {
    RN_INT(struct bench_measure, epochs, "3", 1, 10000, NULL, "that a process times"),
    RN_INT(struct bench_measure, repeats, "2", 1, 1000, NULL,
           "processes of each variant and batch size, in turns with the others"),
    {RN_OPT_(struct bench_measure, max_time, struct rn_span_value, RN_OPT_SPAN, NULL,
             "of a process, which is ended then; the epochs that it finished count"),
     .max = DBL_MAX, .flags = RN_OPT_TIME},
    RN_END};

static const struct rn_option verify_rows[] = {
    RN_INT(struct bench_verify, steps, "50", 0, 100000, NULL,
           "done on each device and compared layer by layer; 0: none"),
    RN_FLOAT(
        struct bench_verify, rel, "1e-3", 0, 1, RN_OPT_OPEN_MIN, NULL,
        "of the largest value of a tensor: up to it a difference in the first step is rounding"),
    RN_END};

struct variant_keys {
    const char *name;
    bool required;
};

static const struct rn_option variant_rows[] = {
    RN_STRING(struct variant_keys, name, NULL, RN_OPT_REQUIRED, "how it is called"),
    RN_BOOL(struct variant_keys, required, "true",
            "whether a device that can't be used is an error, exit code 3"),
    RN_END};

struct known_keys {
    const char *name;
    struct rn_span_value epoch_time;
    int64_t samples;
};

static const struct rn_option known_rows[] = {
    RN_STRING(struct known_keys, name, NULL, RN_OPT_REQUIRED, "what was measured there"),
    {RN_OPT_(struct known_keys, epoch_time, struct rn_span_value, RN_OPT_SPAN, NULL, "of an epoch"),
     .max = DBL_MAX, .flags = RN_OPT_TIME | RN_OPT_REQUIRED},
    RN_INT(struct known_keys, samples, "0", 0, 0x1p53, "samples",
           "of that epoch; 0: not known, and drawn as if they were as many as here"),
    RN_END};

const struct section bench_sections[] = {
    {"name", "the folder of its results; the file's name without one", SECTION_VALUE, 0, head_rows,
     false},
    {"description", "what it is for", SECTION_VALUE, 0, head_rows, false},
    {"base", "the experiment that is timed, relative to this file", SECTION_VALUE, 0, head_rows,
     true},
    {"set", "path: value, for every variant", SECTION_FREE, 0, NULL, false},
    {"bench", "what is timed side by side, and how long", SECTION_OPTIONS, 0, bench_rows, true},
    {"bench.devices", "a variant for each: [auto, {type: NAME, threads: 1}]", SECTION_WORDS, 0,
     NULL, false},
    {"bench.variants", "in place of devices: each also with set, path: value", SECTION_ITEMS, 0,
     variant_rows, false},
    {"bench.measure", "how long is timed", SECTION_OPTIONS, 0, measure_rows, false},
    {"bench.verify", "whether the devices compute the same", SECTION_OPTIONS, 0, verify_rows,
     false},
    {"bench.known", "figures from elsewhere, to be drawn beside these", SECTION_ITEMS, 0,
     known_rows, false},
    {NULL, NULL, 0, 0, NULL, false},
};

/* ---- variants ------------------------------------------------------------- */

static bool name_is_new(const struct bench_spec *s, const char *name)
{
    for (int i = 0; i < s->n_variants; i++)
        if (!strcmp(s->variants[i].name, name))
            return false;
    return true;
}

static int add_variant(struct bench_spec *s, const char *name, struct mark at, bool required,
                       struct change change)
{
    if (!experiment_name_fits(name) || strlen(name) > 40)
        return diag_add(s->diag, DIAG_ERROR, at, "bench.variants",
                        "letters, digits, '.', '_', '-'; 1 to 40 of them",
                        "'%s' cannot be the name of a variant: it becomes that of files", name);
    if (!name_is_new(s, name))
        return diag_add(s->diag, DIAG_ERROR, at, "bench.variants", NULL,
                        "there is another variant '%s'", name);
    s->variants[s->n_variants++] = (struct bench_variant){name, required, change};
    return RN_OK;
}

/* "cpu" of a word; of a map its type and its values: "cpu_threads_1". */
static const char *device_label(struct bench_spec *s, const struct node *n)
{
    const struct node *type = n->kind == NODE_MAP ? tree_get(n, "type") : n;
    struct text t = {0};

    text_add(&t, "%s", type && type->kind == NODE_SCALAR ? type->text : "device");
    for (const struct node *c = n->kind == NODE_MAP ? n->child : NULL; c; c = c->next)
        if (c != type)
            text_add(&t, "_%s_%s", c->key, c->kind == NODE_SCALAR ? c->text : "");
    char *label = t.status ? NULL : pool_strndup(s->pool, text_str(&t), t.n < 40 ? t.n : 40);
    text_free(&t);
    for (char *c = label; c && *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *c))
            *c = '_';
    return label;
}

static int device_variant(struct bench_spec *s, const struct node *device)
{
    struct node *set = tree_new(s->pool, NODE_MAP, device->mark, "set");
    struct node *copy = tree_copy(s->pool, device);
    struct change change;
    const char *label = device_label(s, device);

    if (device->kind != NODE_SCALAR && device->kind != NODE_MAP)
        return diag_add(s->diag, DIAG_ERROR, device->mark, "bench.devices",
                        "[auto, {type: NAME, threads: 1}]", "takes names of devices, or maps");
    if (!set || !copy || !label)
        return RN_ENOMEM;
    copy->key = "device";
    copy->key_mark = device->mark;
    copy->next = NULL;
    tree_add(set, copy);
    TRY(spec_set(s->pool, "bench.devices", set, s->diag, &change));
    return add_variant(s, label, device->mark, true, change);
}

static int read_devices(struct bench_spec *s, const struct node *list)
{
    if (list->kind != NODE_LIST || tree_count(list) > VARIANTS_MAX)
        return diag_add(s->diag, DIAG_ERROR, list->mark, "bench.devices", "[cpu, cuda]",
                        "takes a list of 1 to %d devices", VARIANTS_MAX);
    for (const struct node *c = list->child; c; c = c->next)
        CHECKED(device_variant(s, c));
    return RN_OK;
}

static int read_variant(struct bench_spec *s, struct node *n)
{
    static const char *const skip[] = {"set", NULL};
    struct variant_keys keys = {0};
    struct change change = {0};

    int status = options_section(s->pool, variant_rows, sizeof keys, n, n->mark, "bench.variants",
                                 skip, s->diag, &keys);
    if (status < 0)
        return status;
    CHECKED(spec_set(s->pool, "bench.variants.set", tree_get(n, "set"), s->diag, &change));
    return add_variant(s, keys.name, n->mark, keys.required, change);
}

static int read_variants(struct bench_spec *s, const struct node *bench)
{
    const struct node *list = tree_get(bench, "variants"), *devices = tree_get(bench, "devices");

    if (list && devices)
        return diag_add(s->diag, DIAG_ERROR, devices->key_mark, "bench.devices", NULL,
                        "stands beside variants, of which it takes the place: leave one out");
    if (devices)
        return read_devices(s, devices);
    if (!list || list->kind != NODE_LIST || tree_count(list) > VARIANTS_MAX)
        return diag_add(
            s->diag, DIAG_ERROR, list ? list->mark : bench->mark, "bench.variants",
            "devices: [cpu, cuda], or variants: [{name: one, set: {device.threads: 1}}]",
            "takes a list of 1 to %d variants", VARIANTS_MAX);
    for (struct node *c = list->child; c; c = c->next)
        CHECKED(read_variant(s, c));
    return RN_OK;
}

static int find_reference(struct bench_spec *s, const struct node *bench)
{
    const char *names[VARIANTS_MAX];
    const struct node *at = tree_get(bench, "reference");

    for (int i = 0; i < s->n_variants; i++) {
        names[i] = s->variants[i].name;
        if (s->o.reference && !strcmp(names[i], s->o.reference)) {
            s->reference = i;
            return RN_OK;
        }
    }
    if (!s->o.reference || !s->n_variants)
        return RN_OK;
    return diag_add(s->diag, DIAG_ERROR, at ? at->mark : bench->mark, "bench.reference",
                    diag_suggest(s->pool, s->o.reference, names, s->n_variants),
                    "there is no variant '%s'", s->o.reference);
}

/* ---- the other parts ------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int read_batches(struct bench_spec *s, const struct node *bench)
{
    const struct node *at = tree_get(bench, "batch_sizes");
    int64_t n = s->o.batch_sizes.count;

    s->batches = pool_alloc(s->pool, (size_t)(n + 1) * sizeof *s->batches);
    if (!s->batches)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        s->batches[i] = s->o.batch_sizes.at[i];
    if (n)
        qsort(s->batches, (size_t)n, sizeof *s->batches, by_size);
    for (int64_t i = 0; i < n; i++)
        if (s->batches[i] < 1 || (i && s->batches[i] == s->batches[i - 1]))
            return diag_add(s->diag, DIAG_ERROR, at ? at->mark : bench->mark, "bench.batch_sizes",
                            "[64, 256, 1024]", "takes sizes from 1, each once");
    s->n_batches = (int)n;
    s->batches_at = at ? at->mark : bench->mark;
    return RN_OK;
}

static int read_known(struct bench_spec *s, const struct node *list)
{
    struct known_keys keys;

    if (!list || list->kind == NODE_NULL)
        return RN_OK;
    if (list->kind != NODE_LIST || tree_count(list) > BENCH_KNOWN_MAX)
        return diag_add(s->diag, DIAG_ERROR, list->mark, "bench.known",
                        "- {name: elsewhere, epoch_time: 26 s}", "takes a list of at most %d",
                        BENCH_KNOWN_MAX);
    s->known = pool_alloc(s->pool, BENCH_KNOWN_MAX * sizeof *s->known);
    if (!s->known)
        return RN_ENOMEM;
    for (const struct node *c = list->child; c; c = c->next) {
        int status = options_section(s->pool, known_rows, sizeof keys, c, c->mark, "bench.known",
                                     NULL, s->diag, &keys);
        CHECKED(status);
        if (status >= 0 && keys.epoch_time.value <= 0)
            CHECKED(diag_add(s->diag, DIAG_ERROR, c->mark, "bench.known.epoch_time", "26 s",
                             "takes a time above 0"));
        else if (status >= 0)
            s->known[s->n_known++] =
                (struct rn_bench_known){keys.name, keys.epoch_time.value, keys.samples};
    }
    return RN_OK;
}

/* bench NULL: all defaults. */
static int read_options(struct bench_spec *s, const struct node *bench)
{
    static const char *const skip[] = {"devices", "variants", "measure", "verify", "known", NULL};
    const struct node *measure = tree_get(bench, "measure"), *verify = tree_get(bench, "verify");
    struct mark at = bench ? bench->mark : (struct mark){0};

    CHECKED(options_section(s->pool, bench_rows, sizeof s->o, bench, at, "bench", skip, s->diag,
                            &s->o));
    CHECKED(options_section(s->pool, measure_rows, sizeof s->measure, measure,
                            measure ? measure->mark : at, "bench.measure", NULL, s->diag,
                            &s->measure));
    CHECKED(options_section(s->pool, verify_rows, sizeof s->verify, verify,
                            verify ? verify->mark : at, "bench.verify", NULL, s->diag, &s->verify));
    return RN_OK;
}

/* ---- all of it ------------------------------------------------------------ */

static int read_file(struct bench_spec *s, struct node *root, bool devices)
{
    static const char *const skip[] = {"set", "bench", "vars", "tags", NULL};
    const struct node *bench = tree_get(root, "bench");
    struct head head = {0};

    CHECKED(options_section(s->pool, head_rows, sizeof head, root, root->mark, "", skip, s->diag,
                            &head));
    s->name = head.name;
    s->description = head.description ? head.description : "";
    s->name_at = head.name ? tree_get(root, "name")->mark : root->mark;
    CHECKED(spec_base(s->pool, s->file, root, s->diag, &s->base));
    CHECKED(spec_set(s->pool, "set", tree_get(root, "set"), s->diag, &s->set));
    CHECKED(read_options(s, bench));
    if (bench->kind != NODE_MAP) /* told by read_options() unless it is empty */
        return diag_errors(s->diag) ? RN_OK : read_variants(s, bench);
    if (!devices) {
        CHECKED(read_variants(s, bench));
        CHECKED(find_reference(s, bench));
    }
    CHECKED(read_batches(s, bench));
    return read_known(s, tree_get(bench, "known"));
}

static int read_experiment(struct bench_spec *s)
{
    const struct node *name;

    s->description = "";
    CHECKED(compose_read(s->pool, s->file, s->diag, &s->base));
    name = s->base ? tree_get(s->base, "name") : NULL;
    if (name && name->kind == NODE_SCALAR)
        s->name = pool_printf(s->pool, "%.80s_bench", name->text);
    return read_options(s, NULL);
}

static int read_words(struct bench_spec *s, const char *devices)
{
    const char *text = pool_printf(s->pool, "devices=[%s]", devices);
    struct patch patch;

    if (!text)
        return RN_ENOMEM;
    s->o.reference = NULL;
    TRY(compose_argument(s->pool, text, s->diag, &patch));
    return read_devices(s, patch.value);
}

static int name_it(struct bench_spec *s, bool is_bench)
{
    const char *slash = strrchr(s->file, '/'), *file = slash ? slash + 1 : s->file;
    size_t n = strcspn(file, ".");

    if (!s->name)
        s->name =
            pool_printf(s->pool, "%.*s%s", (int)(n > 80 ? 80 : n), file, is_bench ? "" : "_bench");
    return s->name ? spec_name(s->diag, s->name_at, "benchmark", s->name) : RN_ENOMEM;
}

/* Or what keeps it from being read at all. */
static int tell_no_section(struct bench_spec *s)
{
    struct node *root;

    TRY(tree_read(s->pool, s->file, s->diag, &root));
    return FAIL(RN_EINVAL, "%s has no section 'bench'; say which devices: --devices cpu,cuda",
                s->file);
}

int bench_spec_read(struct pool *p, const char *file, const struct bench_words *words,
                    struct bench_spec *s)
{
    bool is_bench = spec_has(file, "bench");
    struct node *root;

    *s = (struct bench_spec){.pool = p,
                             .diag = diag_new(p),
                             .file = file,
                             .overrides = words->overrides,
                             .n_overrides = words->n_overrides,
                             .variants = pool_alloc(p, VARIANTS_MAX * sizeof *s->variants)};
    if (!s->diag || !s->variants)
        return RN_ENOMEM;
    if (!is_bench && !words->devices)
        return tell_no_section(s);
    if (is_bench) {
        TRY(tree_read(p, file, s->diag, &root));
        CHECKED(read_file(s, root, words->devices != NULL));
    } else {
        CHECKED(read_experiment(s));
    }
    if (words->devices)
        CHECKED(read_words(s, words->devices));
    s->name = words->name ? words->name : s->name;
    CHECKED(name_it(s, is_bench));
    if (!diag_errors(s->diag) && !s->n_variants)
        return diag_add(s->diag, DIAG_ERROR, s->name_at, "bench.variants", "devices: [cpu, cuda]",
                        "there is nothing to be timed");
    return diag_errors(s->diag) || !s->base ? RN_EINVAL : RN_OK;
}
