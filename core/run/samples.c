/* samples.c - files are read by the data set plugins; images get the channels and the size that a
 * model takes. */
#define _GNU_SOURCE /* memfd_create */
#include "samples.h"

#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VALUES_MAX (INT64_C(1) << 34)

struct incoming { /* a file while it is read */
    const char *name;
    struct rn_dataset_info info;
    const struct plugin *plugin;
    void *handle;
    int64_t n;
    float *values; /* what bytes hold: 0 to 255 */
};

/* ---- who reads it -------------------------------------------------------------------------------
 */

static int try_plugin(const struct trained *t, const struct plugin *p, const char *path,
                      struct incoming *f)
{
    const struct part *own = &t->session.experiment->data;

    f->info = (struct rn_dataset_info){.size = sizeof f->info};
    f->plugin = p;
    return p->ops.dataset.open_file(p == own->plugin ? own->opts : NULL, path, &f->handle,
                                    &f->info);
}

static int nobody_reads(const struct plugin *const *list, int n, const struct incoming *f)
{
    struct text t = {0};

    for (int i = 0; i < n; i++)
        if (list[i]->ops.dataset.open_file)
            text_add(&t, "\n  %s: %s", list[i]->name, list[i]->summary);
    int status = FAIL(RN_EDATA, "%s: none of the data sets that read files reads this one:%s",
                      f->name, text_str(&t));
    text_free(&t);
    return status;
}

/* The run's own kind of data first: its options say how to read such a file. */
static int open_file(const struct trained *t, const char *path, struct incoming *f)
{
    const struct plugin *own = t->session.experiment->data.plugin, *const * list;
    struct text bad = {0};
    int n, status = RN_EUNSUPPORTED;

    TRY(registry_all(t->session.registry, RN_KIND_DATASET, &list, &n, &bad));
    text_free(&bad);
    if (own->ops.dataset.open_file)
        status = try_plugin(t, own, path, f);
    for (int i = 0; i < n && status == RN_EUNSUPPORTED; i++)
        if (list[i] != own && list[i]->ops.dataset.open_file)
            status = try_plugin(t, list[i], path, f);
    return status != RN_EUNSUPPORTED ? status : nobody_reads(list, n, f);
}

static int check_info(const struct incoming *f)
{
    const struct rn_dataset_info *i = &f->info;
    int64_t n = i->count[RN_TEST];

    if (model_check_shape(&i->input) < 0 || (i->dtype != RN_U8 && i->dtype != RN_F32))
        return FAIL(RN_EPLUGIN, "%s: the plugin %s gives it a shape or a type that can't be",
                    f->name, f->plugin->name);
    if (n < 1 || n > VALUES_MAX / rn_count(&i->input))
        return FAIL(RN_EDATA, "%s: %lld samples, more than can be read at once", f->name,
                    (long long)n);
    return RN_OK;
}

static int load_values(struct incoming *f)
{
    int64_t count = f->n * rn_count(&f->info.input);
    bool bytes = f->info.dtype == RN_U8;
    uint8_t *raw = bytes ? mem_alloc((size_t)count) : NULL;

    f->values = mem_array((size_t)count, sizeof *f->values);
    int status = f->values && (raw || !bytes) ? RN_OK : RN_ENOMEM;
    if (status >= 0)
        status = f->plugin->ops.dataset.load(f->handle, RN_TEST,
                                             bytes ? (void *)raw : (void *)f->values, NULL);
    for (int64_t i = 0; status >= 0 && i < count; i++) {
        if (bytes)
            f->values[i] = raw[i];
        else if (!isfinite(f->values[i]))
            status = FAIL(RN_EDATA, "%s: sample %lld holds a value that is not finite", f->name,
                          (long long)(i / rn_count(&f->info.input)));
    }
    mem_free(raw);
    return status;
}

static int read_file(const struct trained *t, const char *path, struct incoming *f)
{
    TRY(open_file(t, path, f));
    TRY(check_info(f));
    f->n = f->info.count[RN_TEST];
    return load_values(f);
}

/* ---- standard input: plugins read files, so it becomes one
 * ---------------------------------------- */

static int spool(int *fd)
{
    char buffer[1 << 16];
    ssize_t n;

    *fd = memfd_create("standard input", MFD_CLOEXEC);
    if (*fd < 0)
        return FAIL(RN_EIO, "standard input: %s", strerror(errno));
    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || write(*fd, buffer, (size_t)n) != n)
            return FAIL(RN_EIO, "standard input can't be read: %s", strerror(errno));
    }
    return RN_OK;
}

static int read_standard_input(const struct trained *t, struct incoming *f)
{
    char path[64];
    int fd, status = spool(&fd);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    status = status < 0 ? status : read_file(t, path, f);
    if (fd >= 0)
        close(fd);
    return status < 0 ? error_prefix(status, "standard input") : status;
}

/* ---- what the model takes
 * -------------------------------------------------------------------------- */

static bool is_image(const struct rn_shape *s) { return s->rank == 3 && s->channels; }

static bool fits(const struct rn_shape *have, const struct rn_shape *want)
{
    bool both = is_image(have) && is_image(want);

    return rn_count(have) == rn_count(want) &&
           (!both || !memcmp(have->dim, want->dim, 3 * sizeof *have->dim));
}

/* Gray to colours and back: ITU-R BT.601. */
static void recolour(const float *from, int64_t points, int64_t channels, float *to, int64_t want)
{
    for (int64_t i = 0; i < points; i++, from += channels)
        for (int64_t c = 0; c < want; c++)
            *to++ = channels == 1 ? from[0]
                    : want == 1   ? 0.299f * from[0] + 0.587f * from[1] + 0.114f * from[2]
                                  : from[c];
}

static int reshape(struct incoming *f, const struct rn_shape *want)
{
    struct rn_shape *have = &f->info.input;
    int64_t h = have->dim[0], w = have->dim[1], channels = want->dim[2];
    int64_t all = rn_count(have), points = h * w;
    float *out = mem_array((size_t)(f->n * rn_count(want)), sizeof *out);
    float *one = mem_array((size_t)(points * channels), sizeof *one);
    int status = out && one ? RN_OK : RN_ENOMEM;

    for (int64_t i = 0; status >= 0 && i < f->n; i++) {
        recolour(f->values + i * all, points, have->dim[2], one, channels);
        status =
            scale_image(one, h, w, channels, out + i * rn_count(want), want->dim[0], want->dim[1]);
    }
    mem_free(one);
    mem_free(f->values);
    f->values = out;
    *have = *want;
    return status;
}

static int take_shape(struct incoming *f, const struct rn_shape *want, bool resize)
{
    const struct rn_shape *have = &f->info.input;
    char is[SHAPE_TEXT], takes[SHAPE_TEXT];

    if (fits(have, want))
        return RN_OK;
    shape_text(have, is);
    shape_text(want, takes);
    if (!is_image(have) || !is_image(want))
        return FAIL(RN_EDATA, "%s: samples of %s values, the model takes %s", f->name, is, takes);
    if (have->dim[2] != want->dim[2] && have->dim[2] != 1 &&
        !(have->dim[2] == 3 && want->dim[2] == 1))
        return FAIL(RN_EDATA, "%s: %lld channels, the model takes %lld", f->name,
                    (long long)have->dim[2], (long long)want->dim[2]);
    if (!resize && (have->dim[0] != want->dim[0] || have->dim[1] != want->dim[1]))
        return FAIL(RN_EDATA,
                    "%s: %lld x %lld pixels, the model takes %lld x %lld: --resize scales them",
                    f->name, (long long)have->dim[0], (long long)have->dim[1],
                    (long long)want->dim[0], (long long)want->dim[1]);
    return reshape(f, want);
}

/* ---- values
 * -------------------------------------------------------------------------------------- */

static int take_range(const struct incoming *f, const struct trained *t, double divide)
{
    int64_t count = f->n * rn_count(&f->info.input);
    float most = 0;

    for (int64_t i = 0; i < count; i++) {
        if (divide > 0)
            f->values[i] = (float)((double)f->values[i] / divide);
        most = fmaxf(most, fabsf(f->values[i]));
    }
    if (t->info.dtype == RN_U8 && f->info.dtype == RN_F32 && most > 2)
        return FAIL(RN_EDATA,
                    "%s: values up to %g, the model was trained on 0 to 1: --divide 255 makes "
                    "bytes that were saved as floats such values",
                    f->name, (double)most);
    return RN_OK;
}

/* Of all values, as a share of white. */
static double brightness(const struct incoming *f)
{
    int64_t count = f->n * rn_count(&f->info.input);
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += (double)f->values[i];
    return sum / (double)count / (f->info.dtype == RN_U8 ? 255 : 1);
}

/* Dark on light where the model was trained on light on dark: its mean is nearer when it is turned.
 */
static int take_polarity(const struct incoming *f, const struct trained *t,
                         const struct samples_args *args)
{
    const double is = brightness(f), was = t->brightness;
    const float white = f->info.dtype == RN_U8 ? 255 : 1;
    bool turned = fabs(1 - is - was) < 0.5 * fabs(is - was) && fabs(is - was) > 0.25;
    int64_t count = f->n * rn_count(&f->info.input);

    for (int64_t i = 0; args->polarity == POLARITY_TURN && i < count; i++)
        f->values[i] = white - f->values[i];
    if (args->polarity != POLARITY_LOOK || !turned || t->info.dtype != RN_U8)
        return RN_OK;
    return FAIL(RN_EDATA,
                "%s: its mean is %.2f, that of what the model was trained on %.2f: light and dark "
                "seem to be the other way round; --invert turns them, --as-is leaves them",
                f->name, is, was);
}

/* ---- together
 * -------------------------------------------------------------------------------------- */

static int64_t value_bytes(uint32_t dtype) { return dtype == RN_U8 ? 1 : (int64_t)sizeof(float); }

/* Bytes become floats as soon as a file has any; room for n more. */
static int make_room(struct samples *s, uint32_t dtype, int64_t n, int64_t values)
{
    int64_t room = s->n + n > s->room ? 2 * (s->n + n) : s->room;
    bool widen = s->n && s->dtype == RN_U8 && dtype == RN_F32;

    if (!s->n)
        s->dtype = dtype;
    if (room == s->room && !widen)
        return RN_OK;
    uint32_t now = widen ? RN_F32 : s->dtype;
    void *more = mem_array((size_t)(room * values), (size_t)value_bytes(now));
    if (!more)
        return RN_ENOMEM;
    for (int64_t i = 0; widen && i < s->n * values; i++)
        ((float *)more)[i] = (float)((uint8_t *)s->values)[i] / 255;
    if (!widen && s->n)
        memcpy(more, s->values, (size_t)(s->n * values * value_bytes(now)));
    mem_free(s->values);
    s->values = more;
    s->room = room;
    s->dtype = now;
    return RN_OK;
}

static int name_file(struct samples *s, const struct incoming *f)
{
    if (s->n_files == s->files_room) {
        int room = s->files_room ? 2 * s->files_room : 16;
        struct sample_file *more = pool_alloc(s->pool, (size_t)room * sizeof *more);
        if (!more)
            return RN_ENOMEM;
        if (s->n_files)
            memcpy(more, s->files, (size_t)s->n_files * sizeof *more);
        s->files = more;
        s->files_room = room;
    }
    s->files[s->n_files++] = (struct sample_file){pool_strdup(s->pool, f->name), s->n, f->n};
    return s->files[s->n_files - 1].name ? RN_OK : RN_ENOMEM;
}

static int append(struct samples *s, const struct incoming *f)
{
    int64_t values = rn_count(&f->info.input), from = s->n * values, count = f->n * values;
    float scale = f->info.dtype == RN_U8 ? 255 : 1; /* floats are shares of white */

    TRY(make_room(s, f->info.dtype, f->n, values));
    TRY(name_file(s, f));
    for (int64_t i = 0; i < count; i++)
        if (s->dtype == RN_U8)
            ((uint8_t *)s->values)[from + i] = (uint8_t)lrintf(f->values[i]);
        else
            ((float *)s->values)[from + i] = f->values[i] / scale;
    s->n += f->n;
    return RN_OK;
}

static int add(struct samples *s, const struct trained *t, const struct samples_args *args,
               struct incoming *f, const char *path)
{
    TRY(strcmp(path, "-") != 0 ? read_file(t, path, f) : read_standard_input(t, f));
    bool image = is_image(&f->info.input);

    TRY(take_shape(f, &t->info.input, args->resize));
    TRY(take_range(f, t, args->divide));
    TRY(image ? take_polarity(f, t, args) : RN_OK);
    return append(s, f);
}

int samples_add(struct samples *s, const struct trained *t, const struct samples_args *args,
                const char *path)
{
    struct incoming f = {.name = strcmp(path, "-") != 0 ? path : "standard input"};

    if (!s->pool)
        s->pool = pool_new();
    int status = s->pool ? add(s, t, args, &f, path) : RN_ENOMEM;
    if (f.handle)
        f.plugin->ops.dataset.close(f.handle);
    mem_free(f.values);
    return status;
}

void samples_free(struct samples *s)
{
    mem_free(s->values);
    pool_free(s->pool);
    *s = (struct samples){0};
}
