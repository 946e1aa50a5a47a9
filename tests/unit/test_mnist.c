/* test_mnist.c - IDX files: good ones in all forms, wrong ones of every kind, and the real MNIST.
 */
#define _GNU_SOURCE
#include "support/plugin.h"
#include "support/suite.h"

#include <runner/dataset.h>

#include <check.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char dir[64]; /* a fresh folder a test */
static const struct rn_plugin *plugin;
static const struct rn_dataset_ops *ops;

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_mnist_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    plugin = test_plugin("datasets", "mnist");
    ops = plugin->ops;
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- making files --------------------------------------------------------- */

struct bytes {
    uint8_t at[4096];
    size_t n;
};

static struct bytes idx(int type, int rank, const uint32_t *dim, size_t data)
{
    struct bytes b = {.at = {0, 0, (uint8_t)type, (uint8_t)rank}, .n = 4};

    for (int i = 0; i < rank; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            b.at[b.n++] = (uint8_t)(dim[i] >> shift);
    for (size_t i = 0; i < data; i++)
        b.at[b.n++] = (uint8_t)(i % 7);
    return b;
}

#define IDX(data, ...) \
    idx(8, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__}, data)

static struct bytes gz(struct bytes plain)
{
    struct bytes out = {.n = 0};
    z_stream z = {.next_in = plain.at, .avail_in = (uInt)plain.n};

    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out.at;
    z.avail_out = sizeof out.at;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.n = sizeof out.at - z.avail_out;
    deflateEnd(&z);
    return out;
}

static struct bytes cut(struct bytes b, size_t from, size_t to)
{
    memmove(b.at, b.at + from, to - from);
    b.n = to - from;
    return b;
}

static struct bytes join(struct bytes a, struct bytes b)
{
    memcpy(a.at + a.n, b.at, b.n);
    a.n += b.n;
    return a;
}

static const char *in_dir(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, struct bytes b)
{
    ck_assert_int_eq(file_write(in_dir(name), b.at, b.n), RN_OK);
}

#define TRAIN_X "train-images-idx3-ubyte"
#define TRAIN_Y "train-labels-idx1-ubyte"
#define TEST_X  "t10k-images-idx3-ubyte"
#define TEST_Y  "t10k-labels-idx1-ubyte"

/* ---- using the plugin ----------------------------------------------------- */

static int try_open(void **ds, struct rn_dataset_info *info)
{
    _Alignas(16) char opts[64] = {0};

    ck_assert_uint_le(plugin->options_size, sizeof opts);
    test_set_string(plugin, opts, "path", dir);
    *info = (struct rn_dataset_info){.size = sizeof *info};
    return ops->open(opts, ds, info);
}

static int try_load(void *ds, const struct rn_dataset_info *info, uint32_t split)
{
    size_t n = (size_t)info->count[split];
    uint8_t *x = malloc(n * (size_t)rn_count(&info->input)); /* exact, for ASan */
    float *y = malloc(n * sizeof *y);
    int status = ops->load(ds, split, x, y);

    for (size_t i = 0; !status && i < n * (size_t)rn_count(&info->input); i++)
        ck_assert_uint_eq(x[i], i % 7);
    for (size_t i = 0; !status && i < n; i++)
        ck_assert_float_eq(y[i], (float)(i % 7));
    free(x);
    free(y);
    return status;
}

/* Open and load everything. */
static int try_all(struct rn_dataset_info *info)
{
    void *ds;
    int status = try_open(&ds, info);

    if (status) {
        ck_assert_ptr_null(ds);
        return status;
    }
    for (uint32_t s = 0; !status && s < RN_SPLITS; s++)
        if (info->count[s])
            status = try_load(ds, info, s);
    ops->close(ds);
    return status;
}

static void good(int64_t train, int64_t test)
{
    struct rn_dataset_info info;

    ck_assert_msg(try_all(&info) == RN_OK, "%s", error_text());
    ck_assert_int_eq(info.count[RN_TRAIN], train);
    ck_assert_int_eq(info.count[RN_TEST], test);
    ck_assert_uint_eq(info.dtype, RN_U8);
    ck_assert_int_eq(info.target_width, 1);
}

/* It must be refused as bad data, in words that hold says, and leave nothing behind. */
static void bad(const char *says)
{
    struct rn_dataset_info info;

    error_clear();
    ck_assert_msg(try_all(&info) == RN_EDATA, "accepted; should say: %s", says);
    ck_assert_msg(strstr(error_text(), says) != NULL, "says '%s', not '%s'", error_text(), says);
    ck_assert_ptr_nonnull(strstr(error_text(), dir));
    ck_assert_uint_eq(mem_live(), 0);
}

static void bad_images(struct bytes b, const char *says)
{
    put(TRAIN_X, b);
    put(TRAIN_Y, IDX(3, 3));
    bad(says);
}

static void bad_labels(struct bytes b, const char *says)
{
    put(TRAIN_X, IDX(12, 3, 2, 2));
    put(TRAIN_Y, b);
    bad(says);
}

static struct bytes set(struct bytes b, size_t at, int value)
{
    b.at[at] = (uint8_t)value;
    return b;
}

/* ---- good files ----------------------------------------------------------- */

static const char *const good_names[][4] = {
    {TRAIN_X, TRAIN_Y, TEST_X, TEST_Y},
    {"train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte",
     "t10k-labels.idx1-ubyte"},
    {TRAIN_X ".gz", TRAIN_Y ".gz", TEST_X ".gz", TEST_Y ".gz"},
    {"train-images.idx3-ubyte.gz", TRAIN_Y, "t10k-images-idx2-ubyte", TEST_Y ".gz"},
};

START_TEST(names_and_forms)
{
    for (int gzipped = 0; gzipped < 2; gzipped++)
        for (int i = 0; i < 4; i++) {
            const char *name = good_names[_i][i];
            uint32_t n = i < 2 ? 5 : 3;
            struct bytes b = i & 1 ? IDX(n, n) : IDX(n * 6, n, 2, 3);
            put(name, gzipped ? gz(b) : b); /* told by content, not by name */
            if (i == 3)
                good(5, 3);
        }
}
END_TEST

START_TEST(shapes)
{
    struct rn_dataset_info info;

    put(TRAIN_Y, IDX(4, 4));
    put(TRAIN_X, IDX(20, 4, 5));
    ck_assert_int_eq(try_all(&info), RN_OK);
    ck_assert_int_eq(info.input.rank, 1);
    ck_assert_int_eq(info.input.dim[0], 5);
    ck_assert_int_eq(info.input.channels, 0);
    ck_assert_int_eq(info.classes, 4);
    put(TRAIN_X, IDX(24, 4, 2, 3));
    ck_assert_int_eq(try_all(&info), RN_OK);
    ck_assert_int_eq(info.input.rank, 3);
    ck_assert_int_eq(info.input.dim[0], 2);
    ck_assert_int_eq(info.input.dim[1], 3);
    ck_assert_int_eq(info.input.dim[2], 1);
    ck_assert_int_eq(info.input.channels, 1);
    put(TRAIN_X, IDX(96, 4, 2, 3, 4));
    ck_assert_int_eq(try_all(&info), RN_OK);
    ck_assert_int_eq(info.input.dim[2], 4);
    ck_assert_int_eq(info.input.channels, 4);
}
END_TEST

START_TEST(members)
{
    struct bytes x = IDX(12, 3, 2, 2);

    put(TRAIN_Y, join(gz(IDX(3, 3)), gz((struct bytes){.n = 0})));
    for (size_t at = 0; at <= x.n; at++) { /* cut anywhere, the header too */
        put(TRAIN_X, join(gz(cut(x, 0, at)), gz(cut(x, at, x.n))));
        good(3, 0);
    }
}
END_TEST

START_TEST(given_names)
{
    _Alignas(16) char opts[64] = {0};
    struct rn_dataset_info info = {.size = sizeof info};
    void *ds;

    put("a", IDX(12, 3, 2, 2));
    put("b", gz(IDX(3, 3)));
    test_set_string(plugin, opts, "path", dir);
    test_set_string(plugin, opts, "train_images", "a");
    test_set_string(plugin, opts, "train_labels", "b");
    ck_assert_int_eq(ops->open(opts, &ds, &info), RN_OK);
    ops->close(ds);
    test_set_string(plugin, opts, "test_images", "c");
    ck_assert_int_eq(ops->open(opts, &ds, &info), RN_EDATA);
    test_set_string(plugin, opts, "test_labels", "c");
    ck_assert_int_eq(ops->open(opts, &ds, &info), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "/c"));
}
END_TEST

static int open_named(const char *names, struct rn_dataset_info *info, void **ds)
{
    _Alignas(16) char opts[64] = {0};

    *info = (struct rn_dataset_info){.size = sizeof *info};
    test_set_string(plugin, opts, "path", dir);
    test_set_string(plugin, opts, "class_names", names);
    return ops->open(opts, ds, info);
}

static void bad_names(const char *names, const char *says)
{
    struct rn_dataset_info info;
    void *ds;

    ck_assert_int_eq(open_named(names, &info, &ds), RN_EINVAL);
    ck_assert_msg(strstr(error_text(), says) != NULL, "says '%s', not '%s'", error_text(), says);
    ck_assert_uint_eq(mem_live(), 0);
}

START_TEST(class_names)
{
    struct rn_dataset_info info;
    char many[2 * 257 + 1] = "";
    void *ds;

    put(TRAIN_X, IDX(12, 3, 2, 2));
    put(TRAIN_Y, IDX(3, 3));
    ck_assert_int_eq(open_named(" T-shirt/top,Ankle boot , c", &info, &ds), RN_OK);
    ck_assert_int_eq(info.classes, 3);
    ck_assert_str_eq(info.class_names[0], "T-shirt/top");
    ck_assert_str_eq(info.class_names[1], "Ankle boot");
    ck_assert_str_eq(info.class_names[2], "c");
    ops->close(ds);
    ck_assert_int_eq(open_named("a,b,c,d", &info, &ds), RN_OK); /* of which d does not occur */
    ck_assert_int_eq(info.classes, 4);
    ops->close(ds);
    bad_names("a,b", "2 names, but");
    bad_names("a,,c", "name 1 is empty");
    bad_names("a,b,c, ", "name 3 is empty");
    bad_names("", "name 0 is empty");
    for (int i = 0; i < 257; i++)
        memcpy(many + 2 * i, i < 256 ? "a," : "a", 2);
    bad_names(many, "name 256 is one too many; up to 256");
    many[2 * 256 - 1] = '\0';
    ck_assert_int_eq(open_named(many, &info, &ds), RN_OK);
    ck_assert_int_eq(info.classes, 256);
    ops->close(ds);
}
END_TEST

START_TEST(fingerprint)
{
    struct rn_dataset_info info;
    char before[72], after[72];
    void *ds;

    put(TRAIN_X, IDX(12, 3, 2, 2));
    put(TRAIN_Y, IDX(3, 3));
    for (int i = 0; i < 2; i++) {
        char *out = i ? after : before;
        ck_assert_int_eq(try_open(&ds, &info), RN_OK);
        ck_assert_int_eq(try_load(ds, &info, RN_TRAIN), RN_OK);
        ck_assert_int_eq(ops->fingerprint(ds, RN_TRAIN, out), RN_OK);
        ops->close(ds);
        put(TRAIN_X, gz(IDX(12, 3, 2, 2)));
    }
    ck_assert_str_ne(before, after);
    ck_assert_ptr_eq(strstr(before, "sha256:"), before);
}
END_TEST

/* ---- wrong files ---------------------------------------------------------- */

START_TEST(header_fields)
{
    const struct bytes x = IDX(12, 3, 2, 2), y = IDX(3, 3);

    bad_images(set(x, 0, 1), "not an IDX file: begins with 01 00");
    bad_images(set(x, 1, 1), "not an IDX file");
    bad_images(set(x, 2, 9), "type 09");
    bad_images(set(x, 2, 0x0d), "type 0d");
    bad_images(set(x, 3, 1), "has 1 dimensions, at least 2 and at most 4");
    bad_images(set(x, 3, 5), "has 5 dimensions");
    bad_images(set(x, 3, 0), "has 0 dimensions");
    bad_images(set(x, 3, 255), "has 255 dimensions");
    bad_images(set(x, 3, 2), "the file holds");
    bad_images(set(x, 7, 2), "says 2 x 2 x 2 bytes, but the file holds 4 more");
    bad_images(set(x, 7, 4), "says 4 x 2 x 2 bytes, but the file holds 4 fewer");
    bad_images(set(x, 11, 3), "6 fewer");
    bad_images(set(x, 15, 1), "6 more");
    bad_images(set(x, 7, 0), "dimension 1 is 0");
    bad_images(set(x, 11, 0), "dimension 2 is 0");
    bad_images(set(x, 15, 0), "dimension 3 is 0");
    bad_images(set(x, 4, 255), "more than the");
    bad_labels(set(y, 0, 8), "not an IDX file");
    bad_labels(set(y, 2, 0x0b), "type 0b");
    bad_labels(set(y, 3, 2), "has 2 dimensions");
    bad_labels(set(y, 3, 0), "has 0 dimensions");
    bad_labels(set(y, 7, 4), "1 fewer");
    bad_labels(set(y, 7, 2), "1 more");
    bad_labels(set(y, 7, 0), "dimension 1 is 0");
    bad_labels(IDX(4, 4), "4 labels for the 3 images");
    bad_labels(IDX(2, 2), "2 labels for the 3 images");
}
END_TEST

START_TEST(every_length)
{
    const struct bytes x = IDX(12, 3, 2, 2), y = IDX(3, 3);

    for (size_t n = 0; n < x.n; n++)
        bad_images(cut(x, 0, n), n < 4 ? "not an IDX file: only" : n < 16 ? "header" : "fewer");
    for (size_t n = 0; n < y.n; n++)
        bad_labels(cut(y, 0, n), n < 4 ? "not an IDX file: only" : n < 8 ? "header" : "fewer");
    bad_images(join(x, (struct bytes){.n = 1}), "1 more");
    bad_images(join(x, x), "28 more");
    bad_labels(join(y, (struct bytes){.n = 2}), "2 more");
}
END_TEST

START_TEST(huge_dims)
{
    bad_images(IDX(0, 0xffffffff, 0xffffffff, 0xffffffff), "more than the");
    bad_images(IDX(0, 0x80000000, 0x80000000, 4), "more than the"); /* 2^64: wraps to 0 */
    bad_images(IDX(0, 0x10000, 0x10000, 0x10000, 0x10000), "more than the");
    bad_images(IDX(0, 0xffffffff, 1, 1), "more than the");
    bad_images(IDX(0, 0xf0000000, 1, 1), "fewer");
    bad_images(gz(IDX(0, 0xf0000000, 1, 1)), "gzipped bytes can hold");
    bad_labels(gz(IDX(0, 0xf0000000)), "gzipped bytes can hold");
}
END_TEST

START_TEST(gzip_damage)
{
    const struct bytes x = IDX(12, 3, 2, 2), z = gz(x);

    for (size_t n = 2; n < z.n; n++) {
        put(TRAIN_X, cut(z, 0, n));
        put(TRAIN_Y, IDX(3, 3));
        bad("");
    }
    for (size_t at = 0; at < z.n; at++) {
        if (at >= 3 && at < 10) /* text flag, time, system: nothing depends on them */
            continue;
        put(TRAIN_X, set(z, at, z.at[at] ^ 1));
        bad("");
    }
    bad_images(set(z, z.n - 8, z.at[z.n - 8] ^ 1), "incorrect data check");
    bad_images(join(z, (struct bytes){.n = 1}), "");
    bad_images(join(z, (struct bytes){.n = 8}), "");
    bad_images(join(z, set((struct bytes){.n = 4}, 0, 12)), "");
    bad_images(join(z, z), "holds more");
    bad_images(join(z, cut(z, 0, z.n - 1)), "");
    bad_images(gz(join(x, (struct bytes){.n = 1000})), "1000 more");
    bad_images(gz(cut(x, 0, 20)), "8 fewer");
    bad_images(gz(cut(x, 0, 9)), "header");
    bad_images(join(gz(cut(x, 0, 20)), gz((struct bytes){.n = 1})), "holds 7 fewer");
    bad_images(gz(z), "not an IDX file: begins with 1f 8b");
}
END_TEST

START_TEST(bomb)
{
    enum { MIB = 1 << 20 };
    z_stream z = {0};
    uint8_t *zeros = calloc(1, MIB), *out = malloc(MIB);
    uint32_t one[] = {1, 28, 28};
    struct bytes head = idx(8, 3, one, 0);

    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = MIB;
    z.next_in = head.at;
    z.avail_in = (uInt)head.n;
    ck_assert_int_eq(deflate(&z, Z_NO_FLUSH), Z_OK);
    for (int i = 0; i < 256; i++) {
        z.next_in = zeros;
        z.avail_in = MIB;
        ck_assert_int_eq(deflate(&z, i == 255 ? Z_FINISH : Z_NO_FLUSH),
                         i == 255 ? Z_STREAM_END : Z_OK);
    }
    size_t n = MIB - z.avail_out;
    deflateEnd(&z);
    put(TRAIN_Y, IDX(1, 1));
    ck_assert_int_eq(file_write(in_dir(TRAIN_X), out, n), RN_OK);
    bad("more");                       /* by the trailer */
    memset(out + n - 4, 0, 4);         /* and when that lies: by inflating one byte too many */
    out[n - 4] = 0x20, out[n - 3] = 3; /* 16 + 784 */
    ck_assert_int_eq(file_write(in_dir(TRAIN_X), out, n), RN_OK);
    bad("holds more");
    free(zeros);
    free(out);
}
END_TEST

START_TEST(no_files)
{
    bad("no training images here; looked for train-images-idx3-ubyte, "
        "train-images-idx3-ubyte.gz, train-images.idx3-ubyte, train-images.idx3-ubyte.gz");
    put(TRAIN_X, IDX(12, 3, 2, 2));
    bad("no training labels here; looked for train-labels-idx1-ubyte");
    put(TRAIN_Y, IDX(3, 3));
    put(TEST_Y, IDX(3, 3));
    bad("no test images here");
    unlink(in_dir(TEST_Y));
    put(TEST_X, IDX(12, 3, 2, 2));
    bad("no test labels here");
    put(TEST_Y, IDX(3, 3));
    good(3, 3);
    put(TEST_X, IDX(18, 3, 3, 2));
    bad("does not go with the 3 x 2 x 2");
    put(TEST_X, IDX(6, 3, 2));
    bad("does not go with");
    file_remove_tree(dir);
    bad("no such folder");
}
END_TEST

START_TEST(no_regular_files)
{
    put(TRAIN_Y, IDX(3, 3));
    ck_assert_int_eq(mkfifo(in_dir(TRAIN_X), 0600), 0);
    bad("not a regular file");
    unlink(in_dir(TRAIN_X));
    ck_assert_int_eq(symlink("/dev/zero", in_dir(TRAIN_X)), 0);
    bad("not a regular file");
    unlink(in_dir(TRAIN_X));
    ck_assert_int_eq(mkdir(in_dir(TRAIN_X), 0700), 0);
    bad("not a regular file");
    rmdir(in_dir(TRAIN_X));
    put(TRAIN_X, IDX(12, 3, 2, 2));
    ck_assert_int_eq(truncate(in_dir(TRAIN_X), 5LL << 30), 0); /* sparse */
    bad("more than the");
}
END_TEST

/* ---- the real one --------------------------------------------------------- */

START_TEST(real_mnist)
{
    _Alignas(16) char opts[64] = {0};
    struct rn_dataset_info info = {.size = sizeof info};
    const char *path = getenv("RN_TEST_MNIST");
    char digest[HASH_TEXT];
    void *ds;

    ck_assert_ptr_nonnull(path);
    test_set_string(plugin, opts, "path", path);
    ck_assert_msg(ops->open(opts, &ds, &info) == RN_OK, "%s", error_text());
    ck_assert_int_eq(info.count[RN_TRAIN], 60000);
    ck_assert_int_eq(info.count[RN_TEST], 10000);
    ck_assert_int_eq(info.classes, 10);
    uint8_t *x = malloc(60000 * 784);
    float *y = malloc(60000 * sizeof *y);
    ck_assert_int_eq(ops->load(ds, RN_TRAIN, x, y), RN_OK);
    const float first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
    ck_assert_mem_eq(y, first, sizeof first);
    hash_sha256(x, 60000 * 784, digest); /* of the plain file behind its header */
    ck_assert_str_eq(digest,
                     "sha256:741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757");
    ck_assert_int_eq(ops->load(ds, RN_TEST, x, y), RN_OK);
    ck_assert_float_eq(y[0], 7);
    hash_sha256(x, 784, digest);
    ck_assert_str_eq(digest,
                     "sha256:8f6a418c9a639f9e14e96feca47a97df2a35a0a68ae2875431c5c80e05536941");
    ck_assert_int_eq(ops->load(ds, RN_TEST, x, y), RN_EBUG); /* it is gone */
    ops->close(ds);
    free(x);
    free(y);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mnist");
    TCase *t = tcase_create("idx");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, names_and_forms, 0, 4);
    tcase_add_test(t, shapes);
    tcase_add_test(t, members);
    tcase_add_test(t, given_names);
    tcase_add_test(t, class_names);
    tcase_add_test(t, fingerprint);
    tcase_add_test(t, header_fields);
    tcase_add_test(t, every_length);
    tcase_add_test(t, huge_dims);
    tcase_add_test(t, gzip_damage);
    tcase_add_test(t, bomb);
    tcase_add_test(t, no_files);
    tcase_add_test(t, no_regular_files);
    tcase_add_test(t, real_mnist);
    suite_add_tcase(s, t);
    return suite_run(s);
}
