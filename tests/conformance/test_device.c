/* test_device.c - every operation of the CPU device, in float, against the reference in double:
 * over awkward shapes, with 1, 2 and 3 threads and with all work delayed, done at once and
 * replayed. All of these have to agree to the last bit. RN_TEST_DEVICE names another device. */
#define _GNU_SOURCE
#include "support/cpu.h"
#include "verify/device_cases.h"
#include "verify/ref_device.h"
#include "support/value.h"
#include "support/suite.h"

#include <check.h>
#include <float.h>

/* the device under test, each way, and the reference */
static const char *const ways[] = {"1 thread", "2 threads", "3 threads", "2 threads, late"};
enum { WAYS = sizeof ways / sizeof *ways };
static struct rn_device *device[WAYS], *reference;
static int n_ways; /* another device than the CPU has no threads: it is taken twice */
static bool host_visible;
static struct pool *pool;
static double want[CASE_MAX], room_for[CASE_MAX], first[CASE_MAX], got[CASE_MAX];

static void setup(void)
{
    pool = pool_new();
    struct rn_device_info info = {.size = sizeof info};

    n_ways = test_device_other() ? 2 : WAYS;
    for (int i = 0; i < n_ways; i++)
        device[i] = test_device(pool, i < 3 ? i + 1 : 2, i == 3);
    ck_assert_int_eq(device[0]->ops->info(device[0], &info), RN_OK);
    host_visible = info.host_visible;
    ck_assert_int_eq(ref_device_open(&reference), RN_OK);
}

static void teardown(void)
{
    for (int i = 0; i < n_ways; i++)
        device[i]->ops->close(device[i]);
    ref_device_close(reference);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static const char *way(int i) { return test_device_other() ? "it once more" : ways[i]; }

/* ---- comparing ------------------------------------------------------------------ */

static void done_by(struct rn_device *d, const struct device_case *c, enum case_how how,
                    double *out, int64_t *n)
{
    if (device_case_f32(d, c, how, out, n) < 0)
        ck_abort_msg("%s: %s", device_case_text(c), error_text());
}

static void compare(const struct device_case *c, int64_t n)
{
    struct device_case absolute = *c;
    struct case_gap gap;
    int64_t n_want, n_room;

    absolute.absolute = c->op != CASE_CURVE; /* nothing cancels in a curve */
    ck_assert_int_eq(device_case_f64(reference, c, CASE_REPLAYED, want, &n_want), RN_OK);
    ck_assert_int_eq(device_case_f64(reference, &absolute, CASE_REPLAYED, room_for, &n_room),
                     RN_OK);
    ck_assert(n_want == n && n_room == n);
    device_case_compare(device_case_roundings(c) * (double)FLT_EPSILON, first, want, room_for, n,
                        &gap);
    if (!(gap.worst <= 1))
        ck_abort_msg("%s: value %d is %.9g, not %.9g", device_case_text(c), (int)gap.at,
                     first[gap.at], want[gap.at]);
    ck_assert_msg(gap.error <= 1e-12 * gap.norm, "%s: error %g", device_case_text(c),
                  gap.error / gap.norm);
}

static int check(void *ctx, const struct device_case *c)
{
    int64_t n, n_got;

    if (++*(int64_t *)ctx % test_every())
        return RN_OK;
    if (c->op == CASE_TASK && !c->apart && !host_visible)
        return RN_OK;
    done_by(device[0], c, CASE_REPLAYED, first, &n);
    for (int i = 0; i < n_ways; i++)
        for (int how = c->moves ? CASE_REPLAYED : CASE_EAGER; how <= CASE_REPLAYED; how++) {
            done_by(device[i], c, (enum case_how)how, got, &n_got);
            if (n_got != n || memcmp(got, first, (size_t)n * sizeof *got))
                ck_abort_msg("%s: other bits with %s, %s", device_case_text(c), way(i),
                             how == CASE_EAGER ? "done at once" : "replayed");
        }
    compare(c, n);
    return RN_OK;
}

START_TEST(it_is_right)
{
    int64_t cases = _i;

    ck_assert_int_eq(device_cases(_i, check, &cases), RN_OK);
}
END_TEST

/* ---- what the reference shares with it, by hand ------------------------------------ */

static double element(int input, int span, int64_t row, int64_t col, int64_t cols)
{
    int64_t at = span == RN_EACH      ? row * cols + col
                 : span == RN_PER_COL ? col
                 : span == RN_PER_ROW ? row
                                      : 0;

    return (double)(float)test_value(23 + (uint64_t)input, at); /* after three outputs */
}

static void check_six(int64_t i, int span, int64_t cols, int64_t stride)
{
    double x[6];

    for (int k = 0; k < 6; k++)
        x[k] = element(k, k ? span >> 2 * k & 3 : RN_EACH, i / cols, i % cols, cols);
    const double y[] = {x[0] * 1.25 + x[1] * 0.5, x[2] + x[3] * x[4], x[5] - 2 * x[0]};
    for (int k = 0; k < 3; k++) {
        double v = first[k * stride + CASE_GUARD + i];

        if (!(fabs(v - y[k]) < 1e-6))
            ck_abort_msg("span %d, y%d[%d]: %g, not %g", span, k, (int)i, v, y[k]);
    }
}

START_TEST(spans_by_hand)
{
    enum { ROWS = 3, COLS = 21, PRIME = 37 };
    const int step = test_every() > 1 ? PRIME : 1; /* where each is compiled, it takes minutes */
    int64_t n;

    for (int span = 0; span < 1 << 12; span += 4 * step) { /* two bits an input, first RN_EACH */
        struct device_case c = {.op = CASE_SIX, .rows = ROWS, .cols = COLS, .span = span};

        done_by(device[span >> 2 & 1], &c, CASE_EAGER, first, &n);
        for (int64_t i = 0; i < ROWS * COLS; i++)
            check_six(i, span, COLS, ROWS * COLS + 2 * CASE_GUARD);
    }
}
END_TEST

START_TEST(places_and_draws_by_hand)
{
    struct device_case place = {.op = CASE_PLACE, .rows = 37, .cols = 29};
    struct device_case draw = {.op = CASE_DRAW, .rows = 37, .cols = 29, .moves = true};
    int64_t n;

    done_by(device[1], &place, CASE_EAGER, first, &n);
    for (int64_t i = 0; i < 37 * 29; i++)
        ck_assert_double_eq(first[CASE_GUARD + i], (double)(3 * (i / 29) + i % 29));
    done_by(device[1], &draw, CASE_REPLAYED, first, &n); /* the block says: draw 5 */
    for (int64_t i = 0; i < 37 * 29; i++)
        ck_assert_double_eq(first[CASE_GUARD + i], (double)rn_uniform(99, 5, (uint64_t)i));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("a device against the reference");
    TCase *tc = tcase_create("operations");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, it_is_right, 0, device_case_parts());
    tcase_add_test(tc, spans_by_hand);
    tcase_add_test(tc, places_and_draws_by_hand);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
