/* test_synthetic.c - made samples: their shape, where they lie, and the same bytes each time. */
#define _GNU_SOURCE
#include "support/dataset.h"

#include <math.h>

static void setup(void) { ds_setup("synthetic"); }

static float *x(int split) { return ds.x[split]; }

START_TEST(defaults)
{
    ds_good("{}");
    ck_assert_uint_eq(ds.info.dtype, RN_F32);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 1000);
    ck_assert_int_eq(ds.info.count[RN_TEST], 500);
    ck_assert_int_eq(ds.info.classes, 3);
    ck_assert_int_eq(ds.info.input.rank, 1);
    ck_assert_int_eq(ds.info.input.dim[0], 2);
    ck_assert_int_eq(ds.info.input.channels, 0);
    ck_assert_str_eq(ds.info.source, "synthetic: blobs, seed 0");
    ds_good("{test_samples: 0}");
    ck_assert_int_eq(ds.info.count[RN_TEST], 0);
}
END_TEST

START_TEST(blobs_without_noise)
{
    ds_good("{classes: 4, features: 3, samples: 8, noise: 0}");
    const float at[4][3] = {{1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}};
    for (int i = 0; i < 8; i++) {
        ck_assert_float_eq(ds.y[RN_TRAIN][i], (float)(i % 4));
        for (int f = 0; f < 3; f++)
            ck_assert_float_eq_tol(x(RN_TRAIN)[i * 3 + f], at[i % 4][f], 1e-7f);
    }
}
END_TEST

/* Against libm, which the plugin does without. */
START_TEST(spirals_without_noise)
{
    ds_good("{kind: spirals, classes: 5, noise: 0, seed: 7}");
    double least = 1, most = 0;
    for (int i = 0; i < 1000; i++) {
        double a = x(RN_TRAIN)[2 * i], b = x(RN_TRAIN)[2 * i + 1], r = hypot(a, b);
        double angle = 2 * acos(-1) * (i % 5 / 5.0 + 0.65 * r);
        ck_assert_double_eq_tol(a, r * cos(angle), 1e-6);
        ck_assert_double_eq_tol(b, r * sin(angle), 1e-6);
        least = fmin(least, r);
        most = fmax(most, r);
    }
    ck_assert(least >= 0.1 && least < 0.11 && most < 1 && most > 0.99);
}
END_TEST

/* Mean, deviation and kurtosis of 20,000 samples, within some 5 standard errors. */
START_TEST(noise_is_normal)
{
    ds_good("{classes: 2, features: 20, samples: 1000, noise: 2}");
    double sum = 0, square = 0, fourth = 0;
    int n = 0;
    for (int i = 0; i < 1000; i++)
        for (int f = 2; f < 20; f++, n++) {
            double v = x(RN_TRAIN)[i * 20 + f] / 2;
            sum += v, square += v * v, fourth += v * v * v * v;
        }
    ck_assert_double_eq_tol(sum / n, 0, 0.04);
    ck_assert_double_eq_tol(square / n, 1, 0.05);
    ck_assert_double_eq_tol(fourth / n, 3, 0.4);
}
END_TEST

START_TEST(regression_is_linear)
{
    ds_good("{kind: regression, features: 2, samples: 50, test_samples: 50, noise: 0}");
    ck_assert_int_eq(ds.info.classes, 0);
    ck_assert_int_eq(ds.info.target_width, 1);
    const float *a = x(RN_TRAIN), *y = ds.y[RN_TRAIN]; /* two samples say the weights */
    double det = (double)a[0] * a[3] - (double)a[1] * a[2];
    double w0 = ((double)y[0] * a[3] - (double)y[1] * a[1]) / det;
    double w1 = ((double)y[1] * a[0] - (double)y[0] * a[2]) / det;
    ck_assert(fabs(w0) > 1e-3 && fabs(w1) > 1e-3);
    for (int s = 0; s < RN_SPLITS; s++)
        for (int i = 0; i < 50; i++)
            ck_assert_double_eq_tol(ds.y[s][i], w0 * x(s)[2 * i] + w1 * x(s)[2 * i + 1], 1e-5);
}
END_TEST

/* What a seed gives is a promise: these digests may never change. */
START_TEST(the_same_bytes)
{
    const char *const yaml[] = {
        "{}", "{kind: spirals, classes: 2, noise: 0.05, seed: 3}",
        "{kind: regression, features: 5, samples: 100, test_samples: 10, seed: 12345678901}"};
    const char *const train[] = {
        "sha256:87966f50b9805e82cff0db1a91beb9cdd6e85b423c425751f93c24dd45c46879",
        "sha256:3b24e71ad561db1a338b275693559b6cb22d23aef5078e30993f4d0edf477a62",
        "sha256:ca4118b438db3de04904484052a33f6056dfbe06b053eb7f96db7e2b1895d89f"};

    const char *const test =
        "sha256:c84a7cd61c73bdb9115e6dcab62f6bd72c1be13763a6912fc94d96ac41223ab9";

    for (int i = 0; i < 3; i++) {
        ds_good(yaml[i]);
        ck_assert_str_eq(ds.sha256[RN_TRAIN], train[i]);
    }
    ck_assert_str_eq(ds.sha256[RN_TEST], test); /* of the regression */
}
END_TEST

START_TEST(what_a_seed_changes)
{
    char before[72];

    ds_good("{seed: 1}");
    snprintf(before, sizeof before, "%s", ds.sha256[RN_TRAIN]);
    ck_assert_str_ne(ds.sha256[RN_TRAIN], ds.sha256[RN_TEST]);
    ck_assert_float_ne(x(RN_TRAIN)[0], x(RN_TEST)[0]);
    ds_good("{seed: 1}");
    ck_assert_str_eq(ds.sha256[RN_TRAIN], before);
    ds_good("{seed: 1, test_samples: 3}"); /* sample by sample, whatever the counts */
    ck_assert_str_eq(ds.sha256[RN_TRAIN], before);
    ds_good("{seed: 2}");
    ck_assert_str_ne(ds.sha256[RN_TRAIN], before);
}
END_TEST

START_TEST(refused)
{
    ds_bad_status(RN_EINVAL, "{kind: spirals, features: 3}", "spirals have 2, not 3");
    ds_bad_status(RN_EINVAL, "{features: 1}", "need 2 or more");
    ds_bad_status(RN_EINVAL, "{samples: 2}", "2 are too few for 3 classes");
    ds_good("{kind: regression, features: 1, samples: 1}");
}
END_TEST

START_TEST(memory) { ds_no_memory("{}"); }
END_TEST

int main(void)
{
    Suite *s = suite_create("synthetic");
    TCase *t = tcase_create("samples");

    tcase_add_checked_fixture(t, setup, ds_teardown);
    tcase_add_test(t, defaults);
    tcase_add_test(t, blobs_without_noise);
    tcase_add_test(t, spirals_without_noise);
    tcase_add_test(t, noise_is_normal);
    tcase_add_test(t, regression_is_linear);
    tcase_add_test(t, the_same_bytes);
    tcase_add_test(t, what_a_seed_changes);
    tcase_add_test(t, refused);
    tcase_add_test(t, memory);
    suite_add_tcase(s, t);
    return suite_run(s);
}
