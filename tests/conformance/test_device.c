/* test_device.c - every operation of the CPU device, in float, against the reference in double:
 * over awkward shapes, with 1, 2 and 3 threads and with all work delayed, done at once and
 * replayed. All of these have to agree to the last bit. */
#define _GNU_SOURCE
#include "device_case.h"
#include "support/cpu.h"
#include "verify/ref_device.h"
#include "support/value.h"
#include "support/suite.h"

#include <check.h>
#include <float.h>

static const int64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 129, 255, 1000};
enum { SIZES = sizeof sizes / sizeof *sizes };
enum { FEW = 9000 }; /* elements: what all pairs of sizes are tried up to */

/* the device under test, each way, and the reference */
static const char *const ways[] = {"1 thread", "2 threads", "3 threads", "2 threads, late"};
enum { WAYS = sizeof ways / sizeof *ways };
static struct rn_device *device[WAYS], *reference;
static struct pool *pool;
static double want[CASE_MAX], room_for[CASE_MAX], first[CASE_MAX], got[CASE_MAX];

static void setup(void)
{
    pool = pool_new();
    for (int i = 0; i < WAYS; i++)
        device[i] = test_cpu(pool, i < 3 ? i + 1 : 2, i == 3);
    ck_assert_int_eq(ref_device_open(&reference), RN_OK);
}

static void teardown(void)
{
    for (int i = 0; i < WAYS; i++)
        device[i]->ops->close(device[i]);
    ref_device_close(reference);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- comparing ------------------------------------------------------------------ */

const char *device_case_text(const struct device_case *c)
{
    static const char *const name[] = {"fill",   "gemm",   "six",    "curve", "place", "draw",
                                       "reduce", "gather", "argmax", "task",  "conv",  "pool"};
    static char text[400];
    const struct case_window *w = &c->window;
    int n = snprintf(
        text, sizeof text,
        "%s %dx%d k %d pad %d beta %g ta %d tb %d op %d over %d span %d dtype %d channels %d%s",
        name[c->op], (int)c->rows, (int)c->cols, (int)c->k, (int)c->pad, c->beta, c->ta, c->tb,
        c->op_code, c->over, c->span, c->dtype, (int)c->channels, c->moves ? ", moving" : "");

    if (c->op == CASE_CONV || c->op == CASE_POOL)
        snprintf(
            text + n, sizeof text - (size_t)n,
            ", image %dx%d kernel %dx%d stride %d dilation %d padding %d %d %d %d groups %d%s%s"
            "%s%s",
            w->h, w->w, w->kernel_h, w->kernel_w, w->stride, w->dilation, w->top, w->left,
            w->bottom, w->right, c->groups, c->bias ? " bias" : "", c->back ? " back" : "",
            c->inside ? " inside" : "", c->odd_values ? " odd" : "");
    return text;
}

/* how many products one value of a convolution's result adds up */
static double products(const struct device_case *c)
{
    const struct case_window *w = &c->window;
    double taps = (double)w->kernel_h * w->kernel_w;

    if (c->op_code == RN_CONV_FORWARD)
        return taps * (double)(c->channels / c->groups) + 1;
    return c->op_code == RN_CONV_GRAD_INPUT ? taps * (double)(c->cols / c->groups) + 1
                                            : (double)c->rows * w->h * w->w + 1;
}

/* How many roundings, as a multiple of FLT_EPSILON, of the result on absolute values. */
static double roundings(const struct device_case *c)
{
    int64_t n = c->over == RN_PER_ROW   ? c->cols
                : c->over == RN_PER_COL ? c->rows
                                        : c->rows * c->cols;
    switch (c->op) {
    case CASE_GEMM: return 8 * sqrt((double)c->k);
    case CASE_REDUCE: return c->op_code == RN_MAX && c->beta == 0 ? 0 : 4 * sqrt((double)n);
    case CASE_SIX: return 4;
    case CASE_CURVE: return 1e-6 / (double)FLT_EPSILON;
    case CASE_TASK: return 4;
    case CASE_GATHER: return c->channels ? 4 : 0;
    case CASE_CONV: return 8 * sqrt(products(c));
    case CASE_POOL: return c->op_code == RN_POOL_AVERAGE || c->back ? 16 : 0;
    default: return 0;
    }
}

static void compare(const struct device_case *c, int64_t n)
{
    struct device_case absolute = *c;
    double bound = roundings(c) * (double)FLT_EPSILON, error = 0, norm = 0;

    absolute.absolute = c->op != CASE_CURVE; /* nothing cancels in a curve */
    ck_assert_int_eq(device_case_f64(reference, c, CASE_REPLAYED, want), n);
    ck_assert_int_eq(device_case_f64(reference, &absolute, CASE_REPLAYED, room_for), n);
    for (int64_t i = 0; i < n; i++) {
        double off = fabs(first[i] - want[i]);

        if (isnan(want[i]) && isnan(first[i]))
            continue;
        if (!(first[i] == want[i] ||
              off <= bound * fabs(room_for[i]))) /* an assertion that passes costs a system call */
            ck_abort_msg("%s: value %d is %.9g, not %.9g", device_case_text(c), (int)i, first[i],
                         want[i]);
        if (want[i] != 77 && !isinf(want[i])) { /* no guard */
            error += off * off;
            norm += room_for[i] * room_for[i];
        }
    }
    ck_assert_msg(error <= 1e-12 * norm, "%s: error %g", device_case_text(c), error / norm);
}

static void check(struct device_case c)
{
    int64_t n = device_case_f32(device[0], &c, CASE_REPLAYED, first);

    for (int i = 0; i < WAYS; i++)
        for (int how = c.moves ? CASE_REPLAYED : CASE_EAGER; how <= CASE_REPLAYED; how++)
            if (device_case_f32(device[i], &c, (enum case_how)how, got) != n ||
                memcmp(got, first, (size_t)n * sizeof *got))
                ck_abort_msg("%s: other bits with %s, %s", device_case_text(&c), ways[i],
                             how == CASE_EAGER ? "done at once" : "replayed");
    compare(&c, n);
}

/* ---- the operations -------------------------------------------------------------- */

static const double betas[] = {0, 1, 0.5};

START_TEST(gemm_is_right)
{
    for (int j = 0; j < SIZES; j++)
        for (int t = 0; t < 4; t++) {
            struct device_case c = {.op = CASE_GEMM,
                                    .rows = sizes[_i],
                                    .cols = sizes[j],
                                    .k = sizes[(5 * _i + 3 * j + 7 * t) % SIZES],
                                    .pad = (_i + j + t) % 3,
                                    .beta = betas[(_i + 2 * j + t) % 3],
                                    .ta = t & 1,
                                    .tb = t >> 1};

            while (c.k > 1 && c.rows * c.cols * c.k > 200000)
                c.k /= 2;
            if (c.rows * c.cols <= FEW || !t)
                check(c);
        }
}
END_TEST

/* long sums, on few results */
START_TEST(gemm_sums_long_rows)
{
    static const int64_t k[] = {1024, 1025, 4096};

    for (int i = 0; i < 3; i++)
        for (int t = 0; t < 4; t++)
            check((struct device_case){
                .op = CASE_GEMM, .rows = 5, .cols = 33, .k = k[i], .ta = t & 1, .tb = t >> 1});
}
END_TEST

/* rows of operands that lie 512 and 1024 values apart; loop: both transposed or not */
START_TEST(gemm_of_rows_pages_apart)
{
    static const int64_t shape[][3] = {/* m, n, k */ {20, 512, 300},
                                       {40, 1024, 257},
                                       {15, 512, 9},
                                       {1024, 70, 65},
                                       {1024, 512, 20},
                                       {512, 20, 512},
                                       {70, 10, 1024}};

    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        check((struct device_case){.op = CASE_GEMM,
                                   .rows = shape[i][0],
                                   .cols = shape[i][1],
                                   .k = shape[i][2],
                                   .beta = betas[i % 3],
                                   .ta = _i & 1,
                                   .tb = _i >> 1});
    check((struct device_case){.op = CASE_GEMM,
                               .rows = 300,
                               .cols = 100,
                               .k = 40,
                               .pad = 206,
                               .ta = _i & 1,
                               .tb = _i >> 1});
}
END_TEST

START_TEST(maps_are_right)
{
    for (int j = 0; j < SIZES; j++) {
        int64_t rows = sizes[_i], cols = sizes[j];

        if (rows * cols > FEW)
            break;
        for (int moves = 0; moves < 2; moves++)
            check((struct device_case){.op = CASE_SIX,
                                       .rows = rows,
                                       .cols = cols,
                                       .span = (_i * SIZES + j) * 37,
                                       .beta = betas[(_i + j) % 3],
                                       .moves = moves});
        check((struct device_case){.op = CASE_CURVE, .rows = rows, .cols = cols});
        check((struct device_case){.op = CASE_PLACE, .rows = rows, .cols = cols});
        check((struct device_case){.op = CASE_DRAW, .rows = rows, .cols = cols, .moves = j & 1});
        check((struct device_case){.op = CASE_TASK, .rows = rows, .cols = cols});
        check((struct device_case){.op = CASE_FILL, .rows = rows, .cols = cols});
    }
}
END_TEST

START_TEST(reduce_is_right)
{
    static const int over[] = {RN_PER_ROW, RN_PER_COL, RN_ONE};

    for (int j = 0; j < SIZES && sizes[_i] * sizes[j] <= FEW; j++)
        for (int k = 0; k < 9; k++)
            check((struct device_case){.op = CASE_REDUCE,
                                       .rows = sizes[_i],
                                       .cols = sizes[j],
                                       .op_code = k % 3,
                                       .over = over[k / 3],
                                       .beta = betas[(_i + j + k) % 3],
                                       .moves = (_i + j + k) % 2});
}
END_TEST

/* more rows, or values, than one piece holds; pieces of the columns, too */
START_TEST(long_reduce_is_right)
{
    static const int64_t shape[][2] = {{3000, 1},  {2047, 16},  {2048, 17}, {2600, 64},
                                       {5001, 33}, {2100, 150}, {1, 70000}, {70001, 1}};

    for (int k = 0; k < 6; k++)
        check((struct device_case){.op = CASE_REDUCE,
                                   .rows = shape[_i][0],
                                   .cols = shape[_i][1],
                                   .op_code = k % 3,
                                   .over = k < 3 ? RN_PER_COL : RN_ONE,
                                   .beta = betas[(_i + k) % 3],
                                   .moves = (_i + k) % 2});
}
END_TEST

START_TEST(gather_is_right)
{
    for (int j = 0; j < SIZES && sizes[_i] * sizes[j] <= FEW; j++)
        for (int k = 0; k < 8; k++)
            check((struct device_case){.op = CASE_GATHER,
                                       .rows = sizes[_i],
                                       .cols = sizes[j] * (k & 2 ? 3 : 1),
                                       .dtype = k & 1 ? RN_U8 : RN_F32,
                                       .channels = k & 2   ? 3
                                                   : k & 4 ? 1
                                                           : 0,
                                       .span = (_i + j) % 4,
                                       .moves = k & 4});
}
END_TEST

START_TEST(argmax_is_right)
{
    for (int j = 0; j < SIZES; j++)
        check((struct device_case){.op = CASE_ARGMAX, .rows = sizes[_i], .cols = sizes[j]});
}
END_TEST

static const int64_t channel_counts[] = {1, 3, 8, 16, 17};
static const int64_t batches[] = {1, 2, 5, 33};
static const int images[][2] = {{9, 7}, {5, 11}, {13, 6}};
enum { CHANNELS = sizeof channel_counts / sizeof *channel_counts };

/* padding 0: none, 1: to the same size, 2: another on each side */
static struct case_window any_window(int kernel, int stride, int padding, int mix)
{
    struct case_window w = {.h = images[mix % 3][0],
                            .w = images[mix % 3][1],
                            .kernel_h = kernel,
                            .kernel_w = mix % 4 ? kernel : 1,
                            .stride = stride,
                            .dilation = kernel == 3 && padding && mix % 3 == 1 ? 2 : 1};

    if (padding == 1)
        w.top = w.left = w.bottom = w.right = (kernel - 1) * w.dilation / 2;
    if (padding == 2 && kernel > 1) {
        w.bottom = w.right = 1;
        w.left = kernel / 2;
    }
    w.left = w.left < w.kernel_w ? w.left : 0;
    w.right = w.right < w.kernel_w ? w.right : 0;
    return w;
}

/* loop: channels */
START_TEST(conv_is_right)
{
    int64_t channels = channel_counts[_i];

    for (int k = 0; k < 3 * 2 * 3 * 3; k++) {
        int pass = k % 3, mix = k / 3 + 5 * _i + k / 18;
        struct device_case c = {.op = CASE_CONV,
                                .op_code = pass,
                                .rows = batches[mix % 4],
                                .cols = channel_counts[(mix / 2) % CHANNELS],
                                .channels = channels,
                                .groups = 1,
                                .window =
                                    any_window(1 + 2 * (k / 3 % 3), 1 + k / 9 % 2, k / 18, mix),
                                .bias = pass == RN_CONV_FORWARD && mix % 3 != 2,
                                .beta = pass == RN_CONV_FORWARD ? 0 : betas[(mix + pass) % 3]};

        check(c);
        if (channels == 1 || k % 4)
            continue;
        c.groups = (int)channels; /* each channel alone, one filter or two */
        c.cols = channels * (1 + mix % 2);
        check(c);
        c.groups = channels % 2 ? 1 : 2;
        c.cols = 10;
        check(c);
    }
}
END_TEST

/* loop: channels */
START_TEST(pool_is_right)
{
    for (int k = 0; k < 2 * 3 * 2 * 3 * 2; k++) {
        int mix = k + 3 * _i + k / 12;
        struct device_case c = {.op = CASE_POOL,
                                .op_code = k % 2 ? RN_POOL_AVERAGE : RN_POOL_MAX,
                                .rows = batches[mix % 4],
                                .channels = channel_counts[_i],
                                .groups = 1,
                                .window =
                                    any_window(2 + k / 2 % 3, 1 + k / 6 % 2, k / 12 % 3, mix)};

        c.inside = c.op_code == RN_POOL_AVERAGE && mix % 2;
        c.odd_values = c.op_code == RN_POOL_MAX && mix % 3 != 2;
        check(c);
        c.back = true;
        c.beta = betas[mix % 3];
        check(c);
    }
}
END_TEST

START_TEST(large_ones_are_right)
{
    static const int64_t large[][2] = {{1000, 1000}, {1000, 255}, {255, 1000}, {1, 100000}};
    int64_t rows = large[_i][0], cols = large[_i][1];

    for (int over = RN_PER_COL; over <= RN_ONE; over++)
        check((struct device_case){
            .op = CASE_REDUCE, .rows = rows, .cols = cols, .op_code = over % 3, .over = over});
    check((struct device_case){
        .op = CASE_SIX, .rows = rows, .cols = cols, .span = 0x1e4, .beta = 1, .moves = true});
    check((struct device_case){
        .op = CASE_GATHER, .rows = rows, .cols = 255, .dtype = RN_U8, .channels = 1});
    check((struct device_case){.op = CASE_FILL, .rows = rows, .cols = cols});
    check((struct device_case){.op = CASE_ARGMAX, .rows = rows, .cols = cols});
    check((struct device_case){.op = CASE_TASK, .rows = rows, .cols = cols});
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
    enum { ROWS = 3, COLS = 21 };

    for (int span = 0; span < 1 << 12; span += 4) { /* two bits an input, the first is RN_EACH */
        struct device_case c = {.op = CASE_SIX, .rows = ROWS, .cols = COLS, .span = span};

        device_case_f32(device[span >> 2 & 1], &c, CASE_EAGER, first);
        for (int64_t i = 0; i < ROWS * COLS; i++)
            check_six(i, span, COLS, ROWS * COLS + 2 * CASE_GUARD);
    }
}
END_TEST

START_TEST(places_and_draws_by_hand)
{
    struct device_case place = {.op = CASE_PLACE, .rows = 37, .cols = 29};
    struct device_case draw = {.op = CASE_DRAW, .rows = 37, .cols = 29, .moves = true};

    device_case_f32(device[1], &place, CASE_EAGER, first);
    for (int64_t i = 0; i < 37 * 29; i++)
        ck_assert_double_eq(first[CASE_GUARD + i], (double)(3 * (i / 29) + i % 29));
    device_case_f32(device[1], &draw, CASE_REPLAYED, first); /* the block says: draw 5 */
    for (int64_t i = 0; i < 37 * 29; i++)
        ck_assert_double_eq(first[CASE_GUARD + i], (double)rn_uniform(99, 5, (uint64_t)i));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu against the reference");
    TCase *tc = tcase_create("operations");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, gemm_is_right, 0, SIZES);
    tcase_add_test(tc, gemm_sums_long_rows);
    tcase_add_loop_test(tc, gemm_of_rows_pages_apart, 0, 4);
    tcase_add_loop_test(tc, maps_are_right, 0, SIZES);
    tcase_add_loop_test(tc, reduce_is_right, 0, SIZES);
    tcase_add_loop_test(tc, long_reduce_is_right, 0, 8);
    tcase_add_loop_test(tc, gather_is_right, 0, SIZES);
    tcase_add_loop_test(tc, conv_is_right, 0, CHANNELS);
    tcase_add_loop_test(tc, pool_is_right, 0, CHANNELS);
    tcase_add_loop_test(tc, argmax_is_right, 0, SIZES);
    tcase_add_loop_test(tc, large_ones_are_right, 0, 4);
    tcase_add_test(tc, spans_by_hand);
    tcase_add_test(tc, places_and_draws_by_hand);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
