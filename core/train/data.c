/* data.c - loads the samples onto the device and divides them. */
#include "data.h"

#include "base/error.h"
#include "base/rng.h"
#include "config/compose.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

static const struct rn_dataset_ops *ops_of(const struct data *d)
{
    return &d->part->plugin->ops.dataset;
}

static size_t input_bytes(const struct data *d)
{
    return (size_t)rn_count(&d->info.input) * (d->info.dtype == RN_U8 ? 1 : sizeof(float));
}

static int name_classes(struct pool *p, struct data *d)
{
    d->class_names = pool_alloc(p, (size_t)(d->info.classes + 1) * sizeof *d->class_names);
    if (!d->class_names)
        return RN_ENOMEM;
    for (int64_t i = 0; i < d->info.classes; i++) {
        d->class_names[i] = d->info.class_names ? pool_strdup(p, d->info.class_names[i])
                                                : pool_printf(p, "%lld", (long long)i);
        if (!d->class_names[i])
            return RN_ENOMEM;
    }
    return RN_OK;
}

/* What a data set says becomes sizes and indices. */
static int check_info(const struct rn_dataset_info *info)
{
    for (int s = 0; s < RN_SPLITS; s++)
        if (info->count[s] < 0 || info->count[s] > INT32_MAX)
            return FAIL(RN_EDATA, "%lld samples, expected at most %d", (long long)info->count[s],
                        INT32_MAX);
    if (!info->count[RN_TRAIN])
        return FAIL(RN_EDATA, "no training samples");
    if (model_check_shape(&info->input) < 0)
        return RN_EDATA;
    if (info->classes < 0 || info->classes > INT32_MAX / 2 || info->target_width < 1 ||
        info->target_width > INT32_MAX / 2 || (info->classes && info->target_width != 1))
        return FAIL(RN_EDATA, "%lld classes and %lld values as target", (long long)info->classes,
                    (long long)info->target_width);
    if (info->dtype != RN_U8 && info->dtype != RN_F32)
        return FAIL(RN_EDATA, "the unknown type %u of values", info->dtype);
    return RN_OK;
}

int data_open(struct pool *p, const struct experiment *e, struct data *d)
{
    *d = (struct data){.part = &e->data, .info = {.size = sizeof d->info}};
    int status = ops_of(d)->open(e->data.opts, &d->handle, &d->info);
    if (status < 0)
        return error_prefix(status, "data (%s)", e->data.plugin->name);
    if (!d->info.target_width)
        d->info.target_width = 1;
    d->info.source[sizeof d->info.source - 1] = '\0';
    if (check_info(&d->info) < 0)
        return error_prefix(RN_EDATA, "data (%s)", e->data.plugin->name);
    d->channels = d->info.input.channels ? d->info.input.channels : 1;
    return name_classes(p, d);
}

void data_close(struct data *d)
{
    if (d->dev) {
        for (int s = 0; s < RN_SPLITS && !d->shared.head; s++) {
            d->dev->ops->free(d->dev, d->split[s].input);
            d->dev->ops->free(d->dev, d->split[s].target);
            mem_free(d->split[s].host_target);
            mem_free(d->split[s].kept_input);
        }
        d->dev->ops->free(d->dev, d->scale);
        d->dev->ops->free(d->dev, d->shift);
        share_drop(&d->shared);
    }
    if (d->handle)
        ops_of(d)->close(d->handle);
    d->handle = NULL;
    d->dev = NULL;
}

/* ---- who trains, who validates ------------------------------------------------ */

/* A share of n below or equal to 1, a count above. */
static int64_t amount(double share, int64_t n)
{
    return share <= 1 ? (int64_t)floor(share * (double)n + 0.5) : (int64_t)share;
}

/* How many means or deviations the file gives: none, one, or one a channel. */
static int64_t normalizers(const struct experiment *e)
{
    int64_t mean = e->split.mean.count, std = e->split.std.count;

    return mean > std ? mean : std;
}

static int64_t limited(int64_t n, int64_t limit) { return limit && limit < n ? limit : n; }

int data_divide(struct pool *p, const struct experiment *e, struct data *d)
{
    int64_t n = d->info.count[RN_TRAIN], n_test = d->info.count[RN_TEST];
    int64_t val = amount(e->split.val, n), train = amount(e->split.train, n);

    if (train + val == n + 1) /* both shares were rounded up */
        train--;
    if (train < 1 || val < 0 || train + val > n)
        return FAIL(RN_EINVAL,
                    "data.split: %lld for training and %lld for validation do not fit the %lld "
                    "samples of the training set",
                    (long long)train, (long long)val, (long long)n);
    if (normalizers(e) > 1 && normalizers(e) != d->channels)
        return FAIL(RN_EINVAL, "data.normalize: %lld values, but the input has %lld channel%s",
                    (long long)normalizers(e), (long long)d->channels, d->channels == 1 ? "" : "s");
    int32_t *order = pool_alloc(p, (size_t)n * sizeof *order);
    d->test_index = pool_alloc(p, (size_t)(n_test + 1) * sizeof *order);
    if (!order || !d->test_index)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)i;
    for (int64_t i = 0; i < n_test; i++)
        d->test_index[i] = (int32_t)i;
    rng_shuffle(rng_key((uint64_t)e->split.seed, RNG_SPLIT, 0), order, n);
    d->train_index = order;
    d->val_index = order + train;
    d->n_train = limited(train, e->split.limit_train);
    d->n_val = limited(val, e->split.limit_val);
    d->n_test = limited(n_test, e->split.limit_test);
    return RN_OK;
}

static void divide(int64_t rows[2], int64_t n, int64_t batch, bool drop_last)
{
    rows[0] = n >= batch ? batch : 0;
    rows[1] = drop_last && n >= batch ? 0 : n % batch;
}

struct batches data_batches(const struct experiment *e, const struct data *d)
{
    int64_t eval = e->train.eval_batch_size;
    struct batches b = {0};

    divide(b.train, d->n_train, e->train.batch_size, e->train.drop_last);
    if (d->n_val)
        divide(b.val, d->n_val, limited(eval, d->n_val), false);
    if (d->n_train < d->n_val)
        divide(b.fit, d->n_train, limited(eval, d->n_train), false);
    if (d->n_test)
        divide(b.test, d->n_test, limited(eval, d->n_test), false);
    return b;
}

/* ---- loading ------------------------------------------------------------------- */

static int check_targets(const struct data *d, const struct data_split *s, const char *which)
{
    for (int64_t i = 0; i < s->n * d->info.target_width; i++) {
        float v = s->host_target[i];
        if (d->info.classes && !(v >= 0 && v < (float)d->info.classes && v == floorf(v)))
            return FAIL(RN_EDATA, "data (%s): %s sample %lld has the label %g, expected 0 to %lld",
                        d->part->plugin->name, which, (long long)i, (double)v,
                        (long long)d->info.classes - 1);
        if (!isfinite(v))
            return FAIL(RN_EDATA, "data (%s): %s sample %lld has a target that is not finite",
                        d->part->plugin->name, which, (long long)(i / d->info.target_width));
    }
    return RN_OK;
}

static int check_inputs(const struct data *d, const void *input, int64_t n, const char *which)
{
    const float *x = input;

    for (int64_t i = 0; d->info.dtype == RN_F32 && i < n * rn_count(&d->info.input); i++)
        if (!isfinite(x[i]))
            return FAIL(RN_EDATA, "data (%s): %s sample %lld holds a value that is not finite",
                        d->part->plugin->name, which, (long long)(i / rn_count(&d->info.input)));
    return RN_OK;
}

static int upload(struct data *d, void *dst, const void *src, size_t bytes)
{
    TRY(d->dev->ops->upload(d->dev, dst, src, bytes));
    return d->dev->ops->sync(d->dev);
}

int data_sizes(const struct data *d, int which, size_t *inputs, size_t *targets)
{
    size_t n = (size_t)d->info.count[which];

    *inputs = *targets = 0;
    if (__builtin_mul_overflow(n, input_bytes(d), inputs) ||
        __builtin_mul_overflow(n, (size_t)d->info.target_width * sizeof(float), targets))
        return FAIL(RN_ENOMEM, "data (%s): too large for memory", d->part->plugin->name);
    return RN_OK;
}

static int decode(struct data *d, int which, void *input, float *target)
{
    static const char *const words[] = {"training", "test"};
    struct data_split *s = &d->split[which];

    s->host_target = target;
    int status = ops_of(d)->load(d->handle, (uint32_t)which, input, target);
    if (status < 0)
        return error_prefix(status, "data (%s)", d->part->plugin->name);
    TRY(check_targets(d, s, words[which]));
    return check_inputs(d, input, s->n, words[which]);
}

static int load_split(const struct experiment *e, struct data *d, int which)
{
    struct data_split *s = &d->split[which];
    size_t bytes, labels;
    void *p = NULL;

    s->n = d->info.count[which];
    if (!s->n)
        return RN_OK;
    TRY(data_sizes(d, which, &bytes, &labels));
    bool stays = d->host_visible || !d->streamed[which];
    TRY(stays ? d->dev->ops->alloc(d->dev, bytes, &s->input) : RN_OK);
    TRY(d->dev->ops->alloc(d->dev, labels, &p));
    s->target = p;
    void *staging = d->host_visible ? s->input : mem_alloc(bytes);
    s->host_target = mem_alloc(labels);
    int status = staging && s->host_target ? decode(d, which, staging, s->host_target) : RN_ENOMEM;
    if (!status && !d->host_visible && stays)
        status = upload(d, s->input, staging, bytes);
    if (!status)
        status = upload(d, s->target, s->host_target, labels);
    bool wanted = d->streamed[which] || (which == RN_TRAIN && e->n_augments);
    s->host_input = d->host_visible || wanted ? staging : NULL;
    s->kept_input = d->host_visible ? NULL : staging;
    if (!wanted) {
        mem_free(s->kept_input);
        s->kept_input = NULL;
    }
    return status;
}

/* ---- samples in common with other runs --------------------------------------------- */

/* All that decides what load() gives: the plugin, its options, what it found in the headers. */
static int key_text(const struct experiment *e, const struct data *d, struct text *out)
{
    const struct plugin *plugin = d->part->plugin;
    const struct rn_dataset_info *i = &d->info;
    struct node *options = tree_new(e->pool, NODE_MAP, (struct mark){0}, "file");
    char file[HASH_TEXT], shape[SHAPE_TEXT];

    const struct node *all = tree_get(e->root, "data");
    for (const struct node *c = all ? all->child : NULL; options && c; c = c->next) {
        struct node *copy = options_row(&plugin->options, c->key) ? tree_copy(e->pool, c) : NULL;
        if (copy)
            tree_add(options, copy);
    }
    TRY(options ? hash_file(plugin->path, file) : RN_ENOMEM);
    compose_emit(options, out);
    text_add(out, "%s %s %s\n%u %lld %lld %s %lld %lld\n", plugin->name, plugin->version, file,
             i->dtype, (long long)i->count[RN_TRAIN], (long long)i->count[RN_TEST],
             shape_text(&i->input, shape), (long long)i->classes, (long long)i->target_width);
    return out->status;
}

static size_t to_page(size_t bytes) { return (bytes + 4095) & ~(size_t)4095; }

/* Where each split lies behind the head; returns the bytes of all, 0: too many. */
static uint64_t place(const struct data *d, size_t input[RN_SPLITS], size_t target[RN_SPLITS])
{
    uint64_t at = 0;

    for (int s = 0; s < RN_SPLITS; s++) {
        size_t bytes, labels;
        if (data_sizes(d, s, &bytes, &labels) < 0 || bytes > SIZE_MAX / 8 ||
            labels > SIZE_MAX / 8 || at > SIZE_MAX / 4)
            return 0;
        input[s] = at;
        target[s] = at + to_page(bytes);
        at = target[s] + to_page(labels);
    }
    return at;
}

static void use_shared(struct data *d, const size_t input[RN_SPLITS],
                       const size_t target[RN_SPLITS])
{
    for (int s = 0; s < RN_SPLITS; s++) {
        char *from = d->shared.data;
        if (d->info.count[s])
            d->split[s] = (struct data_split){.n = d->info.count[s],
                                              .input = from + input[s],
                                              .target = (rn_real *)(void *)(from + target[s]),
                                              .host_target = (float *)(void *)(from + target[s]),
                                              .host_input = from + input[s]};
    }
}

/* Decodes for all that need the same. */
static int fill_shared(struct data *d)
{
    for (int s = 0; s < RN_SPLITS; s++) {
        char *hash = d->shared.head->fingerprint[s];
        if (!d->info.count[s])
            continue;
        TRY(decode(d, s, d->split[s].input, d->split[s].host_target));
        if (ops_of(d)->fingerprint(d->handle, (uint32_t)s, hash) < 0)
            hash[0] = '\0';
    }
    return share_seal(&d->shared);
}

/* *done: the samples are there; otherwise nothing was changed. */
static int load_shared(const struct experiment *e, struct data *d, bool *done)
{
    size_t input[RN_SPLITS], target[RN_SPLITS];
    char key[HASH_TEXT];
    struct text text = {0};
    int any[SHARE_SLOTS];
    uint64_t bytes = d->host_visible && share_descriptors(any) ? place(d, input, target) : 0;

    *done = false;
    if (!bytes)
        return RN_OK;
    int status = key_text(e, d, &text);
    hash_sha256(text_str(&text), text.n, key);
    text_free(&text);
    TRY(status);
    enum share_state state = share_take(key, bytes, &d->shared);
    if (state == SHARE_NONE)
        return RN_OK;
    use_shared(d, input, target);
    if (state == SHARE_TO_FILL)
        status = fill_shared(d);
    if (status < 0) {
        memset(d->split, 0, sizeof d->split);
        share_drop(&d->shared);
        return status;
    }
    use_shared(d, input, target);
    *done = true;
    return RN_OK;
}

int data_fingerprint(const struct data *d, int split, char out[HASH_TEXT])
{
    if (!d->shared.head)
        return ops_of(d)->fingerprint(d->handle, (uint32_t)split, out);
    memcpy(out, d->shared.head->fingerprint[split], HASH_TEXT);
    out[HASH_TEXT - 1] = '\0';
    return out[0] ? RN_OK : RN_EDATA;
}

/* Bytes count 1/255 each; then (x - mean) / std, each channel its own or all the same. */
int64_t data_normalization(const struct experiment *e, uint32_t dtype, rn_real scale[CHANNELS_MAX],
                           rn_real shift[CHANNELS_MAX])
{
    const struct rn_floats *mean = &e->split.mean, *std = &e->split.std;
    double unit = dtype == RN_U8 ? 1.0 / 255 : 1;
    int64_t n = normalizers(e) > 1 ? normalizers(e) : 1;

    for (int64_t c = 0; c < n; c++) {
        double m = mean->count ? mean->at[mean->count > 1 ? c : 0] : 0;
        double s = std->count ? std->at[std->count > 1 ? c : 0] : 1;
        scale[c] = (rn_real)(unit / s);
        shift[c] = (rn_real)(-m / s);
    }
    return n;
}

static int load_normalization(const struct experiment *e, struct data *d)
{
    rn_real values[2][CHANNELS_MAX];
    void *p = NULL;

    d->channels = data_normalization(e, d->info.dtype, values[0], values[1]);
    size_t bytes = (size_t)d->channels * sizeof(rn_real);
    TRY(d->dev->ops->alloc(d->dev, bytes, &p));
    d->scale = p;
    TRY(d->dev->ops->alloc(d->dev, bytes, &p));
    d->shift = p;
    TRY(upload(d, d->scale, values[0], bytes));
    return upload(d, d->shift, values[1], bytes);
}

int data_load(const struct experiment *e, struct data *d, struct rn_device *dev)
{
    struct rn_device_info info = {.size = sizeof info};

    d->dev = dev;
    TRY(dev->ops->info(dev, &info));
    d->host_visible = info.host_visible && sizeof(rn_real) == sizeof(float);
    bool done;
    TRY(load_shared(e, d, &done));
    for (int s = 0; s < RN_SPLITS && !done; s++)
        TRY(load_split(e, d, s));
    return load_normalization(e, d);
}

int data_test_bytes(const struct data *d, int64_t n, uint8_t **out)
{
    size_t bytes = (size_t)n * input_bytes(d);

    *out = NULL;
    if (d->info.dtype != RN_U8 || !n)
        return RN_OK;
    if (!(*out = mem_alloc(bytes)))
        return RN_ENOMEM;
    if (!d->split[RN_TEST].host_input)
        return d->dev->ops->download(d->dev, *out, d->split[RN_TEST].input, bytes);
    memcpy(*out, d->split[RN_TEST].host_input, bytes);
    return RN_OK;
}
