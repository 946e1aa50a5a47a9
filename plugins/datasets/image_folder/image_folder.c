/* image_folder.c - image files in one folder a class. open() lists the folders and reads the header
 * of the first file; load() decodes one after the other, each of which has to be of the same size.
 */
#define _XOPEN_SOURCE 700
#include "image.h"

#include <runner/dataset.h>
#include <runner/text.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum channels { AUTO = 0, GRAY = 1, RGB = 3 };

struct image_folder_opts {
    const char *path, *train, *test;
    struct rn_ints size;
    int64_t channels;
};

struct names {
    char **at;
    int64_t n, cap;
};

struct split {
    char path[PATH_MAX];
    struct names *file; /* of each class */
    int64_t count;
    char sha256[72];
};

struct image_folder {
    struct split split[RN_SPLITS];
    struct names class;
    int64_t height, width; /* 0: not known yet */
    int64_t channels;
    bool detected;     /* the channels are those of the first file */
    struct image lone; /* of open_file(); its path is that of the test split */
};

/* ---- folders --------------------------------------------------------------- */

static int no_memory(const char *path) { return RN_FAIL(RN_ENOMEM, "%s: out of memory", path); }

static int join(char out[PATH_MAX], const char *dir, const char *name)
{
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        return RN_FAIL(RN_EDATA, "%s/%s: the path is too long", dir, name);
    return RN_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void names_free(struct names *v)
{
    for (int64_t i = 0; i < v->n; i++)
        rn_host->free(v->at[i]);
    rn_host->free(v->at);
    *v = (struct names){.n = 0};
}

/* A copy of name at the end of the list. */
static int names_add(struct names *v, const char *name)
{
    size_t bytes = strlen(name) + 1;

    if (v->n == v->cap) {
        int64_t cap = 2 * v->cap + 16;
        char **at = rn_host->alloc((size_t)cap * sizeof *at);
        if (!at)
            return no_memory(name);
        if (v->n)
            memcpy(at, v->at, (size_t)v->n * sizeof *at);
        rn_host->free(v->at);
        v->at = at;
        v->cap = cap;
    }
    v->at[v->n] = rn_host->alloc(bytes);
    if (!v->at[v->n])
        return no_memory(name);
    memcpy(v->at[v->n++], name, bytes);
    return RN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_image(const char *dot)
{
    static const char *const ends[] = {".png", ".pgm", ".ppm", ".pnm"};
    bool is = false;

    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        is |= !strcasecmp(dot, ends[i]);
    return is;
}

/* One entry of dir; what it is decides whether it belongs to the list. */
static int entry_add(const char *dir, const char *name, bool folders, struct names *out)
{
    const char *dot = strrchr(name, '.');
    char path[PATH_MAX];

    if (name[0] == '.')
        return RN_OK;
    RN_TRY(join(path, dir, name));
    bool folder = is_folder(path);
    if (folders)
        return folder ? names_add(out, name) : RN_OK;
    if (folder || !is_image(dot))
        return RN_FAIL(RN_EDATA,
                       "%s: %s; the folder of a class holds .png, .pgm and .ppm files "
                       "only: %s",
                       path, folder ? "a folder" : "no image file",
                       folder ? "move its files up" : "convert it, or move it elsewhere");
    return names_add(out, name);
}

/* The names of the folders in dir, or of its images, sorted by their bytes; hidden ones are left
 * out. */
static int list(const char *dir, bool folders, struct names *out)
{
    struct dirent *entry;
    DIR *d = opendir(dir);
    int status = RN_OK;

    if (!d)
        return RN_FAIL(RN_EDATA, "%s: %s; a folder expected", dir, strerror(errno));
    while (!status && (errno = 0, entry = readdir(d)))
        status = entry_add(dir, entry->d_name, folders, out);
    if (!status && errno)
        status = RN_FAIL(RN_EDATA, "%s: cannot be read: %s", dir, strerror(errno));
    closedir(d);
    if (!status && out->n)
        qsort(out->at, (size_t)out->n, sizeof *out->at, by_name);
    return status;
}

/* Every folder of the test set has to be a class. */
static int test_check(const struct image_folder *d, const char *path)
{
    struct names test = {.n = 0};
    int status = list(path, true, &test);

    for (int64_t i = 0; !status && i < test.n; i++)
        if (!bsearch(&test.at[i], d->class.at, (size_t)d->class.n, sizeof *d->class.at, by_name))
            status = RN_FAIL(RN_EDATA, "%s/%s: there is no class of that name in %s", path,
                             test.at[i], d->split[RN_TRAIN].path);
    names_free(&test);
    return status;
}

static int split_list(struct image_folder *d, int split)
{
    struct split *s = &d->split[split];
    char path[PATH_MAX];

    s->file = rn_host->alloc((size_t)d->class.n * sizeof *s->file);
    if (!s->file)
        return no_memory(s->path);
    for (int64_t c = 0; c < d->class.n; c++) {
        RN_TRY(join(path, s->path, d->class.at[c]));
        if (split == RN_TEST && !is_folder(path))
            continue;
        RN_TRY(list(path, false, &s->file[c]));
        if (split == RN_TRAIN && !s->file[c].n)
            return RN_FAIL(RN_EDATA, "%s: a class without an image: add some or remove the folder",
                           path);
        s->count += s->file[c].n;
    }
    return RN_OK;
}

/* Where the splits are: path/train and path/test, or path alone. */
static int folders_find(struct image_folder *d, const struct image_folder_opts *o)
{
    char *train = d->split[RN_TRAIN].path, *test = d->split[RN_TEST].path;

    RN_TRY(join(train, o->path, o->train));
    RN_TRY(join(test, o->path, o->test));
    if (!strcmp(o->train, o->test))
        return RN_FAIL(RN_EINVAL, "train and test are the same folder, '%s'", o->train);
    if (!is_folder(o->path))
        return RN_FAIL(RN_EDATA, "%s: no such folder", o->path);
    if (is_folder(train)) {
        if (!is_folder(test))
            test[0] = '\0';
        return RN_OK;
    }
    if (is_folder(test) || strcmp(o->train, "train") != 0)
        return RN_FAIL(RN_EDATA, "%s: no such folder; training images are expected there", train);
    snprintf(train, PATH_MAX, "%s", o->path);
    test[0] = '\0';
    return RN_OK;
}

/* ---- one image -------------------------------------------------------------- */

/* The first image decides what the options leave open; all others have to be like it. */
static int image_check(struct image_folder *f, const struct image *d)
{
    if (!f->channels) {
        f->channels = d->colour ? RGB : GRAY;
        f->detected = true;
    }
    if (!f->height) {
        f->height = d->height;
        f->width = d->width;
    }
    if (d->height != f->height || d->width != f->width)
        return RN_FAIL(RN_EDATA,
                       "%s: %lld x %lld pixels (height x width), but %lld x %lld expected: all "
                       "images have to be of one size, resize them beforehand",
                       d->path, (long long)d->height, (long long)d->width, (long long)f->height,
                       (long long)f->width);
    if (d->colour && f->channels == GRAY && f->detected)
        return RN_FAIL(RN_EDATA,
                       "%s: has colours, but the first image has none: say channels: rgb, or "
                       "gray to drop them",
                       d->path);
    return RN_OK;
}

/* rgba NULL: the header only. */
static int image_read(struct image_folder *f, const char *path, uint8_t *rgba, char digest[72])
{
    struct image m = {.path = path};
    int status = image_open(&m);

    if (status == RN_EUNSUPPORTED)
        status = RN_EDATA;
    if (!status)
        status = image_check(f, &m);
    if (!status && rgba)
        status = image_pixels(&m, rgba);
    if (!status && digest)
        rn_host->sha256(m.bytes, m.n, digest);
    image_close(&m);
    return status;
}

/* On black; gray as 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), which leaves gray alone.
 */
static void pixels_put(const struct image_folder *f, const uint8_t *rgba, uint8_t *out)
{
    for (int64_t i = 0; i < f->height * f->width; i++, rgba += 4) {
        int c[3];
        for (int k = 0; k < 3; k++)
            c[k] = (rgba[k] * rgba[3] + 127) / 255;
        if (f->channels == GRAY)
            *out++ = (uint8_t)((299 * c[0] + 587 * c[1] + 114 * c[2] + 500) / 1000);
        for (int k = 0; k < 3 && f->channels == RGB; k++)
            *out++ = (uint8_t)c[k];
    }
}

/* ---- the data set ----------------------------------------------------------- */

static int file_path(const struct image_folder *f, int split, int64_t class, int64_t i,
                     char out[PATH_MAX])
{
    char folder[PATH_MAX];

    RN_TRY(join(folder, f->split[split].path, f->class.at[class]));
    return join(out, folder, f->split[split].file[class].at[i]);
}

static int options_take(struct image_folder *f, const struct image_folder_opts *o)
{
    f->channels = o->channels;
    if (!o->size.count)
        return RN_OK;
    for (int i = 0; i < 2; i++)
        if (o->size.at[i] < 1 || o->size.at[i] > IMAGE_SIDE_MAX)
            return RN_FAIL(RN_EINVAL, "size: %lld pixels, 1 to %d expected",
                           (long long)o->size.at[i], IMAGE_SIDE_MAX);
    f->height = o->size.at[0];
    f->width = o->size.at[1];
    return RN_OK;
}

static int all_open(struct image_folder *f, const struct image_folder_opts *o,
                    struct rn_dataset_info *info)
{
    const struct split *s = f->split;
    char path[PATH_MAX];

    RN_TRY(options_take(f, o));
    RN_TRY(folders_find(f, o));
    RN_TRY(list(s[RN_TRAIN].path, true, &f->class));
    if (!f->class.n)
        return RN_FAIL(RN_EDATA, "%s: no folders; one for each class expected", s[RN_TRAIN].path);
    RN_TRY(split_list(f, RN_TRAIN));
    if (s[RN_TEST].path[0]) {
        RN_TRY(test_check(f, s[RN_TEST].path));
        RN_TRY(split_list(f, RN_TEST));
    }
    RN_TRY(file_path(f, RN_TRAIN, 0, 0, path));
    RN_TRY(image_read(f, path, NULL, NULL));
    info->count[RN_TRAIN] = s[RN_TRAIN].count;
    info->count[RN_TEST] = s[RN_TEST].count;
    info->dtype = RN_U8;
    info->input = (struct rn_shape){
        .rank = 3, .channels = (int32_t)f->channels, .dim = {f->height, f->width, f->channels}};
    info->classes = f->class.n;
    info->target_width = 1;
    info->class_names = (const char *const *)f->class.at;
    snprintf(info->source, sizeof info->source, "images in %s", o->path);
    return RN_OK;
}

static void image_folder_close(void *ds)
{
    struct image_folder *f = ds;

    for (int split = 0; split < RN_SPLITS; split++) {
        struct split *s = &f->split[split];
        for (int64_t c = 0; s->file && c < f->class.n; c++)
            names_free(&s->file[c]);
        rn_host->free(s->file);
    }
    names_free(&f->class);
    image_close(&f->lone);
    rn_host->free(f);
}

/* ---- a file by itself ------------------------------------------------------- */

static int lone_open(struct image_folder *f, const char *path, struct rn_dataset_info *info)
{
    struct image *m = &f->lone;

    m->path = f->split[RN_TEST].path;
    if (snprintf(f->split[RN_TEST].path, PATH_MAX, "%s", path) >= PATH_MAX)
        return RN_FAIL(RN_EDATA, "%s: the path is too long", path);
    RN_TRY(image_open(m));
    f->height = m->height;
    f->width = m->width;
    f->channels = m->colour ? RGB : GRAY;
    info->count[RN_TEST] = 1;
    info->dtype = RN_U8;
    info->input = (struct rn_shape){
        .rank = 3, .channels = (int32_t)f->channels, .dim = {f->height, f->width, f->channels}};
    return RN_OK;
}

/* path NULL: the data set of the options. */
static int image_folder_open_file(const void *opts, const char *path, void **out,
                                  struct rn_dataset_info *info)
{
    struct image_folder *f = rn_host->alloc(sizeof *f);

    *out = NULL;
    if (!f)
        return RN_FAIL(RN_ENOMEM, "image_folder: out of memory");
    int status = path ? lone_open(f, path, info) : all_open(f, opts, info);
    if (status)
        image_folder_close(f);
    else
        *out = f;
    return status;
}

static int image_folder_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    return image_folder_open_file(opts, NULL, out, info);
}

static int lone_load(struct image_folder *f, void *input)
{
    uint8_t *rgba = rn_host->alloc((size_t)(f->height * f->width) * 4);
    int status = rgba ? image_pixels(&f->lone, rgba) : no_memory(f->lone.path);

    if (!status)
        pixels_put(f, rgba, input);
    rn_host->free(rgba);
    return status;
}

/* ---- all of a split --------------------------------------------------------- */

/* All images of one class; *out and *target move on, t takes a line for each. */
static int class_load(struct image_folder *f, int split, int64_t class, uint8_t *rgba,
                      uint8_t **out, float **target, struct rn_text *t)
{
    const struct names *file = &f->split[split].file[class];
    char path[PATH_MAX], digest[72];

    for (int64_t i = 0; i < file->n; i++) {
        RN_TRY(file_path(f, split, class, i, path));
        RN_TRY(image_read(f, path, rgba, digest));
        pixels_put(f, rgba, *out);
        *out += f->height * f->width * f->channels;
        *(*target)++ = (float)class;
        rn_text_add(t, "%s  %s/%s\n", digest + strlen("sha256:"), f->class.at[class], file->at[i]);
        RN_TRY(t->status);
    }
    return RN_OK;
}

static int image_folder_load(void *ds, uint32_t split, void *input, float *target)
{
    struct image_folder *f = ds;
    struct rn_text t = {.n = 0};

    if (f->lone.path)
        return lone_load(f, input);
    uint8_t *out = input, *rgba = rn_host->alloc((size_t)(f->height * f->width) * 4);
    int status = rgba ? RN_OK : no_memory(f->split[split].path);

    for (int64_t c = 0; !status && c < f->class.n; c++)
        status = class_load(f, (int)split, c, rgba, &out, &target, &t);
    if (!status)
        rn_host->sha256(t.s, t.n, f->split[split].sha256);
    rn_host->free(t.s);
    rn_host->free(rgba);
    return status;
}

/* Over names and digests, as lines of sha256sum. */
static int image_folder_fingerprint(void *ds, uint32_t split, char out[72])
{
    memcpy(out, ((const struct image_folder *)ds)->split[split].sha256, 72);
    return RN_OK;
}

static const struct rn_choice channel_choices[] = {
    {"auto", AUTO, "as the first training image"},
    {"gray", GRAY, "1; colours become their brightness"},
    {"rgb", RGB, "3"},
    {.name = NULL},
};

static const struct rn_option options[] = {
    RN_PATH(struct image_folder_opts, path, NULL, RN_OPT_REQUIRED,
            "folder of the two below, or of the classes' folders"),
    RN_STRING(struct image_folder_opts, train, "train", 0,
              "folder in path of the training classes"),
    RN_STRING(struct image_folder_opts, test, "test", 0, "folder in path of the test classes"),
    RN_INTS(struct image_folder_opts, size, NULL, 2, 2,
            "height and width that all images have; left out: those of the first"),
    RN_CHOICE(struct image_folder_opts, channels, "auto", channel_choices, "of the input"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = image_folder_open,
                                          .load = image_folder_load,
                                          .fingerprint = image_folder_fingerprint,
                                          .close = image_folder_close,
                                          .open_file = image_folder_open_file};

static const struct rn_plugin image_folder = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct image_folder_opts),
    .name = "image_folder",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "PNG, PGM and PPM files in one folder a class",
    .doc = "path/train/<class>/*.png and, if it is there, path/test/<class>/*.png; without a\n"
           "folder train, path/<class>/*.png and no test set. .pgm and .ppm as well. Classes and "
           "files are sorted by\n"
           "name, hidden ones left out. Bytes that count 1/255 each, height x width x channels;\n"
           "16 bits become 8, palettes colours, transparent pixels are laid on black. All images\n"
           "have to be of one size. As torchvision.datasets.ImageFolder, for PNG.",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&image_folder);
