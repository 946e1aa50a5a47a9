/* test_augmentations.c - what every augmentation promises, and each against a plain version in
 * double. */
#define _POSIX_C_SOURCE 200809L
#include "support/options.h"
#include "support/plugin.h"
#include "support/suite.h"

#include <runner/augmentation.h>

#include <check.h>
#include <math.h>

#define KEY   0x1234567890abcdefu
#define GUARD 32 /* floats on either side */

static struct pool *pool;
static const float guard = -77777;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- running one -------------------------------------------------------------------------- */

struct images {
    int64_t n, h, w, channels;
    float *at;
};

static int64_t values(const struct images *i) { return i->h * i->w * i->channels; }

static float *guarded(int64_t n)
{
    float *p = pool_alloc(pool, (size_t)(n + 2 * GUARD) * sizeof *p);

    ck_assert_ptr_nonnull(p);
    for (int64_t i = 0; i < n + 2 * GUARD; i++)
        p[i] = i < GUARD || i >= GUARD + n ? guard : NAN;
    return p + GUARD;
}

static void check_guards(const float *p, int64_t n)
{
    for (int64_t i = 0; i < GUARD; i++)
        ck_assert(p[-1 - i] == guard && p[n + i] == guard);
}

/* Bytes, as images have them. */
static struct images bytes_of(int64_t n, int64_t h, int64_t w, int64_t channels)
{
    struct images out = {n, h, w, channels, guarded(n * h * w * channels)};

    for (int64_t i = 0; i < n * values(&out); i++)
        out.at[i] = (float)(rn_philox(9, 9, (uint64_t)i).v[0] & 255);
    return out;
}

struct wish {
    const char *name, *yaml;
    uint64_t key, draw;
    int64_t first_row;
};

/* in [n, h, w, channels] changed; everything written, nothing beside it. */
static float *changed(const struct wish *wish, const struct images *in)
{
    const struct rn_plugin *plugin = test_plugin("augmentations", wish->name);
    const struct rn_augmentation_ops *ops = plugin->ops;
    struct rn_augment_call c = {.size = sizeof c,
                                .opts = options_from(pool, plugin, wish->yaml),
                                .rows = in->n,
                                .h = in->h,
                                .w = in->w,
                                .channels = in->channels,
                                .in = in->at,
                                .key = wish->key ? wish->key : KEY,
                                .draw = wish->draw,
                                .first_row = wish->first_row};
    int64_t n = in->n * values(in);
    int64_t scratch = ops->scratch ? ops->scratch(c.opts, in->h, in->w, in->channels) : 0;
    float *before = pool_alloc(pool, (size_t)n * sizeof *before);

    ck_assert_int_ge(scratch, 0);
    if (ops->check)
        ck_assert_int_eq(ops->check(c.opts, in->h, in->w, in->channels), RN_OK);
    c.out = guarded(n);
    c.scratch = scratch ? guarded(scratch) : NULL;
    memcpy(before, in->at, (size_t)n * sizeof *before);
    ops->apply(&c);
    check_guards(c.out, n);
    check_guards(in->at, n);
    if (scratch)
        check_guards(c.scratch, scratch);
    ck_assert_mem_eq(before, in->at, (size_t)n * sizeof *before);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(c.out[i]))
            ck_abort_msg("%s %s: value %lld was not written", wish->name, wish->yaml, (long long)i);
    return c.out;
}

/* ---- what all promise --------------------------------------------------------------------- */

static const char *const names[] = {"shift", "rotate", "scale", "erase", "elastic"};
static const int n_names = sizeof names / sizeof *names;
static const int64_t sizes[][3] = {{28, 28, 1}, {5, 9, 3}, {1, 7, 1},
                                   {7, 1, 2},   {1, 1, 1}, {33, 40, 4}};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

START_TEST(test_rows_stand_alone)
{
    for (int k = 0; k < N_SIZES; k++) {
        struct images all = bytes_of(12, sizes[k][0], sizes[k][1], sizes[k][2]), part = all;
        int64_t size = values(&all);

        const float *whole =
            changed(&(struct wish){names[_i], "{probability: 0.7}", 0, 5, 0}, &all);
        part.n = 4;
        part.at = guarded(4 * size);
        memcpy(part.at, all.at + 5 * size, (size_t)(4 * size) * sizeof *part.at);
        const float *again =
            changed(&(struct wish){names[_i], "{probability: 0.7}", 0, 5, 5}, &part);
        ck_assert_mem_eq(again, whole + 5 * size, (size_t)(4 * size) * sizeof *again);
    }
}
END_TEST

START_TEST(test_key_and_draw_matter)
{
    struct images in = bytes_of(8, 28, 28, 1);
    size_t bytes = (size_t)(in.n * values(&in)) * sizeof(float);
    const struct wish wishes[] = {{names[_i], "{probability: 1}", 0, 1, 0},
                                  {names[_i], "{probability: 1}", 0, 2, 0},
                                  {names[_i], "{probability: 1}", 7, 1, 0},
                                  {names[_i], "{probability: 1}", 0, 1, 8}};
    const float *out[4];

    for (int i = 0; i < 4; i++) {
        out[i] = changed(&wishes[i], &in);
        ck_assert(memcmp(out[i], in.at, bytes));
        for (int k = 0; k < i; k++)
            ck_assert(memcmp(out[i], out[k], bytes));
    }
}
END_TEST

/* Between bytes and fill nothing lies outside of both. */
START_TEST(test_in_range)
{
    struct images in = bytes_of(64, 28, 28, 1);
    const float *out =
        changed(&(struct wish){.name = names[_i], .yaml = "{probability: 1, fill: 0}"}, &in);

    for (int64_t i = 0; i < in.n * values(&in); i++)
        if (!(out[i] >= 0 && out[i] <= 255))
            ck_abort_msg("%s: %g is not in [0, 255]", names[_i], (double)out[i]);
}
END_TEST

START_TEST(test_large)
{
    struct images in = bytes_of(1, 224, 224, 3);

    changed(&(struct wish){.name = names[_i], .yaml = "{probability: 1}"}, &in);
}
END_TEST

START_TEST(test_identity)
{
    static const struct wish wishes[] = {
        {.name = "shift", .yaml = "{pixels: 0}"},
        {.name = "rotate", .yaml = "{degrees: 0}"},
        {.name = "scale", .yaml = "{low: 1, high: 1}"},
        {.name = "elastic", .yaml = "{alpha: 0}"},
        {.name = "shift", .yaml = "{probability: 0}"},
        {.name = "rotate", .yaml = "{probability: 0}"},
        {.name = "scale", .yaml = "{probability: 0}"},
        {.name = "erase", .yaml = "{probability: 0}"},
        {.name = "elastic", .yaml = "{probability: 0}"},
    };
    struct images in = bytes_of(5, 9, 7, 3);

    in.at[3] = -0.0f;
    in.at[4] = 1e-41f;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        ck_assert_mem_eq(changed(&wishes[i], &in), in.at,
                         (size_t)(in.n * values(&in)) * sizeof(float));
}
END_TEST

START_TEST(test_refused)
{
    static const struct {
        const char *name, *yaml, *says;
        int64_t h, w;
    } cases[] = {{"scale", "{low: 1.2, high: 1.1}", "low is 1.2 and high is 1.1", 28, 28},
                 {"erase", "{size: [0.3, 0.2]}", "size is [0.3, 0.2]", 28, 28},
                 {"erase", "{size: [0, 0.2]}", "size is [0, 0.2]", 28, 28},
                 {"erase", "{size: [0.5, 1.5]}", "size is [0.5, 1.5]", 28, 28},
                 {"erase", "{ratio: [-1, 2]}", "ratio is [-1, 2]", 28, 28},
                 {"elastic", "{}", "4096 x 4096 pixels", 4096, 4096}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rn_plugin *p = test_plugin("augmentations", cases[i].name);
        const struct rn_augmentation_ops *ops = p->ops;
        void *opts = options_from(pool, p, cases[i].yaml);

        ck_assert_int_eq(ops->check(opts, cases[i].h, cases[i].w, 1), RN_EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), cases[i].says));
    }
}
END_TEST

/* ---- plain versions ------------------------------------------------------------------------ */

static double number(const struct rn_augment_call *c, int64_t row, int64_t i)
{
    return (double)rn_augment_uniform(c, row, i);
}

static double pixel(const struct images *in, int64_t row, int64_t y, int64_t x, int64_t k,
                    double fill)
{
    if (y < 0 || y >= in->h || x < 0 || x >= in->w)
        return fill;
    return (double)in->at[((row * in->h + y) * in->w + x) * in->channels + k];
}

static double between(const struct images *in, int64_t row, double y, double x, int64_t k,
                      double fill)
{
    int64_t y0 = (int64_t)floor(y), x0 = (int64_t)floor(x);
    double v = y - (double)y0, u = x - (double)x0;

    return (1 - v) * (1 - u) * pixel(in, row, y0, x0, k, fill) +
           (1 - v) * u * pixel(in, row, y0, x0 + 1, k, fill) +
           v * (1 - u) * pixel(in, row, y0 + 1, x0, k, fill) +
           v * u * pixel(in, row, y0 + 1, x0 + 1, k, fill);
}

/* Where the pixel x, y of a row comes from. */
typedef void source_fn(const struct images *in, const struct rn_augment_call *c, int64_t row,
                       double *y, double *x);

static void compare(const struct wish *wish, const struct images *in, source_fn *source,
                    double fill, double tolerance)
{
    struct rn_augment_call c = {.key = KEY, .draw = wish->draw, .first_row = wish->first_row};
    const float *out = changed(wish, in);

    for (int64_t i = 0; i < in->n * values(in); i++) {
        int64_t row = i / values(in), k = i % in->channels, x = i / in->channels % in->w;
        int64_t y = i / in->channels / in->w % in->h;
        double from_y = (double)y, from_x = (double)x;

        source(in, &c, row, &from_y, &from_x);
        double wanted = between(in, row, from_y, from_x, k, fill);
        if (!(fabs(wanted - (double)out[i]) <= tolerance))
            ck_abort_msg("%s %s, row %lld, (%lld, %lld, %lld): %g, not %g", wish->name, wish->yaml,
                         (long long)row, (long long)y, (long long)x, (long long)k, (double)out[i],
                         wanted);
    }
}

static void from_shift(const struct images *in, const struct rn_augment_call *c, int64_t row,
                       double *y, double *x)
{
    (void)in;
    *y -= floor(number(c, row, 1) * 7) - 3;
    *x -= floor(number(c, row, 2) * 7) - 3;
}

static void from_rotate(const struct images *in, const struct rn_augment_call *c, int64_t row,
                        double *y, double *x)
{
    double angle = (2 * number(c, row, 1) - 1) * 70 * acos(-1) / 180;
    double cy = (double)(in->h - 1) / 2, cx = (double)(in->w - 1) / 2;
    double dy = cy - *y, dx = *x - cx; /* y up: a turn against the clock is positive */

    *x = cx + cos(-angle) * dx - sin(-angle) * dy;
    *y = cy - (sin(-angle) * dx + cos(-angle) * dy);
}

static void from_scale(const struct images *in, const struct rn_augment_call *c, int64_t row,
                       double *y, double *x)
{
    double s = 0.5 + 1.5 * number(c, row, 1);

    *x = (double)(in->w - 1) / 2 + (*x - (double)(in->w - 1) / 2) / s;
    *y = (double)(in->h - 1) / 2 + (*y - (double)(in->h - 1) / 2) / s;
}

START_TEST(test_against_plain)
{
    for (int k = 0; k < N_SIZES; k++) {
        struct images in = bytes_of(6, sizes[k][0], sizes[k][1], sizes[k][2]);

        compare(&(struct wish){"shift", "{pixels: 3, fill: 9}", 0, 3, 1}, &in, from_shift, 9, 0);
        compare(&(struct wish){"rotate", "{degrees: 70, fill: -5}", 0, 3, 1}, &in, from_rotate, -5,
                0.02);
        compare(&(struct wish){"scale", "{low: 0.5, high: 2, fill: 300}", 0, 3, 1}, &in, from_scale,
                300, 0.02);
    }
}
END_TEST

/* Turned by 90 degrees in one or the other direction, pixels move to pixels. */
START_TEST(test_quarter_turn)
{
    char yaml[64];

    for (int64_t row = 0; row < 20; row++) {
        struct rn_augment_call c = {.key = KEY};
        double share = 2 * number(&c, row, 1) - 1;
        struct images in = bytes_of(1, 8 + row % 2, 8 + row % 2, 2);
        int64_t last = in.w - 1;

        if (fabs(share) < 0.51)
            continue;
        snprintf(yaml, sizeof yaml, "{degrees: %.17g}", 90 / fabs(share));
        const float *out =
            changed(&(struct wish){.name = "rotate", .yaml = yaml, .first_row = row}, &in);
        for (int64_t y = 0; y <= last; y++)
            for (int64_t x = 0; x <= last; x++)
                for (int64_t k = 0; k < 2; k++) /* against the clock: the right side goes up */
                    ck_assert_float_eq_tol(out[(y * in.w + x) * 2 + k],
                                           (float)(share > 0 ? pixel(&in, 0, x, last - y, k, 0)
                                                             : pixel(&in, 0, last - x, y, k, 0)),
                                           1e-3f);
    }
}
END_TEST

/* ---- elastic ------------------------------------------------------------------------------- */

/* [h, w] numbers from `first` on, smoothed both ways */
static double *plain_field(const struct rn_augment_call *c, const struct images *in, int64_t row,
                           int64_t first, double sigma)
{
    int64_t radius = (int64_t)(3 * sigma + 0.5), n = in->h * in->w;
    double *noise = pool_alloc(pool, (size_t)n * sizeof *noise), sum = 0;
    double *out = pool_alloc(pool, (size_t)n * sizeof *out);

    for (int64_t i = 0; i < n; i++)
        noise[i] = 2 * number(c, row, first + i) - 1;
    for (int64_t k = -radius; k <= radius; k++)
        sum += exp(-(double)(k * k) / (2 * sigma * sigma));
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < in->h; y++)
            for (int64_t x = 0; x < in->w; x++) {
                int64_t dy = y - i / in->w, dx = x - i % in->w;
                if (llabs(dy) <= radius && llabs(dx) <= radius)
                    out[i] += exp(-(double)(dy * dy + dx * dx) / (2 * sigma * sigma)) / sum / sum *
                              noise[y * in->w + x];
            }
    return out;
}

static double plain_alpha, plain_sigma, *plain[2];
static int64_t plain_row;

static void from_elastic(const struct images *in, const struct rn_augment_call *c, int64_t row,
                         double *y, double *x)
{
    int64_t i = (int64_t)*y * in->w + (int64_t)*x, n = in->h * in->w;

    if (plain_row != row) {
        plain[0] = plain_field(c, in, row, 4, plain_sigma);
        plain[1] = plain_field(c, in, row, 4 + (n + 3) / 4 * 4, plain_sigma);
        plain_row = row;
    }
    *x += plain_alpha * plain[0][i];
    *y += plain_alpha * plain[1][i];
}

START_TEST(test_elastic)
{
    static const struct {
        double alpha, sigma;
    } cases[] = {{34, 4}, {3, 0.1}, {8, 1}, {200, 12}};
    char yaml[96];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < N_SIZES - 1; k++) {
            struct images in = bytes_of(2, sizes[k][0], sizes[k][1], sizes[k][2]);
            plain_alpha = cases[i].alpha;
            plain_sigma = cases[i].sigma;
            plain_row = -1;
            snprintf(yaml, sizeof yaml, "{alpha: %g, sigma: %g, fill: 20}", plain_alpha,
                     plain_sigma);
            compare(&(struct wish){"elastic", yaml, 0, 2, 70000}, &in, from_elastic, 20, 0.05);
        }
}
END_TEST

/* ---- statistics ---------------------------------------------------------------------------- */

/* Each of the 5 x 5 places as often as the others: chi square with 24 degrees of freedom. */
START_TEST(test_shift_is_uniform)
{
    enum { ROWS = 5000 };
    struct images in = {ROWS, 5, 5, 1, guarded(ROWS * 25)};
    double count[25] = {0}, chi = 0;

    for (int64_t i = 0; i < ROWS * 25; i++)
        in.at[i] = i % 25 == 12;
    const float *out = changed(&(struct wish){.name = "shift", .yaml = "{pixels: 2}"}, &in);
    for (int64_t i = 0; i < ROWS * 25; i++)
        count[i % 25] += (double)out[i];
    for (int i = 0; i < 25; i++)
        chi += pow(count[i] - ROWS / 25.0, 2) / (ROWS / 25.0);
    ck_assert_double_lt(chi, 52.6); /* exceeded once in 1500 keys */
}
END_TEST

/* What was erased: one rectangle, of the promised area and ratio but for whole pixels. */
START_TEST(test_erase_rectangles)
{
    enum { ROWS = 2000, SIDE = 40 };
    struct images in = {ROWS, SIDE, SIDE, 1, guarded(ROWS * SIDE * SIDE)};
    double hit = 0, share = 0;

    for (int64_t i = 0; i < ROWS * SIDE * SIDE; i++)
        in.at[i] = 1;
    const float *out = changed(&(struct wish){.name = "erase", .yaml = "{fill: -1}"}, &in);
    for (int64_t row = 0; row < ROWS; row++, out += SIDE * SIDE) {
        int64_t top = SIDE, bottom = -1, left = SIDE, right = -1, count = 0;

        for (int64_t i = 0; i < SIDE * SIDE; i++) {
            int64_t y = i / SIDE, x = i % SIDE;
            if (out[i] == 1)
                continue;
            count += out[i] == -1;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
            left = x < left ? x : left;
            right = x > right ? x : right;
        }
        if (!count)
            continue;
        double h = (double)(bottom - top + 1), w = (double)(right - left + 1);
        ck_assert_int_eq(count, (int64_t)(h * w));
        ck_assert_double_ge((h + 0.5) * (w + 0.5), 0.02 * SIDE * SIDE);
        ck_assert_double_le((h - 0.5) * (w - 0.5), 0.2 * SIDE * SIDE);
        ck_assert_double_ge((h + 0.5) / (w - 0.5), 0.3);
        ck_assert_double_le((h - 0.5) / (w + 0.5), 3.3);
        hit++;
        share += h * w / (SIDE * SIDE);
    }
    ck_assert_double_eq_tol(hit / ROWS, 0.5, 4 * 0.5 / sqrt(ROWS));
    ck_assert_double_eq_tol(share / hit, 0.11, 4 * 0.052 / sqrt(ROWS / 2.0));
}
END_TEST

/* Rectangles that are too large for the image are drawn again, or given up. */
START_TEST(test_erase_is_smaller)
{
    struct images in = bytes_of(200, 6, 4, 1);
    int64_t hit = 0, kept = 0;
    const float *out = changed(
        &(struct wish){.name = "erase",
                       .yaml = "{probability: 1, size: [0.4, 1], ratio: [0.1, 9], fill: -1}"},
        &in);

    for (int64_t row = 0; row < in.n; row++, out += 24) {
        int64_t lines = 0, columns = 0, count = 0;

        for (int64_t i = 0; i < 24; i++)
            count += out[i] == -1;
        for (int64_t y = 0; y < 6; y++)
            lines += out[y * 4] == -1 || out[y * 4 + 1] == -1 || out[y * 4 + 2] == -1 ||
                     out[y * 4 + 3] == -1;
        for (int64_t x = 0; x < 4; x++)
            for (int64_t y = 0; y < 6; y++)
                if (out[y * 4 + x] == -1) {
                    columns++;
                    break;
                }
        ck_assert_int_eq(count, lines * columns);
        ck_assert(lines < 6 && columns < 4);
        hit += count > 0;
        kept += count == 0;
    }
    ck_assert(hit > 100 && hit + kept == 200);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("augmentations");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_rows_stand_alone, 0, n_names);
    tcase_add_loop_test(t, test_key_and_draw_matter, 0, n_names);
    tcase_add_loop_test(t, test_in_range, 0, n_names);
    tcase_add_loop_test(t, test_large, 0, n_names);
    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_against_plain);
    tcase_add_test(t, test_quarter_turn);
    tcase_add_test(t, test_elastic);
    tcase_add_test(t, test_shift_is_uniform);
    tcase_add_test(t, test_erase_rectangles);
    tcase_add_test(t, test_erase_is_smaller);
    suite_add_tcase(s, t);
    return suite_run(s);
}
