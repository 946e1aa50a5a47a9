/* cifar.c - the binary versions of CIFAR-10 and CIFAR-100: files of records, each a label or two
 * and the red, green and blue plane of an image of 32 x 32. open() counts records by the sizes of
 * the files, load() reads one file after the other. Format:
 * https://www.cs.toronto.edu/~kriz/cifar.html */
#define _XOPEN_SOURCE 700
#include <runner/dataset.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SIDE        32
#define PLANE       (SIDE * SIDE)
#define IMAGE       (3 * PLANE)
#define MAX_BYTES   ((uint64_t)1 << 30) /* of one file; the real ones have up to 154 MB */
#define MAX_NAMES   4096                /* bytes of a file of names */
#define MAX_FILES   5
#define MAX_CLASSES 100

enum variant { CIFAR_10, CIFAR_100 };
enum labels { FINE, COARSE };

struct cifar_opts {
    const char *path;
    int64_t variant, labels;
};

/* One form of the data set: where its files are and what a record is. */
struct form {
    const char *folder;
    const char *file[RN_SPLITS][MAX_FILES + 1];
    const char *names;
    int classes, labels, label; /* labels of a record, and which of them counts */
};

struct cifar {
    struct form form;
    char folder[PATH_MAX];
    int64_t records[RN_SPLITS][MAX_FILES];
    char *names; /* the text of the file, cut into lines */
    const char *class_name[MAX_CLASSES];
    char sha256[RN_SPLITS][72];
};

static struct form form_of(const struct cifar_opts *o)
{
    static const struct form ten = {
        .folder = "cifar-10-batches-bin",
        .file = {{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                  "data_batch_5.bin"},
                 {"test_batch.bin"}},
        .names = "batches.meta.txt",
        .classes = 10,
        .labels = 1,
    };
    static const struct form hundred = {
        .folder = "cifar-100-binary",
        .file = {{"train.bin"}, {"test.bin"}},
        .names = "fine_label_names.txt",
        .classes = 100,
        .labels = 2,
        .label = 1,
    };
    struct form form = o->variant == CIFAR_10 ? ten : hundred;

    if (o->variant == CIFAR_100 && o->labels == COARSE) {
        form.names = "coarse_label_names.txt";
        form.classes = 20;
        form.label = 0;
    }
    return form;
}

static int path_of(const struct cifar *c, const char *name, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%s", c->folder, name) >= PATH_MAX)
        return RN_FAIL(RN_EDATA, "%s/%s: the path is too long", c->folder, name);
    return RN_OK;
}

/* ---- names ----------------------------------------------------------------- */

/* One name a line; lines that are empty don't count. */
static int names_cut(struct cifar *c, const char *path, uint64_t bytes)
{
    int n = 0;

    if (strlen(c->names) != bytes)
        return RN_FAIL(RN_EDATA, "%s: a 0 byte in a file of names", path);
    for (char *line = c->names; *line;) {
        size_t length = strcspn(line, "\r\n");
        char *end = line + length;
        char *after = end + strspn(end, "\r\n");
        *end = '\0';
        if (length && n < c->form.classes)
            c->class_name[n] = line;
        n += length > 0;
        line = after;
    }
    if (n != c->form.classes)
        return RN_FAIL(RN_EDATA, "%s: %d names, one for each of %d classes expected: get it again",
                       path, n, c->form.classes);
    return RN_OK;
}

/* Without the file the classes are numbers. */
static int names_open(struct cifar *c, struct rn_dataset_info *info)
{
    char path[PATH_MAX];
    uint64_t bytes;
    struct stat st;
    void *text;

    RN_TRY(path_of(c, c->form.names, path));
    if (stat(path, &st) && errno == ENOENT)
        return RN_OK;
    RN_TRY(rn_host->read_file(path, MAX_NAMES, &text, &bytes));
    c->names = text;
    RN_TRY(names_cut(c, path, bytes));
    info->class_names = c->class_name;
    return RN_OK;
}

/* ---- records --------------------------------------------------------------- */

static int file_count(const struct cifar *c, const char *name, int64_t *records)
{
    const int record = c->form.labels + IMAGE;
    char path[PATH_MAX];
    struct stat st;

    *records = 0;
    RN_TRY(path_of(c, name, path));
    if (stat(path, &st))
        return RN_FAIL(RN_EDATA,
                       "%s: %s; the files of the binary version of CIFAR-%d are expected there",
                       path, strerror(errno), c->form.labels == 1 ? 10 : 100);
    if (!S_ISREG(st.st_mode))
        return RN_FAIL(RN_EDATA, "%s: not a regular file", path);
    if (!st.st_size || st.st_size % record || (uint64_t)st.st_size > MAX_BYTES)
        return RN_FAIL(RN_EDATA,
                       "%s: %lld bytes; a multiple of the %d bytes of a record expected, up to "
                       "%llu: the file is cut off or of another variant",
                       path, (long long)st.st_size, record, (unsigned long long)MAX_BYTES);
    *records = st.st_size / record;
    return RN_OK;
}

static int split_count(struct cifar *c, int split, int64_t *count)
{
    char path[PATH_MAX];
    struct stat st;

    *count = 0;
    RN_TRY(path_of(c, c->form.file[split][0], path));
    if (split == RN_TEST && stat(path, &st) && errno == ENOENT)
        return RN_OK;
    for (int i = 0; c->form.file[split][i]; i++) {
        RN_TRY(file_count(c, c->form.file[split][i], &c->records[split][i]));
        *count += c->records[split][i];
    }
    return RN_OK;
}

static int records_copy(const struct cifar *c, const char *path, const uint8_t *from, int64_t n,
                        uint8_t *input, float *target)
{
    for (int64_t i = 0; i < n; i++, from += IMAGE) {
        int label = from[c->form.label];
        if (label >= c->form.classes)
            return RN_FAIL(RN_EDATA,
                           "%s: byte %lld: record %lld has the label %d, 0 to %d expected: the "
                           "file is damaged or of another variant",
                           path, (long long)(i * (c->form.labels + IMAGE) + c->form.label),
                           (long long)i, label, c->form.classes - 1);
        *target++ = (float)label;
        from += c->form.labels;
        for (int p = 0; p < PLANE; p++)
            for (int plane = 0; plane < 3; plane++)
                *input++ = from[plane * PLANE + p];
    }
    return RN_OK;
}

/* The records of one file, and its digest. */
static int file_load(const struct cifar *c, const char *name, int64_t records, uint8_t *input,
                     float *target, char digest[72])
{
    char path[PATH_MAX];
    uint64_t bytes;
    void *data;

    RN_TRY(path_of(c, name, path));
    RN_TRY(rn_host->read_file(path, MAX_BYTES, &data, &bytes));
    int status =
        bytes == (uint64_t)(records * (c->form.labels + IMAGE))
            ? records_copy(c, path, data, records, input, target)
            : RN_FAIL(RN_EDATA, "%s: its size changed while it was in use: start again", path);
    if (!status)
        rn_host->sha256(data, bytes, digest);
    rn_host->free(data);
    return status;
}

/* ---- the data set ---------------------------------------------------------- */

/* The files lie in path itself or in the folder that the archive unpacks to. */
static int folder_find(struct cifar *c, const char *path)
{
    struct stat st;
    int n = snprintf(c->folder, sizeof c->folder, "%s/%s", path, c->form.folder);

    if (n >= (int)sizeof c->folder)
        return RN_FAIL(RN_EDATA, "%s: the path is too long", path);
    if (stat(c->folder, &st) || !S_ISDIR(st.st_mode))
        snprintf(c->folder, sizeof c->folder, "%s", path);
    return RN_OK;
}

static int all_open(struct cifar *c, const struct cifar_opts *o, struct rn_dataset_info *info)
{
    c->form = form_of(o);
    RN_TRY(folder_find(c, o->path));
    for (int split = 0; split < RN_SPLITS; split++)
        RN_TRY(split_count(c, split, &info->count[split]));
    RN_TRY(names_open(c, info));
    info->dtype = RN_U8;
    info->input = (struct rn_shape){.rank = 3, .channels = 3, .dim = {SIDE, SIDE, 3}};
    info->classes = c->form.classes;
    info->target_width = 1;
    snprintf(info->source, sizeof info->source, "CIFAR-%d in %s", o->variant == CIFAR_10 ? 10 : 100,
             c->folder);
    return RN_OK;
}

static void cifar_close(void *ds)
{
    struct cifar *c = ds;

    rn_host->free(c->names);
    rn_host->free(c);
}

static int cifar_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    struct cifar *c = rn_host->alloc(sizeof *c);

    *out = NULL;
    if (!c)
        return RN_FAIL(RN_ENOMEM, "cifar: out of memory");
    int status = all_open(c, opts, info);
    if (status)
        cifar_close(c);
    else
        *out = c;
    return status;
}

static int cifar_load(void *ds, uint32_t split, void *input, float *target)
{
    struct cifar *c = ds;
    char digests[MAX_FILES * 72 + 1] = "";
    uint8_t *x = input;
    int chars = 0;

    for (int i = 0; c->form.file[split][i]; i++) {
        char digest[72];
        int64_t n = c->records[split][i];
        RN_TRY(file_load(c, c->form.file[split][i], n, x, target, digest));
        x += n * IMAGE;
        target += n;
        chars += snprintf(digests + chars, sizeof digests - (size_t)chars, "%s\n", digest);
    }
    rn_host->sha256(digests, (uint64_t)chars, c->sha256[split]);
    return RN_OK;
}

/* Over the digests of the files, in words: so that sha256sum can repeat it. */
static int cifar_fingerprint(void *ds, uint32_t split, char out[72])
{
    const struct cifar *c = ds;

    memcpy(out, c->sha256[split], 72);
    return RN_OK;
}

static const struct rn_choice variants[] = {
    {"10", CIFAR_10, "CIFAR-10: ten classes"},
    {"100", CIFAR_100, "CIFAR-100: a hundred classes in twenty groups"},
    {.name = NULL},
};

static const struct rn_choice label_kinds[] = {
    {"fine", FINE, "the hundred classes"},
    {"coarse", COARSE, "the twenty groups"},
    {.name = NULL},
};

static const struct rn_option options[] = {
    RN_PATH(struct cifar_opts, path, NULL, RN_OPT_REQUIRED,
            "folder of the files, or the one above cifar-10-batches-bin or cifar-100-binary"),
    RN_CHOICE(struct cifar_opts, variant, "10", variants, "which data set"),
    RN_CHOICE(struct cifar_opts, labels, "fine", label_kinds, "of CIFAR-100: what to tell apart"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = cifar_open,
                                          .load = cifar_load,
                                          .fingerprint = cifar_fingerprint,
                                          .close = cifar_close};

static const struct rn_plugin cifar = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct cifar_opts),
    .name = "cifar",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "CIFAR-10 and CIFAR-100, the binary version",
    .doc = "CIFAR-10: data_batch_1.bin to data_batch_5.bin, test_batch.bin, batches.meta.txt.\n"
           "CIFAR-100: train.bin, test.bin, {fine,coarse}_label_names.txt. Images of 32 x 32 in\n"
           "three channels, as bytes that count 1/255 each. The test file and the names may be\n"
           "missing. From cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, unpacked:\n"
           "https://www.cs.toronto.edu/~kriz/cifar.html",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&cifar);
