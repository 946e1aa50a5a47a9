/* dataset.h - what the tests of data sets share: a folder of files, opening and loading by options
 * as YAML, the messages of what is refused, failing memory and damaged files. */
#ifndef TEST_DATASET_H
#define TEST_DATASET_H

#include "plugin.h"
#include "options.h"
#include "suite.h"

#include <runner/dataset.h>

#include <check.h>
#include <stdarg.h>
#include <unistd.h>
#include <sys/stat.h>

#define DS_NAMES 64

/* What the last use of the data set gave. */
struct ds_result {
    int status;
    struct rn_dataset_info info;
    char name[DS_NAMES][64]; /* of classes */
    void *x[RN_SPLITS];
    float *y[RN_SPLITS];
    char sha256[RN_SPLITS][72];
};

static char ds_dir[64]; /* a fresh folder a test */
static const struct rn_plugin *ds_plugin;
static struct ds_result ds;
static long long ds_alloc_left = -1; /* allocations that still succeed; -1: all */

static inline bool ds_alloc_fails(void) { return ds_alloc_left >= 0 && ds_alloc_left-- <= 0; }

static inline void *ds_alloc(size_t bytes) { return ds_alloc_fails() ? NULL : mem_alloc(bytes); }

static inline int ds_read_file(const char *path, uint64_t max, void **data, uint64_t *bytes)
{
    *data = NULL;
    *bytes = 0;
    return ds_alloc_fails() ? FAIL(RN_ENOMEM, "out of memory: %s", path)
                            : file_read(path, max, data, bytes);
}

static inline void ds_setup(const char *name)
{
    static struct rn_host host;

    host = *test_host();
    host.alloc = ds_alloc;
    host.read_file = ds_read_file;
    snprintf(ds_dir, sizeof ds_dir, "/tmp/test_%s_XXXXXX", name);
    ck_assert_ptr_nonnull(mkdtemp(ds_dir));
    ds_plugin = *test_query("datasets", name)(&host);
}

static inline void ds_forget(void)
{
    for (int s = 0; s < RN_SPLITS; s++) {
        free(ds.x[s]);
        free(ds.y[s]);
    }
    memset(&ds, 0, sizeof ds);
}

static inline void ds_teardown(void)
{
    ds_forget();
    file_remove_tree(ds_dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- files ---------------------------------------------------------------- */

static inline const char *ds_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", ds_dir, name);
    return path;
}

/* Without the fsync of file_write(), and never over a file, which ext4 would flush: some tests
 * write thousands. */
static inline void ds_put(const char *name, const void *bytes, size_t n)
{
    unlink(ds_path(name));
    FILE *f = fopen(ds_path(name), "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void ds_put_text(const char *name, const char *text)
{
    ds_put(name, text, strlen(text));
}

static inline void ds_folder(const char *name) { ck_assert_int_eq(mkdir(ds_path(name), 0700), 0); }

/* ---- using the plugin ----------------------------------------------------- */

/* What the core checks before it believes a data set. */
static inline void ds_check_info(const struct rn_dataset_info *i)
{
    ck_assert(i->dtype == RN_U8 || i->dtype == RN_F32);
    ck_assert_int_gt(i->count[RN_TRAIN], 0);
    ck_assert_int_ge(i->count[RN_TEST], 0);
    ck_assert(i->input.rank >= 1 && i->input.rank <= RN_MAX_RANK);
    for (int d = 0; d < i->input.rank; d++)
        ck_assert_int_gt(i->input.dim[d], 0);
    ck_assert(i->classes >= 0 && i->target_width >= 1);
    ck_assert(!i->classes || i->target_width == 1);
    ck_assert_int_gt(strnlen(i->source, sizeof i->source), 0);
    ck_assert_int_lt(strnlen(i->source, sizeof i->source), sizeof i->source);
}

static inline int ds_load(const struct rn_dataset_ops *ops, void *handle, uint32_t s)
{
    const size_t n = (size_t)ds.info.count[s], width = (size_t)ds.info.target_width;

    /* of exactly the size, for ASan */
    ds.x[s] =
        malloc(n * (size_t)rn_count(&ds.info.input) * (ds.info.dtype == RN_U8 ? 1 : sizeof(float)));
    ds.y[s] = malloc(n * width * sizeof(float));
    RN_TRY(ops->load(handle, s, ds.x[s], ds.y[s]));
    for (size_t i = 0; ds.info.classes && i < n; i++)
        ck_assert(ds.y[s][i] >= 0 && ds.y[s][i] < (float)ds.info.classes);
    return ops->fingerprint(handle, s, ds.sha256[s]);
}

/* Everything that the core does with a data set, into ds; opts from options_from(). */
static inline int ds_use(const void *opts)
{
    const struct rn_dataset_ops *ops = ds_plugin->ops;
    void *handle = &ds;

    ds_forget();
    error_clear();
    ds.info.size = sizeof ds.info;
    ds.status = ops->open(opts, &handle, &ds.info);
    if (ds.status) {
        ck_assert_ptr_null(handle);
        return ds.status;
    }
    ds_check_info(&ds.info);
    for (int64_t c = 0; ds.info.class_names && c < ds.info.classes && c < DS_NAMES; c++)
        snprintf(ds.name[c], sizeof ds.name[c], "%s", ds.info.class_names[c]);
    for (uint32_t s = 0; !ds.status && s < RN_SPLITS; s++)
        if (ds.info.count[s])
            ds.status = ds_load(ops, handle, s);
    ops->close(handle);
    return ds.status;
}

/* yaml is a form: each %s in it becomes the folder of the test. */
static inline void *ds_options(struct pool *p, const char *yaml)
{
    char text[1024] = "";
    size_t n = 0;

    for (const char *at = yaml; *at; at++) {
        bool dir = at[0] == '%' && at[1] == 's';
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", dir ? 63 : 1, dir ? ds_dir : at);
        at += dir;
        ck_assert_uint_lt(n, sizeof text);
    }
    return options_from(p, ds_plugin, text);
}

static inline int ds_try(const char *yaml)
{
    struct pool *p = pool_new();
    void *opts = ds_options(p, yaml);
    uint64_t before = mem_live();

    ds_use(opts);
    ck_assert_uint_eq(mem_live(), before);
    pool_free(p);
    return ds.status;
}

static inline void ds_good(const char *yaml)
{
    ck_assert_msg(ds_try(yaml) == RN_OK, "%s", error_text());
    for (int s = 0; s < RN_SPLITS; s++)
        ck_assert(!ds.info.count[s] || !strncmp(ds.sha256[s], "sha256:", 7));
}

/* It must be refused with status, in words that hold says, and leave nothing behind. */
static inline void ds_bad_status(int status, const char *yaml, const char *says)
{
    ck_assert_msg(ds_try(yaml) == status, "status %d; should say: %s; says: %s", ds.status, says,
                  error_text());
    ck_assert_msg(strstr(error_text(), says) != NULL, "says '%s', not '%s'", error_text(), says);
}

/* Bad data; the message must name a path in the folder, too. */
static inline void ds_bad(const char *yaml, const char *says)
{
    ds_bad_status(RN_EDATA, yaml, says);
    ck_assert_msg(strstr(error_text(), ds_dir) != NULL, "names no path: %s", error_text());
}

/* ---- faults --------------------------------------------------------------- */

/* Each allocation fails once; then all went well. */
static inline void ds_no_memory(const char *yaml)
{
    struct pool *p = pool_new();
    void *opts = ds_options(p, yaml);
    uint64_t before = mem_live();

    for (int n = 0;; n++) {
        ck_assert_int_lt(n, 1000);
        ds_alloc_left = n;
        int status = ds_use(opts);
        bool all = ds_alloc_left >= 0;
        ds_alloc_left = -1;
        ck_assert_uint_eq(mem_live(), before);
        if (all) {
            ck_assert_msg(!status, "%s", error_text());
            break;
        }
        ck_assert_msg(status == RN_ENOMEM, "allocation %d: %d, %s", n, status, error_text());
        ck_assert_int_eq(error_status(), RN_ENOMEM);
    }
    pool_free(p);
}

static inline uint32_t ds_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Damages a file in times ways: bytes changed, cut off, repeated. Whatever it is, it is read or
 * refused with a message; the sanitizers watch. The file is whole again afterwards. */
static inline void ds_damage(const char *yaml, const char *file, int times)
{
    static const uint8_t likely[] = {0, 1, 0x7f, 0x80, 0xff, '"', ',', '\n', '\'', '(', '9', '-'};
    struct pool *p = pool_new();
    void *opts = ds_options(p, yaml), *data;
    uint64_t before = mem_live(), bytes, state = 1, read = 0;

    ck_assert_int_eq(file_read(ds_path(file), 1 << 20, &data, &bytes), RN_OK);
    uint8_t *b = malloc(2 * bytes + 1);
    for (int t = 0; t < times; t++) {
        size_t n = bytes;
        memcpy(b, data, n);
        if (t % 8 == 6)
            n = ds_random(&state) % (n + 1);
        if (t % 8 == 7) {
            size_t from = ds_random(&state) % n;
            memcpy(b + n, b + from, bytes - from);
            n += bytes - from;
        }
        for (int flips = t % 4 + (t % 8 < 6); n && flips > 0; flips--) {
            uint32_t r = ds_random(&state), near = r % 3 ? 128 : UINT32_MAX; /* headers first */
            size_t at = ds_random(&state) % (n < near ? n : near);
            b[at] = r % 2 ? likely[r / 6 % sizeof likely] : (uint8_t)(b[at] ^ 1 << r / 6 % 8);
        }
        ds_put(file, b, n);
        int status = ds_use(opts);
        ck_assert_msg(!status || status == RN_EDATA || status == RN_EINVAL, "%d: %d, %s", t, status,
                      error_text());
        ck_assert(!status || error_text()[0]);
        ck_assert_uint_eq(mem_live(), before + 1);
        read += !status;
    }
    ck_assert_uint_lt(read, (uint64_t)times);
    ds_put(file, data, bytes);
    free(b);
    mem_free(data);
    pool_free(p);
}

/* ---- main ----------------------------------------------------------------- */

#endif
