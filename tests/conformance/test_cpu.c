/* test_cpu.c - what the CPU device promises beside its operations: memory, delayed work, recordings
 * that do nothing by themselves, and denormals that are zero inside and alive outside. */
#define _GNU_SOURCE
#include "support/cpu.h"
#include "support/suite.h"
#include "train/profile.h"
#include "verify/ref_device.h"

#include <check.h>
#include <xmmintrin.h>

static struct pool *pool;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static float *device_floats(struct rn_device *d, int64_t n)
{
    void *p;

    ck_assert_int_eq(d->ops->alloc(d, (size_t)n * sizeof(float), &p), RN_OK);
    return p;
}

START_TEST(memory_is_aligned_and_zero)
{
    struct rn_device *d = test_cpu(pool, 1, false);

    for (size_t bytes = 1; bytes < 100000; bytes = bytes * 3 + 1) {
        unsigned char *p;
        void *raw;

        ck_assert_int_eq(d->ops->alloc(d, bytes, &raw), RN_OK);
        p = raw;
        ck_assert_uint_eq((uintptr_t)p % 256, 0);
        for (size_t i = 0; i < bytes; i++)
            if (p[i])
                ck_abort_msg("byte %zu of %zu is %d", i, bytes, p[i]);
        memset(p, 1, bytes);
        if (bytes % 2) /* the others are left to close() */
            d->ops->free(d, p);
    }
    void *raw;
    ck_assert_int_eq(d->ops->alloc(d, SIZE_MAX - 10, &raw), RN_ENOMEM);
    ck_assert_ptr_null(raw);
    d->ops->free(d, NULL);
    d->ops->discard(d, NULL);
    d->ops->close(d);
}
END_TEST

START_TEST(late_work_is_not_there_before_sync)
{
    struct rn_device *d = test_cpu(pool, 2, true);
    float *x = device_floats(d, 4), got[4];

    ck_assert_int_eq(d->ops->fill(d, x, 3, 4), RN_OK);
    ck_assert(x[0] == 0); /* what a plain read sees */
    ck_assert_int_eq(d->ops->sync(d), RN_OK);
    ck_assert(x[0] == 3);
    ck_assert_int_eq(d->ops->fill(d, x, 4, 4), RN_OK);
    ck_assert_int_eq(d->ops->download(d, got, x, sizeof got), RN_OK);
    ck_assert(got[3] == 4);
    d->ops->close(d);
}
END_TEST

START_TEST(a_recording_does_nothing_until_replayed)
{
    struct rn_device *d = test_cpu(pool, 2, false);
    float *x = device_floats(d, 4), value[4] = {1, 1, 1, 1}, got[4];
    const struct rn_block block = {0};
    struct rn_recording *rec;

    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    ck_assert_int_eq(d->ops->upload(d, x, value, sizeof value), RN_OK);
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    for (int i = 0; i < 3; i++) { /* the source is looked at in each replay */
        value[2] = (float)(i + 5);
        ck_assert_int_eq(d->ops->download(d, got, x, sizeof got), RN_OK);
        ck_assert(got[2] == (i ? (float)(i + 4) : 0));
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    }
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

START_TEST(info_names_the_machine)
{
    struct rn_device *d = test_cpu(pool, 3, false);
    struct rn_device_info info = {.size = sizeof info};

    ck_assert_int_eq(d->ops->info(d, &info), RN_OK);
    ck_assert_uint_eq(info.threads, 3);
    ck_assert_uint_ne(info.host_visible, 0);
    ck_assert_uint_gt(info.memory_bytes, 1 << 20);
    ck_assert(info.name[0] && strstr(info.detail, "oneDNN"));
    d->ops->close(d);
}
END_TEST

RN_MAP(times, 1, 1, 0, y0 = x0 * a0;);

static void multiply_all(struct rn_device *d, float *x, float *y, float by, bool recorded)
{
    struct rn_map_call c = {.rows = 200, .cols = 64, .in = {x}, .out = {y}, .arg = {by}};
    const struct rn_block block = {0};
    struct rn_recording *rec;

    if (recorded)
        ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    ck_assert_int_eq(d->ops->map(d, &times, &c), RN_OK);
    if (recorded) {
        ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
        d->ops->discard(d, rec);
    }
    ck_assert_int_eq(d->ops->sync(d), RN_OK);
}

#define CONTROL (~0x3fu) /* without the notes of what happened */

/* loop: threads - 1, and 3 more for replayed */
START_TEST(denormals_are_zero_inside_and_alive_outside)
{
    static const float start[] = {1e-30f, 1e-40f}, by[] = {1e-10f, 1e10f};
    struct rn_device *d = test_cpu(pool, _i % 3 + 1, false);
    float *x = device_floats(d, 200 * 64), *y = device_floats(d, 200 * 64);
    unsigned before = _mm_getcsr() & CONTROL;

    for (int k = 0; k < 2; k++) { /* a result, and an operand, that is denormal */
        for (int i = 0; i < 200 * 64; i++) {
            x[i] = start[k];
            y[i] = 7;
        }
        multiply_all(d, x, y, by[k], _i >= 3);
        for (int i = 0; i < 200 * 64; i++)
            if (y[i] != 0)
                ck_abort_msg("case %d, value %d: %g", k, i, (double)y[i]);
        ck_assert_uint_eq(_mm_getcsr() & CONTROL, before);
    }
    volatile float tiny = 1e-30f;
    ck_assert(tiny * 1e-10f > 0);
    d->ops->close(d);
}
END_TEST

/* loop: threads - 1 */
START_TEST(timings_are_of_the_operations_in_their_order)
{
    struct rn_device *d = test_cpu(pool, _i + 1, false);
    float *x = device_floats(d, 200 * 256), *y = device_floats(d, 200 * 256);
    struct rn_op_info info = {.size = sizeof info};
    struct rn_recording *rec;
    struct rn_timing at[192];
    static const struct rn_block block;
    uint32_t n, done = 0;

    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    d->ops->tag(d, 7);
    ck_assert_int_eq(d->ops->fill(d, x, 1, 200 * 256), RN_OK);
    d->ops->tag(d, 8);
    ck_assert_int_eq(rn_gemm(d, false, true, 200, 200, 256, x, x, 0, y), RN_OK);
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    ck_assert_int_eq(d->ops->op_info(d, rec, 0, &info), RN_OK);
    ck_assert_uint_eq(info.tag, 7);
    ck_assert_double_eq(info.bytes, 4.0 * 200 * 256);
    ck_assert_int_eq(d->ops->op_info(d, rec, 1, &info), RN_OK);
    ck_assert_uint_eq(info.tag, 8);
    ck_assert_str_eq(info.detail, "200 x 200 x 256");
    ck_assert_double_eq(info.flops, 2.0 * 200 * 200 * 256);
    ck_assert_int_eq(d->ops->op_info(d, rec, 2, &info), RN_EINVAL);
    ck_assert_int_eq(d->ops->replay_timed(d, rec, &block, at, 192, &n), RN_OK);
    ck_assert_uint_ge(n, 2);
    for (uint32_t i = 0; i < n; i++) {
        bool same = i && at[i].lane == at[i - 1].lane;

        ck_assert(at[i].op < 2 && at[i].lane <= (uint32_t)_i && at[i].end_ns >= at[i].begin_ns);
        ck_assert(!same || (at[i].op >= at[i - 1].op && at[i].begin_ns >= at[i - 1].end_ns));
        done |= 1u << at[i].op;
    }
    ck_assert_uint_eq(done, 3);
    ck_assert_float_eq(y[0], 256);
    ck_assert_int_eq(d->ops->replay_timed(d, rec, &block, at, (uint32_t)(_i + 1), &n), RN_OK);
    ck_assert_uint_ge(n, 2); /* what it takes, since there is room for one each */
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

START_TEST(one_thread_does_what_is_too_small_to_share)
{
    struct rn_recording *rec;
    struct rn_timing at[64];
    static const struct rn_block block;
    uint32_t n[2];

    for (int large = 0; large < 2; large++) {
        int64_t size = large ? 1 << 20 : 256;
        unsetenv("RN_TEAM");
        struct rn_device *d = test_cpu(pool, 3, false);
        float *x = device_floats(d, size);

        ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
        ck_assert_int_eq(d->ops->fill(d, x, 2, size), RN_OK);
        ck_assert_int_eq(d->ops->fill(d, x, 1, size), RN_OK);
        ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
        ck_assert_int_eq(d->ops->replay_timed(d, rec, &block, at, 64, &n[large]), RN_OK);
        ck_assert_float_eq(x[size - 1], 1);
        for (uint32_t i = 0; i < n[large]; i++)
            ck_assert(large || !at[i].lane);
        d->ops->discard(d, rec);
        d->ops->close(d);
    }
    ck_assert_uint_eq(n[0], 2);
    ck_assert_uint_gt(n[1], 3); /* in chunks */
}
END_TEST

START_TEST(a_device_that_times_nothing_is_refused_a_profile)
{
    struct model m = {.n_layers = 0};
    struct profile *p;

    ck_assert_int_eq(ref_device_open(&m.dev), RN_OK);
    ck_assert_int_eq(profile_open(pool, &m, true, &p), RN_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error_text(), "--profile"));
    m.dev->ops->close(m.dev);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the cpu device");
    TCase *tc = tcase_create("promises");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, memory_is_aligned_and_zero);
    tcase_add_test(tc, late_work_is_not_there_before_sync);
    tcase_add_test(tc, a_recording_does_nothing_until_replayed);
    tcase_add_test(tc, info_names_the_machine);
    tcase_add_loop_test(tc, denormals_are_zero_inside_and_alive_outside, 0, 6);
    tcase_add_loop_test(tc, timings_are_of_the_operations_in_their_order, 0, 3);
    tcase_add_test(tc, one_thread_does_what_is_too_small_to_share);
    tcase_add_test(tc, a_device_that_times_nothing_is_refused_a_profile);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
