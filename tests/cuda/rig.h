/* rig.h - the CUDA device on the emulator, for its tests: opened, with a log of its calls. */
#ifndef CUDA_RIG_H
#define CUDA_RIG_H

#include "support/options.h"
#include "support/plugin.h"
#include "support/suite.h"

#include <runner/device.h>

#include <unistd.h>

RN_MAP(plus, 2, 1, 0, y0 = x0 + x1;);
RN_MAP(shifted, 3, 1, 0, y0 = expf(x0 - x1) * x2 + (float)(row - col););

static struct pool *pool;
static char dir[] = "/tmp/cuda-XXXXXX", log_path[64];
static void *log_read;

static inline struct rn_device *open_with(const char *yaml)
{
    const struct rn_plugin *cuda = test_plugin("devices", "cuda");
    const struct rn_device_ops *ops = cuda->ops;
    struct rn_device *d = NULL;

    if (ops->open(options_from(pool, cuda, yaml), &d) < 0)
        return NULL;
    d->ops = ops;
    return d;
}

static inline struct rn_device *opened(void)
{
    struct rn_device *d = open_with("{}");

    ck_assert_msg(d != NULL, "%s", error_text());
    return d;
}

static inline void setup(void)
{
    pool = pool_new();
    unlink(log_path);
    setenv("RN_EMU_LOG", log_path, 1);
    unsetenv("RN_EMU_FAIL");
}

static inline void teardown(void)
{
    pool_free(pool);
    mem_free(log_read);
    log_read = NULL;
    ck_assert_uint_eq(mem_live(), 0);
}

static inline float *floats(struct rn_device *d, int64_t n)
{
    void *p = NULL;

    ck_assert_msg(d->ops->alloc(d, (size_t)n * sizeof(float), &p) == RN_OK, "%s", error_text());
    return p;
}

static inline char *log_text(void) /* until the next */
{
    uint64_t n;

    mem_free(log_read);
    ck_assert_int_eq(file_read(log_path, 1 << 26, &log_read, &n), RN_OK);
    return log_read;
}

static inline int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* A softmax, its row sums, a product and an update, as a step has them. */
static inline void record_step(struct rn_device *d, float *at, struct rn_recording **out)
{
    const int64_t rows = 6, cols = 10;
    float *x = at, *peak = at + 100, *share = at + 200, *total = at + 300, *c = at + 400;

    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    d->ops->reduce(
        d, &(struct rn_reduce){
               .rows = rows, .cols = cols, .in = x, .out = peak, .op = RN_MAX, .over = RN_PER_ROW});
    d->ops->map(d, &shifted,
                &(struct rn_map_call){.rows = rows,
                                      .cols = cols,
                                      .in = {x, peak, peak},
                                      .span = {RN_EACH, RN_PER_ROW, RN_PER_ROW},
                                      .out = {share}});
    d->ops->reduce(d,
                   &(struct rn_reduce){
                       .rows = rows, .cols = cols, .in = share, .out = total, .over = RN_PER_ROW});
    d->ops->gemm(d, &(struct rn_gemm){.m = cols,
                                      .n = cols - 2,
                                      .k = rows,
                                      .lda = cols,
                                      .ldb = cols,
                                      .ldc = cols,
                                      .a = x,
                                      .b = share,
                                      .c = c,
                                      .ta = 1});
    d->ops->map(
        d, &plus,
        &(struct rn_map_call){.rows = 1, .cols = 60, .in = {x, share}, .out = {x}, .beta = {0}});
    ck_assert_msg(d->ops->capture_end(d, out) == RN_OK, "%s", error_text());
}

/* Runs the tests of a case, which is freed, in a folder of their own. */
static inline int rig_run(const char *name, TCase *t)
{
    char command[100];

    if (!mkdtemp(dir))
        return 1;
    snprintf(log_path, sizeof log_path, "%s/log", dir);
    Suite *s = suite_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) || failed;
}

#endif
