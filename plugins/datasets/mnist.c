/* mnist.c - MNIST and whatever else lies in IDX files: a pair of images and labels for training
 * and one for testing, gzipped or plain, any image size and number of classes. open() checks the
 * headers against the sizes of the files; load() inflates straight into the memory it is given.
 * Format: https://yann.lecun.com/exdb/mnist (big-endian sizes); gzip: RFC 1952. */
#define _GNU_SOURCE /* memmem */
#include <runner/dataset.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_BYTES   UINT32_MAX /* of a file, and of what it unpacks to: what zlib's counters hold */
#define MAX_DIMS    4
#define MAX_CLASSES 256 /* labels are bytes */
#define TYPE_U8     0x08
#define GZIP_MIN    18   /* header and trailer */
#define MAX_DEFLATE 1032 /* bytes that one compressed byte can become: 258 from 2 bits */

struct mnist_opts {
    const char *path, *train_images, *train_labels, *test_images, *test_labels, *class_names;
};

struct idx_file {
    char path[PATH_MAX];
    uint8_t *bytes; /* as read, until all was taken out; NULL after that */
    uint64_t n_bytes;
    z_stream z; /* next_in and avail_in are the place in a plain file too */
    bool gzip, inflating, between;
    int rank;
    int64_t dim[MAX_DIMS];
    uint64_t total; /* product of dim: bytes behind the header */
    char sha256[72];
};

struct mnist {
    struct idx_file images[RN_SPLITS], labels[RN_SPLITS];
    uint8_t *label[RN_SPLITS];
    char *names; /* the option, cut at its commas */
    const char *name[MAX_CLASSES];
};

/* ---- one file ------------------------------------------------------------- */

RN_PRINTF(2, 3) static int wrong(const struct idx_file *f, const char *fmt, ...)
{
    char why[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return RN_FAIL(RN_EDATA, "%s: %s", f->path, why);
}

static const char *dims_text(const struct idx_file *f, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; i < f->rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? " x " : "", (long long)f->dim[i]);
    return out;
}

static void *z_alloc(void *unused, unsigned items, unsigned size)
{
    (void)unused;
    return rn_host->alloc((size_t)items * size);
}

static void z_free(void *unused, void *p)
{
    (void)unused;
    rn_host->free(p);
}

static void file_close(struct idx_file *f)
{
    if (f->inflating)
        inflateEnd(&f->z);
    f->inflating = false;
    rn_host->free(f->bytes);
    f->bytes = NULL;
}

/* One step of inflate towards f->z.next_out; *end when the file is used up, between members. */
static int inflate_step(struct idx_file *f, bool *end)
{
    if (f->between) {
        *end = f->z.avail_in == 0;
        if (*end)
            return RN_OK;
        f->between = false;
        inflateReset(&f->z);
    }
    switch (inflate(&f->z, Z_NO_FLUSH)) {
    case Z_OK: return RN_OK;
    case Z_STREAM_END: f->between = true; return RN_OK;
    case Z_MEM_ERROR: return RN_FAIL(RN_ENOMEM, "%s: out of memory", f->path);
    case Z_BUF_ERROR:
        return wrong(f, "the gzip data is cut off: the file is incomplete, get it again");
    default:
        return wrong(f, "the gzip data is damaged (%s): get the file again",
                     f->z.msg ? f->z.msg : "no zlib stream");
    }
}

/* Up to n bytes of the unpacked content; *got is smaller at its end. */
static int file_take(struct idx_file *f, void *out, uint64_t n, uint64_t *got)
{
    bool end = false;

    if (!f->gzip) {
        *got = n < f->z.avail_in ? n : f->z.avail_in;
        memcpy(out, f->z.next_in, *got);
        f->z.next_in += *got;
        f->z.avail_in -= (uInt)*got;
        return RN_OK;
    }
    f->z.next_out = out;
    f->z.avail_out = (uInt)n;
    while (f->z.avail_out && !end)
        RN_TRY(inflate_step(f, &end));
    *got = n - f->z.avail_out;
    return RN_OK;
}

/* The content behind the header into out (total bytes), to the last byte of the file. */
static int file_unpack(struct idx_file *f, uint8_t *out)
{
    char dims[128];
    uint8_t more;
    uint64_t got, extra;

    if (!f->bytes)
        return RN_FAIL(RN_EBUG, "%s: loaded twice", f->path);
    RN_TRY(file_take(f, out, f->total, &got));
    dims_text(f, dims, sizeof dims);
    if (got < f->total)
        return wrong(f, "says %s bytes, but the file holds %llu fewer", dims,
                     (unsigned long long)(f->total - got));
    RN_TRY(file_take(f, &more, 1, &extra));
    if (extra)
        return wrong(f, "says %s bytes, but the file holds more", dims);
    rn_host->sha256(f->bytes, f->n_bytes, f->sha256);
    file_close(f);
    return RN_OK;
}

static int header_read(struct idx_file *f, int min_rank, int max_rank)
{
    uint8_t h[4 + 4 * MAX_DIMS];
    uint64_t got;

    RN_TRY(file_take(f, h, 4, &got));
    if (got < 4)
        return wrong(f, "not an IDX file: only %llu bytes", (unsigned long long)got);
    if (h[0] || h[1])
        return wrong(f, "not an IDX file: begins with %02x %02x, 00 00 expected", h[0], h[1]);
    if (h[2] != TYPE_U8)
        return wrong(f, "holds values of type %02x, bytes (08) expected", h[2]);
    if (h[3] < min_rank || h[3] > max_rank)
        return wrong(f, "has %d dimensions, at least %d and at most %d expected", h[3], min_rank,
                     max_rank);
    f->rank = h[3];
    uint64_t want = 4 * (uint64_t)f->rank;
    RN_TRY(file_take(f, h + 4, want, &got));
    if (got < want)
        return wrong(f, "ends within its header, after %llu of %llu bytes",
                     (unsigned long long)got + 4, (unsigned long long)want + 4);
    f->total = 1;
    for (int i = 0; i < f->rank; i++) {
        const uint8_t *b = h + 4 + 4 * i;
        f->dim[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
        if (!f->dim[i])
            return wrong(f, "dimension %d is 0", i + 1);
        if (__builtin_mul_overflow(f->total, (uint64_t)f->dim[i], &f->total))
            f->total = UINT64_MAX;
    }
    return RN_OK;
}

/* The size that the header claims against the size that the file has, before memory is had. */
static int size_check(const struct idx_file *f)
{
    const uint64_t whole = f->total + 4 + 4 * (uint64_t)f->rank;
    char dims[128];

    dims_text(f, dims, sizeof dims);
    if (f->total > MAX_BYTES - 64)
        return wrong(f, "says %s bytes, more than the %llu that are possible", dims,
                     (unsigned long long)MAX_BYTES - 64);
    if (!f->gzip && f->z.avail_in != f->total)
        return wrong(f, "says %s bytes, but the file holds %llu %s", dims,
                     (unsigned long long)(f->z.avail_in > f->total ? f->z.avail_in - f->total
                                                                   : f->total - f->z.avail_in),
                     f->z.avail_in > f->total ? "more" : "fewer");
    if (!f->gzip)
        return RN_OK;
    if (f->n_bytes < GZIP_MIN || whole > f->n_bytes * MAX_DEFLATE)
        return wrong(f, "says %s bytes, more than %llu gzipped bytes can hold", dims,
                     (unsigned long long)f->n_bytes);
    const uint8_t *t = f->bytes + f->n_bytes - 4; /* ISIZE, of the last member */
    uint64_t last = t[0] | (uint64_t)t[1] << 8 | (uint64_t)t[2] << 16 | (uint64_t)t[3] << 24;
    bool several = memmem(f->bytes + 1, f->n_bytes - 1, "\x1f\x8b\x08", 3);
    if (last > whole || (last < whole && !several))
        return wrong(f,
                     "says %s bytes and a header of %d, but its gzip trailer counts %llu, %llu %s: "
                     "the file is cut off, damaged or wrong in its header",
                     dims, 4 + 4 * f->rank, (unsigned long long)last,
                     (unsigned long long)(last > whole ? last - whole : whole - last),
                     last > whole ? "more" : "fewer");
    return RN_OK;
}

static int file_bytes(struct idx_file *f)
{
    void *bytes;

    RN_TRY(rn_host->read_file(f->path, MAX_BYTES, &bytes, &f->n_bytes));
    f->bytes = bytes;
    f->z = (z_stream){.zalloc = z_alloc, .zfree = z_free, .next_in = f->bytes};
    f->z.avail_in = (uInt)f->n_bytes;
    f->gzip = f->n_bytes >= 2 && f->bytes[0] == 0x1f && f->bytes[1] == 0x8b;
    if (f->gzip && inflateInit2(&f->z, 15 + 16) != Z_OK)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", f->path);
    f->inflating = f->gzip;
    return RN_OK;
}

static int file_open(struct idx_file *f, int min_rank, int max_rank)
{
    RN_TRY(file_bytes(f));
    RN_TRY(header_read(f, min_rank, max_rank));
    return size_check(f);
}

/* ---- finding the files ---------------------------------------------------- */

static bool join(char out[PATH_MAX], const char *dir, const char *name)
{
    int n = name[0] == '/' ? snprintf(out, PATH_MAX, "%s", name)
                           : snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return n < PATH_MAX;
}

/* "train-images-idx3-ubyte" and its variants, the plain file first; *found says whether one is
 * there. tried is filled with the names, for the message. */
static bool file_find(struct idx_file *f, const char *dir, const char *what, const char *ranks,
                      char *tried, size_t size)
{
    size_t used = strlen(tried);

    for (const char *rank = ranks; *rank; rank++)
        for (int form = 0; form < 4; form++) {
            char name[64];
            snprintf(name, sizeof name, "%s%cidx%c-ubyte%s", what, form & 2 ? '.' : '-', *rank,
                     form & 1 ? ".gz" : "");
            if (join(f->path, dir, name) && !access(f->path, F_OK))
                return true;
            if (rank == ranks && used < size)
                used += (size_t)snprintf(tried + used, size - used, "%s%s", used ? ", " : "", name);
        }
    f->path[0] = '\0';
    return false;
}

static int split_find(struct mnist *m, int split, const struct mnist_opts *o)
{
    static const char *const what[RN_SPLITS][2] = {{"train-images", "train-labels"},
                                                   {"t10k-images", "t10k-labels"}};
    const char *given[RN_SPLITS][2] = {{o->train_images, o->train_labels},
                                       {o->test_images, o->test_labels}};
    struct idx_file *file[2] = {&m->images[split], &m->labels[split]};
    char tried[2][256] = {"", ""};
    bool found[2];

    for (int i = 0; i < 2; i++) {
        found[i] = given[split][i];
        if (found[i] && !join(file[i]->path, o->path, given[split][i]))
            return RN_FAIL(RN_EDATA, "%s/%s: the path is too long", o->path, given[split][i]);
        if (!found[i])
            found[i] = file_find(file[i], o->path, what[split][i], i ? "1" : "324", tried[i],
                                 sizeof tried[i]);
    }
    if ((!found[0] && !found[1] && split == RN_TEST) || (found[0] && found[1]))
        return RN_OK;
    int i = found[0];
    return RN_FAIL(RN_EDATA, "%s: no %s %s here; looked for %s%s", o->path,
                   split == RN_TRAIN ? "training" : "test", i ? "labels" : "images", tried[i],
                   access(o->path, F_OK) ? " (there is no such folder)" : "");
}

/* ---- the data set --------------------------------------------------------- */

static int split_open(struct mnist *m, int split, int64_t *classes)
{
    struct idx_file *images = &m->images[split], *labels = &m->labels[split];

    if (!images->path[0])
        return RN_OK;
    RN_TRY(file_open(images, 2, MAX_DIMS));
    RN_TRY(file_open(labels, 1, 1));
    if (images->dim[0] != labels->dim[0])
        return wrong(labels, "has %lld labels for the %lld images of %s", (long long)labels->dim[0],
                     (long long)images->dim[0], images->path);
    uint8_t *label = m->label[split] = rn_host->alloc(labels->total);
    if (!label)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", labels->path);
    RN_TRY(file_unpack(labels, label));
    for (uint64_t i = 0; i < labels->total; i++)
        if (label[i] >= *classes)
            *classes = label[i] + 1;
    return RN_OK;
}

/* "a, b c, d": the class of label 0, 1 and 2. There may be more names than labels that occur. */
static int names_cut(struct mnist *m, const char *text, struct rn_dataset_info *info)
{
    size_t bytes = strlen(text) + 1;
    int64_t n = 0;

    if (!(m->names = rn_host->alloc(bytes)))
        return RN_FAIL(RN_ENOMEM, "class_names: out of memory");
    memcpy(m->names, text, bytes);
    for (char *s = m->names, *after; s; s = after, n++) {
        s += strspn(s, " ");
        char *end = s + strcspn(s, ",");
        after = *end ? end + 1 : NULL;
        while (end > s && end[-1] == ' ')
            end--;
        *end = '\0';
        if (!*s || n == MAX_CLASSES)
            return RN_FAIL(RN_EINVAL,
                           "class_names: name %lld is %s; up to %d names with commas "
                           "between them expected",
                           (long long)n, *s ? "one too many" : "empty", MAX_CLASSES);
        m->name[n] = s;
    }
    if (n < info->classes)
        return RN_FAIL(RN_EINVAL, "class_names: %lld names, but %s has %lld classes", (long long)n,
                       m->labels[RN_TRAIN].path, (long long)info->classes);
    info->classes = n;
    info->class_names = m->name;
    return RN_OK;
}

static int same_size(const struct idx_file *train, const struct idx_file *test)
{
    char a[128], b[128];

    if (!test->path[0] || (train->rank == test->rank &&
                           !memcmp(train->dim + 1, test->dim + 1, sizeof train->dim - 8)))
        return RN_OK;
    return wrong(test, "holds %s values, which does not go with the %s of %s",
                 dims_text(test, a, sizeof a), dims_text(train, b, sizeof b), train->path);
}

static void shape_set(struct rn_shape *s, const struct idx_file *images)
{
    s->rank = images->rank == 2 ? 1 : 3;
    for (int i = 1; i < images->rank; i++)
        s->dim[i - 1] = images->dim[i];
    if (images->rank == 3)
        s->dim[2] = 1;
    s->channels = images->rank == 2 ? 0 : (int32_t)s->dim[2];
}

static void mnist_close(void *ds)
{
    struct mnist *m = ds;

    for (int split = 0; m && split < RN_SPLITS; split++) {
        file_close(&m->images[split]);
        file_close(&m->labels[split]);
        rn_host->free(m->label[split]);
    }
    if (m)
        rn_host->free(m->names);
    rn_host->free(m);
}

static int all_open(struct mnist *m, const struct mnist_opts *o, struct rn_dataset_info *info)
{
    for (int split = 0; split < RN_SPLITS; split++) {
        RN_TRY(split_find(m, split, o));
        RN_TRY(split_open(m, split, &info->classes));
        info->count[split] = m->images[split].path[0] ? m->images[split].dim[0] : 0;
    }
    const struct idx_file *train = &m->images[RN_TRAIN];
    if (train->rank == MAX_DIMS && train->dim[3] > INT32_MAX)
        return wrong(train, "has %lld channels", (long long)train->dim[3]);
    RN_TRY(same_size(train, &m->images[RN_TEST]));
    if (o->class_names)
        RN_TRY(names_cut(m, o->class_names, info));
    info->dtype = RN_U8;
    info->target_width = 1;
    shape_set(&info->input, train);
    snprintf(info->source, sizeof info->source, "IDX files in %s", o->path);
    return RN_OK;
}

/* What is zipped is taken for one of these. */
static int alone_open(struct mnist *m, const char *path, struct rn_dataset_info *info)
{
    struct idx_file *f = &m->images[RN_TEST];

    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path)
        return RN_FAIL(RN_EDATA, "%s: the path is too long", path);
    RN_TRY(file_bytes(f));
    if (!f->gzip && (f->n_bytes < 4 || memcmp(f->bytes, "\0\0", 2) != 0))
        return RN_EUNSUPPORTED;
    RN_TRY(header_read(f, 2, MAX_DIMS));
    RN_TRY(size_check(f));
    if (f->rank == MAX_DIMS && f->dim[3] > INT32_MAX)
        return wrong(f, "has %lld channels", (long long)f->dim[3]);
    info->dtype = RN_U8;
    info->count[RN_TEST] = f->dim[0];
    shape_set(&info->input, f);
    return RN_OK;
}

/* path NULL: the data set of the options. */
static int mnist_open_file(const void *opts, const char *path, void **out,
                           struct rn_dataset_info *info)
{
    struct mnist *m = rn_host->alloc(sizeof *m);

    *out = NULL;
    if (!m)
        return RN_FAIL(RN_ENOMEM, "mnist: out of memory");
    int status = path ? alone_open(m, path, info) : all_open(m, opts, info);
    if (status)
        mnist_close(m);
    else
        *out = m;
    return status;
}

static int mnist_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    return mnist_open_file(opts, NULL, out, info);
}

static int mnist_load(void *ds, uint32_t split, void *input, float *target)
{
    struct mnist *m = ds;
    struct idx_file *images = &m->images[split];

    RN_TRY(file_unpack(images, input));
    for (int64_t i = 0; target && i < images->dim[0]; i++)
        target[i] = m->label[split][i];
    return RN_OK;
}

/* Over the digests of the two files, in words: so that sha256sum can repeat it. */
static int mnist_fingerprint(void *ds, uint32_t split, char out[72])
{
    struct mnist *m = ds;
    char both[2 * 72 + 2];
    int n =
        snprintf(both, sizeof both, "%s\n%s\n", m->images[split].sha256, m->labels[split].sha256);

    rn_host->sha256(both, (uint64_t)n, out);
    return RN_OK;
}

static const struct rn_option options[] = {
    RN_PATH(struct mnist_opts, path, NULL, RN_OPT_REQUIRED, "folder of the four files"),
    RN_STRING(struct mnist_opts, train_images, NULL, 0, "another name of this file in path"),
    RN_STRING(struct mnist_opts, train_labels, NULL, 0, "another name of this file in path"),
    RN_STRING(struct mnist_opts, test_images, NULL, 0, "another name of this file in path"),
    RN_STRING(struct mnist_opts, test_labels, NULL, 0, "another name of this file in path"),
    RN_STRING(struct mnist_opts, class_names, NULL, 0, "in the order of the labels: a, b, c"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = mnist_open,
                                          .load = mnist_load,
                                          .fingerprint = mnist_fingerprint,
                                          .close = mnist_close,
                                          .open_file = mnist_open_file};

static const struct rn_plugin mnist = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct mnist_opts),
    .name = "mnist",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "MNIST, Fashion-MNIST, KMNIST, EMNIST: images and labels in IDX files",
    .doc =
        "Reads IDX files of bytes, gzipped or plain. Images have 2 to 4 dimensions: n x features,\n"
        "n x h x w or n x h x w x c; labels one. The number of classes is the largest label + 1,\n"
        "or that of class_names.\n"
        "Looks for {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz], also with a dot for the\n"
        "second dash. The test set may be missing. Format: https://yann.lecun.com/exdb/mnist",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&mnist);
