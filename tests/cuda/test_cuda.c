/* test_cuda.c - what the CUDA device promises beside its operations, on the emulator: steps that
 * wait for nothing, chains that change no result, faults that are told and leave nothing behind,
 * kernels kept on disk. */
#define _GNU_SOURCE
#include "rig.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The emulator's late and early work is drawn with this seed. */
static void ordered_by(int seed)
{
    char text[16];

    snprintf(text, sizeof text, "%d", seed);
    setenv("RN_EMU_SEED", text, 1);
}

RN_MAP(twice, 1, 2, 0, y0 = 2 * x0; y1 = x0 * a0;);

/* ---- opening ------------------------------------------------------------------------------ */

START_TEST(it_says_what_it_is)
{
    struct rn_device *d = opened();
    struct rn_device_info info = {.size = sizeof info};

    ck_assert_int_eq(d->ops->info(d, &info), RN_OK);
    ck_assert_str_eq(info.name, "emulated on the CPU");
    ck_assert(strstr(info.detail, "compute capability 9.0") && strstr(info.detail, "NVRTC 13.0"));
    ck_assert(!info.host_visible && info.free_bytes < info.memory_bytes);
    ck_assert(info.reserve_bytes >= 256u << 20);
    d->ops->close(d);
}
END_TEST

START_TEST(a_card_that_is_not_there_is_told)
{
    ck_assert_ptr_null(open_with("{index: 3}"));
    ck_assert_msg(strstr(error_text(), "no card 3: this machine has 1") != NULL, "%s",
                  error_text());
}
END_TEST

START_TEST(memory_is_zero_and_freed_by_close)
{
    struct rn_device *d = opened();
    float *x = floats(d, 1000), got[1000];

    ck_assert_uint_eq((uintptr_t)x % 256, 0);
    ck_assert_int_eq(d->ops->download(d, got, x, sizeof got), RN_OK);
    for (int i = 0; i < 1000; i++)
        ck_assert(got[i] == 0);
    d->ops->free(d, NULL);
    d->ops->discard(d, NULL);
    d->ops->close(d); /* the emulator ends a program that leaves memory behind */
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
    struct rn_device *d = opened();
    void *p = d;

    ck_assert_int_eq(d->ops->alloc(d, (size_t)1 << 40, &p), RN_ENOMEM);
    ck_assert_ptr_null(p);
    ck_assert_msg(strstr(error_text(), "use a smaller batch") != NULL, "%s", error_text());
    d->ops->close(d);
}
END_TEST

/* cuBLAS counts in int. */
START_TEST(more_than_a_product_can_have_is_refused)
{
    const int64_t good[6] = {2, 2, 2, 2, 2, 2};
    struct rn_device *d = opened();
    float *x = floats(d, 8);

    for (int i = 0; i < 6; i++) {
        int64_t v[6];
        memcpy(v, good, sizeof v);
        v[i] = (int64_t)INT32_MAX + 1;
        const struct rn_gemm g = {v[0], v[1], v[2], v[3], v[4], v[5], x, x, x + 4, 0, 0, 0};
        ck_assert_msg(d->ops->gemm(d, &g) == RN_EUNSUPPORTED, "%d: %s", i, error_text());
    }
    d->ops->close(d);
}
END_TEST

/* What operations take for themselves is as much as they use: columns in three parts, of which the
 * sums are more than the least that is taken. */
START_TEST(a_sum_of_many_columns_has_room)
{
    enum { ROWS = 513, COLS = 6000 };
    struct rn_device *d = opened();
    float *in = floats(d, (int64_t)ROWS * COLS), *out = floats(d, COLS);
    static float got[COLS];

    ck_assert_int_eq(d->ops->fill(d, in, 1, (int64_t)ROWS * COLS), RN_OK);
    ck_assert_int_eq(
        d->ops->reduce(d,
                       &(struct rn_reduce){
                           .rows = ROWS, .cols = COLS, .in = in, .out = out, .over = RN_PER_COL}),
        RN_OK);
    ck_assert_int_eq(d->ops->download(d, got, out, sizeof got), RN_OK);
    for (int i = 0; i < COLS; i++)
        ck_assert_msg(got[i] == ROWS, "%d: %g", i, (double)got[i]);
    d->ops->close(d);
}
END_TEST

/* A task comes behind what was enqueued before it: an upload has read what the task changes. */
static void spoil(void *ctx, int64_t slice) { ((float *)ctx)[slice] = -1; }

START_TEST(a_task_waits_for_its_turn)
{
    ordered_by(_i);
    struct rn_device *d = opened();
    float *source, got[100], *x = floats(d, 100);

    ck_assert_int_eq(d->ops->host_alloc(d, sizeof got, (void **)&source), RN_OK);
    for (int i = 0; i < 100; i++)
        source[i] = (float)i;
    ck_assert_int_eq(d->ops->upload(d, x, source, sizeof got), RN_OK);
    ck_assert_int_eq(d->ops->task(d, spoil, source, 100), RN_OK);
    ck_assert_int_eq(d->ops->download(d, got, x, sizeof got), RN_OK);
    for (int i = 0; i < 100; i++)
        ck_assert_msg(source[i] == -1 && got[i] == (float)i, "%d: %g", i, (double)got[i]);
    d->ops->host_free(d, source);
    d->ops->close(d);
}
END_TEST

/* ---- convolutions ------------------------------------------------------------------------- */

enum {
    SIDE = 32,
    CHANNELS = 8,
    FILTERS = 2,
    IMAGES = 5,
    CONV_X = IMAGES * SIDE * SIDE * CHANNELS,
    CONV_Y = IMAGES * SIDE * SIDE * FILTERS,
    CONV_W = 9 * CHANNELS * FILTERS
};
struct convolved {
    float x[CONV_X], w[CONV_W], y[CONV_Y];
};

/* What each pass writes; col takes 288 KiB an image. */
static void convolve(const char *options, struct convolved *out)
{
    struct rn_device *d = open_with(options);
    struct convolved *in = mem_alloc(sizeof *in);
    float *value = (float *)in;
    struct rn_conv c = {.window = {.h = SIDE,
                                   .w = SIDE,
                                   .channels = CHANNELS,
                                   .out_h = SIDE,
                                   .out_w = SIDE,
                                   .kernel_h = 3,
                                   .kernel_w = 3,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .dilation_h = 1,
                                   .dilation_w = 1,
                                   .pad_top = 1,
                                   .pad_left = 1,
                                   .pad_bottom = 1,
                                   .pad_right = 1},
                        .filters = FILTERS,
                        .groups = 1,
                        .rows = IMAGES};

    ck_assert_ptr_nonnull(in);
    for (size_t i = 0; i < sizeof *in / sizeof(float); i++)
        value[i] = (float)((i * 37) % 101) / 50 - 1;
    for (int pass = 0; pass < 3; pass++) {
        c.x = floats(d, CONV_X);
        c.w = floats(d, CONV_W);
        c.y = floats(d, CONV_Y);
        c.pass = (uint8_t)pass;
        ck_assert_int_eq(d->ops->upload(d, c.x, in->x, sizeof in->x), RN_OK);
        ck_assert_int_eq(d->ops->upload(d, c.w, in->w, sizeof in->w), RN_OK);
        ck_assert_int_eq(d->ops->upload(d, c.y, in->y, sizeof in->y), RN_OK);
        ck_assert_msg(d->ops->conv(d, &c) == RN_OK, "%s", error_text());
        if (pass == RN_CONV_FORWARD)
            ck_assert_int_eq(d->ops->download(d, out->y, c.y, sizeof out->y), RN_OK);
        else if (pass == RN_CONV_GRAD_INPUT)
            ck_assert_int_eq(d->ops->download(d, out->x, c.x, sizeof out->x), RN_OK);
        else
            ck_assert_int_eq(d->ops->download(d, out->w, c.w, sizeof out->w), RN_OK);
    }
    mem_free(in);
    d->ops->close(d);
}

START_TEST(some_images_at_a_time_are_the_same)
{
    struct convolved *some = mem_alloc(2 * sizeof *some), *all = some + 1;

    ck_assert_ptr_nonnull(some);
    convolve("{conv_memory: 1M}", some);
    ck_assert_int_eq(count(log_text(), "  kernel im2col"), 2 * 2); /* three and two images */
    convolve("{conv_memory: 64M}", all);
    ck_assert(!memcmp(some->y, all->y, sizeof all->y));
    ck_assert(!memcmp(some->x, all->x, sizeof all->x));
    for (int i = 0; i < CONV_W; i++) /* a sum in two parts */
        ck_assert_double_eq_tol((double)some->w[i], (double)all->w[i], 0.02);
    mem_free(some);
}
END_TEST

/* ---- steps -------------------------------------------------------------------------------- */

START_TEST(a_steady_step_is_two_launches)
{
    struct rn_device *d = opened();
    struct rn_recording *step;
    const struct rn_block block = {0};

    record_step(d, floats(d, 1000), &step);
    ck_assert_int_eq(d->ops->replay(d, step, &block), RN_OK);
    const size_t before = strlen(log_text());
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(d->ops->replay(d, step, &block), RN_OK);
    const char *since = log_text() + before,
               *one = "cuLaunchKernel\n  kernel set_block\ncuGraphLaunch\n";
    for (int i = 0; i < 5; i++, since += strlen(one))
        ck_assert_msg(!strncmp(since, one, strlen(one)), "%s", since);
    ck_assert_str_eq(since, "");
    d->ops->discard(d, step);
    d->ops->close(d);
}
END_TEST

/* The values that change from step to step are those of the replay, not of the recording. */
START_TEST(a_replay_reads_its_own_block)
{
    struct rn_device *d = opened();
    float *x = floats(d, 8), *y = floats(d, 64), got[64], one[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct rn_recording *rec;

    ck_assert_int_eq(d->ops->upload(d, x, one, sizeof one), RN_OK);
    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    d->ops->map(d, &twice,
                &(struct rn_map_call){.rows = 1,
                                      .cols = 8,
                                      .in = {x},
                                      .out = {x, y},
                                      .arg = {9},
                                      .arg_from = {3},
                                      .out_from = {0, 2}});
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    for (int i = 0; i < 3; i++) {
        struct rn_block block = {0};
        block.f[3] = (float)(i + 1);
        block.u[2] = (uint64_t)(16 * i);
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    }
    ck_assert_int_eq(d->ops->download(d, got, y, sizeof got), RN_OK);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 8; k++)
            ck_assert_msg(got[16 * i + k] == (float)((k + 1) << i) * (float)(i + 1), "%d %d: %g", i,
                          k, (double)got[16 * i + k]);
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

/* ---- data that come while it works ----------------------------------------------------------- */

enum { BATCH = 512, STEPS = 9 };

/* Each step adds its half of the buffer to a sum; a copy that comes too early or too late shows. */
static void stream_batches(struct rn_device *d, float *sum)
{
    float *half[2] = {floats(d, BATCH), floats(d, BATCH)}, *total = floats(d, BATCH);
    struct rn_recording *rec[2];
    const struct rn_block block = {0};
    void *host[2];

    for (int h = 0; h < 2; h++) {
        ck_assert_int_eq(d->ops->host_alloc(d, BATCH * sizeof(float), &host[h]), RN_OK);
        ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
        for (int again = 0; again < 3; again++)
            d->ops->map(d, &plus,
                        &(struct rn_map_call){
                            .rows = 1, .cols = BATCH, .in = {total, half[h]}, .out = {total}});
        ck_assert_int_eq(d->ops->capture_end(d, &rec[h]), RN_OK);
    }
    size_t before = strlen(log_text());
    for (int i = 0; i < STEPS; i++) {
        uint32_t h = (uint32_t)i % 2;
        ck_assert_int_eq(d->ops->staged(d, h), RN_OK);
        for (int k = 0; k < BATCH; k++)
            ((float *)host[h])[k] = (float)(1 << i);
        ck_assert_int_eq(d->ops->stage(d, h, half[h], host[h], BATCH * sizeof(float)), RN_OK);
        ck_assert_int_eq(d->ops->replay(d, rec[h], &block), RN_OK);
    }
    ck_assert_int_eq(count(log_text() + before, "cuStreamSynchronize"), 0);
    ck_assert_int_eq(d->ops->download(d, sum, total, BATCH * sizeof(float)), RN_OK);
    for (int h = 0; h < 2; h++) {
        d->ops->host_free(d, host[h]);
        d->ops->discard(d, rec[h]);
    }
}

START_TEST(staged_batches_are_each_used_once)
{
    float sum[BATCH];

    ordered_by(_i);
    struct rn_device *d = opened();
    stream_batches(d, sum);
    for (int k = 0; k < BATCH; k++)
        ck_assert_msg(sum[k] == 3 * ((1 << STEPS) - 1), "%d: %g", k, (double)sum[k]);
    d->ops->close(d);
}
END_TEST

/* ---- faults ------------------------------------------------------------------------------- */

static void tagged_step(struct rn_device *d, float *at, struct rn_recording **rec)
{
    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    for (uint32_t tag = 1; tag <= 3; tag++) {
        d->ops->tag(d, tag);
        d->ops->map(d, tag == 2 ? &plus : &twice,
                    &(struct rn_map_call){
                        .rows = 8, .cols = tag, .in = {at, at + 100}, .out = {at + 200, at + 300}});
        d->ops->gemm(d, &(struct rn_gemm){.m = 2,
                                          .n = 2,
                                          .k = 2,
                                          .lda = 2,
                                          .ldb = 2,
                                          .ldc = 2,
                                          .a = at,
                                          .b = at,
                                          .c = at + 400});
    }
    ck_assert_int_eq(d->ops->capture_end(d, rec), RN_OK);
}

/* Without RN_SYNC the work that began last is named, with it the operation. */
START_TEST(a_fault_names_its_operation)
{
    const struct rn_block block = {0};
    struct rn_recording *rec;
    uint32_t tag = 0;
    int exact = -1, status = RN_OK;

    setenv("RN_SYNC", _i ? "1" : "0", 1);
    setenv("RN_EMU_FAIL", "kernel:chain_0_plus:1", 1);
    struct rn_device *d = opened();
    ck_assert_int_eq(d->ops->fault(d, &tag, &exact), RN_EINVAL);
    tagged_step(d, floats(d, 1000), &rec);
    status = d->ops->replay(d, rec, &block);
    ck_assert_int_eq(status, _i ? RN_EDEVICE : RN_OK);
    status = status < 0 ? status : d->ops->sync(d);
    ck_assert_int_eq(status, RN_EDEVICE);
    ck_assert_msg(strstr(error_text(), "illegal memory access") != NULL, "%s", error_text());
    ck_assert_int_eq(d->ops->fault(d, &tag, &exact), RN_OK);
    ck_assert_int_eq(exact, _i);
    ck_assert_uint_eq(tag, _i ? 2 : 1);                           /* that of 2 never began */
    ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_EDEVICE); /* it stays broken */
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

/* Everything once; the status of what failed first. */
static int all_of_it(void)
{
    const struct rn_block block = {0};
    struct rn_recording *rec = NULL;
    float got[64];
    void *p = NULL, *host = NULL;
    struct rn_device_info info = {.size = sizeof info};
    struct rn_timing timing[16];
    uint32_t n;
    struct rn_device *d = open_with("{}");

    if (!d)
        return RN_EDEVICE;
    int s = d->ops->info(d, &info);
    s = s < 0 ? s : d->ops->alloc(d, 4096, &p);
    float *at = p;
    s = s < 0 ? s : d->ops->upload(d, p, got, sizeof got);
    s = s < 0 ? s : d->ops->capture_begin(d);
    s = s < 0 ? s : d->ops->fill(d, at, 1, 64);
    s = s < 0
            ? s
            : d->ops->map(d, &plus,
                          &(struct rn_map_call){.rows = 1, .cols = 8, .in = {at, at}, .out = {at}});
    s = s < 0 ? s
              : d->ops->gemm(d, &(struct rn_gemm){.m = 2,
                                                  .n = 2,
                                                  .k = 2,
                                                  .lda = 2,
                                                  .ldb = 2,
                                                  .ldc = 2,
                                                  .a = at,
                                                  .b = at,
                                                  .c = at + 64});
    if (s >= 0)
        s = d->ops->capture_end(d, &rec);
    s = s < 0 ? s : d->ops->replay(d, rec, &block);
    s = s < 0 ? s : d->ops->replay_timed(d, rec, &block, timing, 16, &n);
    s = s < 0 ? s : d->ops->host_alloc(d, 256, &host);
    s = s < 0 ? s : d->ops->stage(d, 0, p, host, 256);
    s = s < 0 ? s : d->ops->staged(d, 0);
    s = s < 0 ? s : d->ops->download(d, got, p, sizeof got);
    s = s < 0 ? s : d->ops->sync(d);
    d->ops->host_free(d, host);
    d->ops->discard(d, rec);
    d->ops->free(d, p);
    d->ops->close(d);
    return s;
}

/* In a process of its own, as this one forks again: to TSan what a process with fibers forks has no
 * order. */
static void log_of_all(void)
{
    int status = 0;
    pid_t child = fork();

    if (!child) {
        int s = all_of_it();
        pool_free(pool);
        _exit(s == RN_OK ? 0 : 1);
    }
    waitpid(child, &status, 0);
    ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%d", status);
}

/* The failing call number n of each name ends in an error that is told, and nothing is left. */
START_TEST(each_call_may_fail)
{
    char *line, *rest = NULL, *calls, fail[128];
    int tried = 0;

    log_of_all();
    calls = log_text();
    for (line = strtok_r(calls, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        int number = 1;
        if (!strcmp(line, "cuMemFreeHost")) /* from here on things are only given back */
            break;
        if (line[0] == ' ' || strstr(line, "Destroy"))
            continue;
        for (const char *before = calls; before < line; before += strlen(before) + 1)
            number += !strcmp(before, line);
        snprintf(fail, sizeof fail, "%s:%d", line, number);
        tried++;
        pid_t child = fork();
        if (!child) {
            setenv("RN_EMU_FAIL", fail, 1);
            if (!strncmp(line, "nvrtc", 5)) /* nothing is kept there */
                setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
            int status = all_of_it();
            size_t text = strlen(error_text());
            pool_free(pool);
            mem_free(log_read);
            bool good = status < 0 && text > 10 && !mem_live();
            if (!good)
                fprintf(stderr, "%s: status %d, '%s', %zu bytes left\n", fail, status, error_text(),
                        mem_live());
            _exit(good ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%s: %d", fail, status);
    }
    ck_assert_int_gt(tried, 60);
}
END_TEST

/* ---- kernels on disk ------------------------------------------------------------------------- */

static int compiled_again(void)
{
    unlink(log_path);
    struct rn_device *d = opened();
    d->ops->close(d);
    return count(log_text(), "nvrtcCompileProgram");
}

START_TEST(kernels_are_kept_on_disk)
{
    char cache[80], path[400];

    snprintf(cache, sizeof cache, "%s/cache-%d", dir, (int)getpid());
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("RN_EMU_LOG", "", 1);
    pid_t child;
    for (int again = 0; again < 4; again++) {
        if (!(child = fork())) {
            snprintf(log_path, sizeof log_path, "%s/log-%d", dir, again);
            setenv("RN_EMU_LOG", log_path, 1);
            int want = again == 0 || again == 2;
            int got = compiled_again();
            _exit(got == want ? 0 : 10 + got);
        }
        int status = 0;
        waitpid(child, &status, 0);
        ck_assert_msg(status == 0, "time %d: %d", again, WEXITSTATUS(status) - 10);
        snprintf(path, sizeof path, "%s/runner/cuda", cache);
        DIR *list = opendir(path);
        struct dirent *e;
        while (again == 1 && (e = readdir(list)))
            if (e->d_name[0] != '.') { /* a byte of it turns: it is made again, not loaded */
                snprintf(path, sizeof path, "%s/runner/cuda/%.200s", cache, e->d_name);
                FILE *f = fopen(path, "r+e");
                fseek(f, 500, SEEK_SET);
                int c = fgetc(f);
                fseek(f, 500, SEEK_SET);
                fputc(c ^ 1, f);
                fclose(f);
            }
        closedir(list);
    }
}
END_TEST

START_TEST(nowhere_to_keep_them_is_no_error)
{
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    struct rn_device *d = opened();
    d->ops->close(d);
}
END_TEST

/* ---- profiles
 * ------------------------------------------------------------------------------------------------
 */

START_TEST(each_operation_has_its_time)
{
    struct rn_device *d = opened();
    struct rn_recording *step;
    const struct rn_block block = {0};
    struct rn_timing t[16];
    struct rn_op_info info = {.size = sizeof info};
    uint32_t n = 0;

    record_step(d, floats(d, 1000), &step);
    ck_assert_int_eq(d->ops->replay_timed(d, step, &block, t, 2, &n), RN_OK);
    ck_assert_uint_eq(n, 5); /* more room is needed */
    ck_assert_int_eq(d->ops->replay_timed(d, step, &block, t, 16, &n), RN_OK);
    ck_assert_uint_eq(n, 5);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_uint_eq(t[i].op, i);
        ck_assert_uint_le(t[i].begin_ns, t[i].end_ns);
        ck_assert(!i || t[i].begin_ns >= t[i - 1].end_ns);
        ck_assert_int_eq(d->ops->op_info(d, step, i, &info), RN_OK);
    }
    ck_assert_uint_gt(t[n - 1].end_ns, 0);
    ck_assert_int_eq(d->ops->op_info(d, step, 3, &info), RN_OK);
    ck_assert_str_eq(info.name, "gemm A'B");
    ck_assert_double_eq(info.flops, 2.0 * 10 * 8 * 6);
    ck_assert_double_eq(info.bytes, 4.0 * (10 * 6 + 6 * 8 + 10 * 8));
    ck_assert_int_eq(d->ops->op_info(d, step, 5, &info), RN_EINVAL);
    d->ops->discard(d, step);
    d->ops->close(d);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("device");

    tcase_add_test(t, it_says_what_it_is);
    tcase_add_test(t, a_card_that_is_not_there_is_told);
    tcase_add_test(t, memory_is_zero_and_freed_by_close);
    tcase_add_test(t, what_does_not_fit_is_an_error);
    tcase_add_test(t, more_than_a_product_can_have_is_refused);
    tcase_add_test(t, a_sum_of_many_columns_has_room);
    tcase_add_test(t, some_images_at_a_time_are_the_same);
    tcase_add_loop_test(t, a_task_waits_for_its_turn, 0, 10);
    tcase_add_test(t, a_steady_step_is_two_launches);
    tcase_add_test(t, a_replay_reads_its_own_block);
    tcase_add_loop_test(t, staged_batches_are_each_used_once, 0, 20);
    tcase_add_loop_test(t, a_fault_names_its_operation, 0, 2);
    tcase_add_test(t, each_call_may_fail);
    tcase_add_test(t, kernels_are_kept_on_disk);
    tcase_add_test(t, nowhere_to_keep_them_is_no_error);
    tcase_add_test(t, each_operation_has_its_time);
    return rig_run("cuda", t);
}
