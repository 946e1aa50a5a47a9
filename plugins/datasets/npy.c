/* npy.c - arrays that NumPy saved: one file of inputs and one of targets for each split. open()
 * reads the header strictly and checks it against the size of the file; load() converts.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#define _XOPEN_SOURCE 700 /* PATH_MAX */
#include <runner/dataset.h>

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES   ((uint64_t)1 << 35) /* of a file: it is held in memory whole */
#define MAX_HEADER  10000               /* as numpy.load's max_header_size */
#define MAX_DIMS    4
#define MAX_CLASSES (1 << 20)

enum layout { NHWC, NCHW };
enum type { F4, F8, U1, I4, I8, B1, TYPES };

static const struct {
    const char *descr;
    unsigned bytes;
} types[TYPES] = {{"<f4", 4}, {"<f8", 8}, {"|u1", 1}, {"<i4", 4}, {"<i8", 8}, {"|b1", 1}};

struct npy_opts {
    const char *x, *y, *x_test, *y_test;
    int64_t layout;
};

struct array {
    const char *path; /* NULL: there is none */
    uint8_t *bytes;   /* NULL once loaded */
    uint64_t n_bytes, at;
    enum type type;
    int rank;
    int64_t dim[MAX_DIMS];
    uint64_t count; /* product of dim */
    char sha256[72];
};

struct npy {
    struct array x[RN_SPLITS], y[RN_SPLITS];
    int64_t layout;
    char alone[PATH_MAX]; /* of open_file() */
};

RN_PRINTF(2, 3) static int wrong(const struct array *a, const char *fmt, ...)
{
    char why[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return RN_FAIL(RN_EDATA, "%s: %s", a->path, why);
}

static const char *dims_text(const struct array *a, char out[128])
{
    int n = 0;

    out[0] = '\0';
    for (int i = 0; i < a->rank && n < 128; i++)
        n += snprintf(out + n, 128 - (size_t)n, "%s%lld", i ? " x " : "", (long long)a->dim[i]);
    return out;
}

/* ---- the header: a Python dictionary --------------------------------------- */

struct header {
    const struct array *a;
    uint64_t offset; /* of text in the file */
    const char *s;   /* where the reader is */
    char text[MAX_HEADER + 1];
};

static int expected(const struct header *h, const char *what)
{
    uint64_t at = h->offset + (uint64_t)(h->s - h->text);

    return wrong(h->a, "byte %llu, in the header: %s expected: save it again with numpy.save",
                 (unsigned long long)at, what);
}

/* Whether the text goes on with this word, which is then read; blanks before it don't count. */
static bool next(struct header *h, const char *word)
{
    size_t n = strlen(word);

    h->s += strspn(h->s, " ");
    if (strncmp(h->s, word, n))
        return false;
    h->s += n;
    return true;
}

static int read_string(struct header *h, char *out, size_t size)
{
    h->s += strspn(h->s, " ");
    const char *end = *h->s == '\'' || *h->s == '"' ? strchr(h->s + 1, *h->s) : NULL;

    if (!end || (size_t)(end - h->s) > size)
        return expected(h, "a short text in quotes");
    for (const char *c = h->s; c < end; c++)
        if (*c < ' ' || *c > '~')
            return expected(h, "a text of ASCII letters");
    memcpy(out, h->s + 1, (size_t)(end - h->s - 1));
    out[end - h->s - 1] = '\0';
    h->s = end + 1;
    return RN_OK;
}

static int read_dim(struct header *h, int64_t *out)
{
    h->s += strspn(h->s, " ");
    size_t digits = strspn(h->s, "0123456789");

    if (!digits || (digits > 1 && *h->s == '0'))
        return expected(h, "a whole number");
    *out = 0;
    for (; digits; digits--, h->s++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *h->s - '0', out))
            return expected(h, "a size of at most 2^63 - 1");
    return RN_OK;
}

/* (), (3,), (3, 4) or (3, 4,); a number in brackets is no tuple */
static int read_shape(struct header *h, struct array *a)
{
    bool comma = true;

    if (!next(h, "("))
        return expected(h, "a shape in brackets");
    for (a->rank = 0; !next(h, ")"); a->rank++) {
        if (!comma)
            return expected(h, "a comma or a closing bracket");
        if (a->rank == MAX_DIMS)
            return wrong(a, "has more than %d dimensions", MAX_DIMS);
        RN_TRY(read_dim(h, &a->dim[a->rank]));
        comma = next(h, ",");
    }
    return a->rank == 1 && !comma ? expected(h, "a comma behind a single size") : RN_OK;
}

static int read_type(struct header *h, struct array *a)
{
    char descr[32];

    if (next(h, "["))
        return wrong(a, "holds records with fields: save an array of numbers");
    RN_TRY(read_string(h, descr, sizeof descr));
    for (int t = 0; t < TYPES; t++)
        if (!strcmp(descr, types[t].descr)) {
            a->type = (enum type)t;
            return RN_OK;
        }
    if (descr[0] == '>')
        return wrong(a,
                     "holds big-endian values (%s), little-endian ones expected: convert them "
                     "with a.astype(a.dtype.newbyteorder('<'))",
                     descr);
    if (!strcmp(descr, "|O"))
        return wrong(a, "holds Python objects (|O): convert them with a.astype('float32')");
    return wrong(a,
                 "holds values of type %s; <f4, <f8, |u1, <i4, <i8 or |b1 expected: convert them, "
                 "for example with a.astype('float32')",
                 descr);
}

static int read_order(struct header *h, const struct array *a)
{
    if (next(h, "True"))
        return wrong(a, "is stored column by column: save numpy.ascontiguousarray(a)");
    return next(h, "False") ? RN_OK : expected(h, "True or False");
}

static int read_dictionary(struct header *h, struct array *a)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    unsigned seen = 0;
    char key[32];

    if (!next(h, "{"))
        return expected(h, "{");
    for (bool comma = true; !next(h, "}"); comma = next(h, ",")) {
        unsigned k = 0;
        if (!comma)
            return expected(h, "a comma or }");
        RN_TRY(read_string(h, key, sizeof key));
        while (k < 3 && strcmp(key, keys[k]))
            k++;
        if (k == 3 || seen & 1u << k)
            return expected(h, "each of descr, fortran_order and shape once and nothing else");
        seen |= 1u << k;
        if (!next(h, ":"))
            return expected(h, "a colon");
        RN_TRY(k == 0 ? read_type(h, a) : k == 1 ? read_order(h, a) : read_shape(h, a));
    }
    h->s += strspn(h->s, " ");
    if (seen != 7)
        return expected(h, "descr, fortran_order and shape");
    return strcmp(h->s, "\n") ? expected(h, "the end of the line") : RN_OK;
}

/* ---- one file -------------------------------------------------------------- */

static bool is_numpy(const struct array *a)
{
    return a->n_bytes >= 6 && !memcmp(a->bytes, "\x93NUMPY", 6);
}

static int read_header(struct array *a, struct header *h)
{
    const uint8_t *b = a->bytes;
    uint64_t length;

    if (a->n_bytes < 12)
        return wrong(a, "is no NumPy file: only %llu bytes", (unsigned long long)a->n_bytes);
    if (!is_numpy(a))
        return wrong(a, "is no NumPy file: it does not begin with \\x93NUMPY%s",
                     b[0] == 'P' && b[1] == 'K' ? "; save .npy files, not an archive (.npz)" : "");
    if (b[6] < 1 || b[6] > 3 || b[7])
        return wrong(a, "has version %d.%d of the format; 1.0, 2.0 or 3.0 expected", b[6], b[7]);
    a->at = b[6] == 1 ? 10 : 12;
    length = b[8] | (uint64_t)b[9] << 8;
    if (b[6] > 1)
        length |= (uint64_t)b[10] << 16 | (uint64_t)b[11] << 24;
    if (length > MAX_HEADER || length > a->n_bytes - a->at)
        return wrong(a, "claims a header of %llu bytes; at most %llu are possible",
                     (unsigned long long)length,
                     (unsigned long long)(a->n_bytes - a->at < MAX_HEADER ? a->n_bytes - a->at
                                                                          : MAX_HEADER));
    *h = (struct header){.a = a, .offset = a->at, .s = h->text};
    memcpy(h->text, b + a->at, length);
    h->text[length] = '\0';
    if (strlen(h->text) != length)
        return wrong(a, "has a 0 byte in its header");
    a->at += length;
    return read_dictionary(h, a);
}

static int check_size(struct array *a)
{
    const uint64_t have = a->n_bytes - a->at;
    char dims[128];
    uint64_t want;

    a->count = 1;
    dims_text(a, dims);
    if (!a->rank)
        return wrong(a, "holds a single number, not an array");
    for (int i = 0; i < a->rank; i++) {
        if (!a->dim[i])
            return wrong(a, "is empty: its shape is %s", dims);
        if (__builtin_mul_overflow(a->count, (uint64_t)a->dim[i], &a->count))
            return wrong(a, "says %s values, more than any file can hold", dims);
    }
    if (__builtin_mul_overflow(a->count, (uint64_t)types[a->type].bytes, &want))
        return wrong(a, "says %s values, more than any file can hold", dims);
    if (want != have)
        return wrong(a, "says %s values of %u bytes, but the file holds %llu bytes %s", dims,
                     types[a->type].bytes,
                     (unsigned long long)(want > have ? want - have : have - want),
                     want > have ? "fewer: it is cut off, get it again" : "more");
    return RN_OK;
}

static int array_open(struct array *a, const char *path)
{
    void *bytes;

    a->path = path;
    RN_TRY(rn_host->read_file(path, MAX_BYTES, &bytes, &a->n_bytes));
    a->bytes = bytes;
    struct header *h = rn_host->alloc(sizeof *h);
    int status = h ? read_header(a, h) : RN_FAIL(RN_ENOMEM, "%s: out of memory", path);
    rn_host->free(h);
    return status ? status : check_size(a);
}

static void array_close(struct array *a)
{
    rn_host->free(a->bytes);
    a->bytes = NULL;
}

static bool is_whole(const struct array *a) { return a->type != F4 && a->type != F8; }

static int64_t whole_at(const struct array *a, uint64_t i)
{
    const uint8_t *p = a->bytes + a->at + i * types[a->type].bytes;
    int32_t four;
    int64_t eight;

    switch (a->type) {
    case I4: memcpy(&four, p, sizeof four); return four;
    case I8: memcpy(&eight, p, sizeof eight); return eight;
    default: return *p;
    }
}

static int float_at(const struct array *a, uint64_t i, float *out)
{
    const uint8_t *p = a->bytes + a->at + i * types[a->type].bytes;
    double v;

    if (a->type == F4) {
        memcpy(out, p, sizeof *out);
        return RN_OK;
    }
    if (a->type == F8)
        memcpy(&v, p, sizeof v);
    else
        v = (double)whole_at(a, i);
    if (isfinite(v) && fabs(v) > (double)FLT_MAX)
        return wrong(a, "value %llu is %g, too large for 32 bits", (unsigned long long)i, v);
    if (a->type == B1 && v > 1)
        return wrong(a, "value %llu is %g, which is neither True nor False", (unsigned long long)i,
                     v);
    *out = (float)v;
    return RN_OK;
}

/* ---- the data set ---------------------------------------------------------- */

static int check_labels(const struct array *y, int64_t *classes)
{
    for (uint64_t i = 0; i < y->count; i++) {
        int64_t v = whole_at(y, i);
        if (v < 0 || v >= MAX_CLASSES || (y->type == B1 && v > 1))
            return wrong(y,
                         "label %llu is %lld; whole numbers are class numbers, 0 to %d: save "
                         "values as a.astype('float32')",
                         (unsigned long long)i, (long long)v, y->type == B1 ? 1 : MAX_CLASSES - 1);
        if (v >= *classes)
            *classes = v + 1;
    }
    return RN_OK;
}

static int targets_open(struct array *y, const char *path, const struct array *x,
                        struct rn_dataset_info *info)
{
    RN_TRY(array_open(y, path));
    if (y->dim[0] != x->dim[0])
        return wrong(y, "has %lld targets for the %lld samples of %s", (long long)y->dim[0],
                     (long long)x->dim[0], x->path);
    if (y->rank > 2)
        return wrong(y, "has %d dimensions; one target a sample or a row of them expected",
                     y->rank);
    int64_t width = y->rank == 2 ? y->dim[1] : 1;
    if (is_whole(y) && width != 1)
        return wrong(y,
                     "has %lld whole numbers a sample; one class number expected, or values as "
                     "a.astype('float32')",
                     (long long)width);
    if (info->target_width && width != info->target_width)
        return wrong(y, "has %lld values a sample, but the training targets have %lld",
                     (long long)width, (long long)info->target_width);
    info->target_width = width;
    return is_whole(y) ? check_labels(y, &info->classes) : RN_OK;
}

static int split_open(struct npy *d, uint32_t split, const char *x, const char *y,
                      struct rn_dataset_info *info)
{
    struct array *in = &d->x[split];

    RN_TRY(array_open(in, x));
    if (in->rank < 2)
        return wrong(in, "has one dimension; samples x values expected: a.reshape(-1, 1)");
    info->count[split] = in->dim[0];
    return targets_open(&d->y[split], y, in, info);
}

static int check_test(const struct npy *d)
{
    const struct array *x = &d->x[RN_TRAIN], *t = &d->x[RN_TEST];
    char a[128], b[128];

    if (x->rank != t->rank || memcmp(x->dim + 1, t->dim + 1, sizeof x->dim - sizeof *x->dim))
        return wrong(t, "holds %s values, which does not go with the %s of %s", dims_text(t, a),
                     dims_text(x, b), x->path);
    if ((x->type == U1) != (t->type == U1))
        return wrong(t, "holds %s, but %s holds %s: bytes count as 1/255 each",
                     types[t->type].descr, x->path, types[x->type].descr);
    if (is_whole(&d->y[RN_TRAIN]) != is_whole(&d->y[RN_TEST]))
        return wrong(&d->y[RN_TEST], "holds %s, but %s holds %s: whole numbers are classes",
                     types[d->y[RN_TEST].type].descr, d->y[RN_TRAIN].path,
                     types[d->y[RN_TRAIN].type].descr);
    return RN_OK;
}

static int set_shape(struct rn_shape *s, const struct array *x, int64_t layout)
{
    const int64_t *d = x->dim + 1;

    switch (x->rank) {
    case 2: *s = rn_vec(d[0]); return RN_OK;
    case 3: *s = (struct rn_shape){.rank = 3, .dim = {d[0], d[1], 1}}; break;
    default:
        *s = (struct rn_shape){.rank = 3, .dim = {d[0], d[1], d[2]}};
        if (layout == NCHW)
            *s = (struct rn_shape){.rank = 3, .dim = {d[1], d[2], d[0]}};
    }
    if (s->dim[2] > INT32_MAX)
        return wrong(x, "has %lld channels", (long long)s->dim[2]);
    s->channels = (int32_t)s->dim[2];
    return RN_OK;
}

static int all_open(struct npy *d, const struct npy_opts *o, struct rn_dataset_info *info)
{
    if (!o->x_test != !o->y_test)
        return RN_FAIL(RN_EINVAL, "%s is given without %s: the test set needs both",
                       o->x_test ? "x_test" : "y_test", o->x_test ? "y_test" : "x_test");
    d->layout = o->layout;
    RN_TRY(split_open(d, RN_TRAIN, o->x, o->y, info));
    if (o->x_test) {
        RN_TRY(split_open(d, RN_TEST, o->x_test, o->y_test, info));
        RN_TRY(check_test(d));
    }
    info->dtype = d->x[RN_TRAIN].type == U1 ? RN_U8 : RN_F32;
    RN_TRY(set_shape(&info->input, &d->x[RN_TRAIN], o->layout));
    snprintf(info->source, sizeof info->source, "NumPy file %s", o->x);
    return RN_OK;
}

static void npy_close(void *ds)
{
    struct npy *d = ds;

    for (int split = 0; split < RN_SPLITS; split++) {
        array_close(&d->x[split]);
        array_close(&d->y[split]);
    }
    rn_host->free(d);
}

static int alone_open(struct npy *d, const struct npy_opts *o, const char *path,
                      struct rn_dataset_info *info)
{
    struct array *x = &d->x[RN_TEST];

    d->layout = o ? o->layout : NHWC;
    if (snprintf(d->alone, sizeof d->alone, "%s", path) >= (int)sizeof d->alone)
        return RN_FAIL(RN_EDATA, "%s: the path is too long", path);
    int status = array_open(x, d->alone);
    if (status == RN_EDATA && !is_numpy(x))
        return RN_EUNSUPPORTED;
    RN_TRY(status);
    if (x->rank < 2)
        return wrong(x, "has one dimension; samples x values expected: a.reshape(1, -1)");
    info->count[RN_TEST] = x->dim[0];
    info->dtype = x->type == U1 ? RN_U8 : RN_F32;
    return set_shape(&info->input, x, d->layout);
}

/* path NULL: the data set of the options. */
static int npy_open_file(const void *opts, const char *path, void **out,
                         struct rn_dataset_info *info)
{
    struct npy *d = rn_host->alloc(sizeof *d);

    *out = NULL;
    if (!d)
        return RN_FAIL(RN_ENOMEM, "npy: out of memory");
    int status = path ? alone_open(d, opts, path, info) : all_open(d, opts, info);
    if (status)
        npy_close(d);
    else
        *out = d;
    return status;
}

static int npy_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    return npy_open_file(opts, NULL, out, info);
}

/* Planes of channels become channels of points; without planes the order stays. */
static int load_inputs(const struct array *x, int64_t layout, void *out)
{
    const bool planes = x->rank == 4 && layout == NCHW;
    const uint64_t n = (uint64_t)x->dim[0], channels = planes ? (uint64_t)x->dim[1] : 1;
    const uint64_t points = x->count / n / channels;
    uint64_t from = 0;

    for (uint64_t i = 0; i < n; i++)
        for (uint64_t c = 0; c < channels; c++)
            for (uint64_t p = 0; p < points; p++, from++) {
                uint64_t to = (i * points + p) * channels + c;
                if (x->type == U1)
                    ((uint8_t *)out)[to] = x->bytes[x->at + from];
                else
                    RN_TRY(float_at(x, from, (float *)out + to));
            }
    return RN_OK;
}

static int npy_load(void *ds, uint32_t split, void *input, float *target)
{
    struct npy *d = ds;
    struct array *x = &d->x[split], *y = &d->y[split];

    if (!x->bytes)
        return RN_FAIL(RN_EBUG, "%s: loaded twice", x->path);
    RN_TRY(load_inputs(x, d->layout, input));
    for (uint64_t i = 0; i < y->count; i++)
        RN_TRY(float_at(y, i, target + i));
    rn_host->sha256(x->bytes, x->n_bytes, x->sha256);
    if (y->bytes)
        rn_host->sha256(y->bytes, y->n_bytes, y->sha256);
    array_close(x);
    array_close(y);
    return RN_OK;
}

/* Over the digests of the two files, in words: so that sha256sum can repeat it. */
static int npy_fingerprint(void *ds, uint32_t split, char out[72])
{
    const struct npy *d = ds;
    char both[2 * 72 + 2];
    int n = snprintf(both, sizeof both, "%s\n%s\n", d->x[split].sha256, d->y[split].sha256);

    rn_host->sha256(both, (uint64_t)n, out);
    return RN_OK;
}

static const struct rn_choice layouts[] = {
    {"nhwc", NHWC, "samples, height, width, channels"},
    {"nchw", NCHW, "samples, channels, height, width, as PyTorch has them"},
    {.name = NULL},
};

static const struct rn_option options[] = {
    RN_PATH(struct npy_opts, x, NULL, RN_OPT_REQUIRED, "training inputs, a .npy file"),
    RN_PATH(struct npy_opts, y, NULL, RN_OPT_REQUIRED, "training targets"),
    RN_PATH(struct npy_opts, x_test, NULL, 0, "test inputs"),
    RN_PATH(struct npy_opts, y_test, NULL, 0, "test targets"),
    RN_CHOICE(struct npy_opts, layout, "nhwc", layouts, "order of four dimensions in the files"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = npy_open,
                                          .load = npy_load,
                                          .fingerprint = npy_fingerprint,
                                          .close = npy_close,
                                          .open_file = npy_open_file};

static const struct rn_plugin npy = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct npy_opts),
    .name = "npy",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "arrays in NumPy files (.npy)",
    .doc =
        "Inputs [n, features], [n, h, w] (images of one channel) or [n, h, w, c]; types <f4, <f8,\n"
        "|u1, <i4, <i8, |b1. Bytes (|u1) stay bytes and count as 1/255 each, all else becomes\n"
        "32-bit floats as it is. Targets [n] or [n, 1] of whole numbers are classes, as many as\n"
        "the largest + 1; [n] or [n, k] of floats are k values. Little-endian, row by row, as\n"
        "numpy.save writes arrays. Format:\n"
        "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&npy);
