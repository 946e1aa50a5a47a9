/* test_metrics.c - metrics against scikit-learn's values (golden/metrics.txt), and the odd cases
 * that it refuses. */
#include "train/metrics.h"

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void teardown(void) { ck_assert_uint_eq(mem_live(), 0); }

/* ---- golden values -------------------------------------------------------------------------- */

enum { VALUES = 4096 };

static void read_floats(char *line, float *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = strtof(line, &line);
    ck_assert_str_eq(line, "");
}

/* Compares one "METRIC value" with ours. */
static void check_value(const char *name, const struct metric_input *in, char *line)
{
    char *value = strchr(line, ' ');
    double got, wanted = strtod(value, NULL);

    *value = '\0';
    const struct metric *m = metric_find(line);
    ck_assert_msg(m, "there is no metric %s", line);
    ck_assert_int_eq(metric_compute(m, in, &got), RN_OK);
    ck_assert_msg(fabs(got - wanted) <= 1e-12 * fmax(1, fabs(wanted)), "%s %s: %.17g, not %.17g",
                  name, line, got, wanted);
}

START_TEST(test_golden)
{
    static float scores[VALUES], targets[VALUES];
    struct metric_input in = {.scores = scores, .targets = targets};
    char path[512], name[64] = "";
    void *data;
    uint64_t bytes;
    int cases = 0, compared = 0;

    snprintf(path, sizeof path, "%s/tests/golden/metrics.txt", getenv("RN_SOURCE"));
    ck_assert_int_eq(file_read(path, 1 << 20, &data, &bytes), RN_OK);
    for (char *line = data, *next; line && *line; line = next) {
        long long n, width, target_width, classes, logits;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (sscanf(line, "case %63s %lld %lld %lld %lld %lld", name, &n, &width, &target_width,
                   &classes, &logits) == 6) {
            in.n = n;
            in.width = width;
            in.target_width = target_width;
            in.classes = classes;
            in.logits = logits != 0;
            ck_assert(n * width <= VALUES && n * target_width <= VALUES);
            cases++;
        } else if (!strncmp(line, "scores ", 7)) {
            read_floats(line + 6, scores, in.n * in.width);
        } else if (!strncmp(line, "targets ", 8)) {
            read_floats(line + 7, targets, in.n * in.target_width);
        } else if (strcmp(line, "end") != 0) {
            check_value(name, &in, line);
            compared++;
        }
    }
    mem_free(data);
    ck_assert_int_eq(cases, 19);
    ck_assert_int_eq(compared, 15 * 4 + 4 * 2);
}
END_TEST

/* ---- odd cases ------------------------------------------------------------------------------ */

static double value_of(const char *name, struct metric_input in)
{
    double out = -1;

    in.target_width = in.target_width ? in.target_width : 1;
    in.logits = true;
    ck_assert_int_eq(metric_compute(metric_find(name), &in, &out), RN_OK);
    return out;
}

START_TEST(test_nan)
{
    const float x[] = {NAN, 1, 2, 0, NAN, NAN, NAN, NAN, 3, NAN, 1, 2}, truth[] = {2, 0, 1};
    struct metric_input in = {3, 4, x, truth, 1, 4, true};

    ck_assert_double_eq(value_of("accuracy", in), 2.0 / 3); /* classes 2, 0, 0 */
    ck_assert_double_eq(value_of("top3", in), 1.0 / 3); /* in the second 3, 2, 1 stand before 0 */
    ck_assert_double_eq(value_of("macro_f1", in), (1.0 + 2.0 / 3 + 0) / 3);
    ck_assert(isnan(value_of("calibration_error", in)));
    ck_assert(isnan(
        value_of("mse", (struct metric_input){.n = 3, .width = 1, .scores = x, .targets = truth})));
    ck_assert(isnan(
        value_of("mae", (struct metric_input){.n = 3, .width = 1, .scores = x, .targets = truth})));
}
END_TEST

START_TEST(test_infinite)
{
    const float x[] = {0, INFINITY, 1, -INFINITY, 0, 1}, truth[] = {1, 0};
    struct metric_input in = {2, 3, x, truth, 1, 3, true};

    ck_assert_double_eq(value_of("accuracy", in), 0.5);
    ck_assert(isnan(value_of("calibration_error", in)));
    ck_assert(isinf(
        value_of("mse", (struct metric_input){.n = 2, .width = 1, .scores = x, .targets = truth})));
}
END_TEST

START_TEST(test_nothing)
{
    for (int i = 0; metric_at(i); i++) {
        struct metric_input in = {.width = 2, .target_width = metric_at(i)->classes ? 1 : 2};
        ck_assert(isnan(value_of(metric_at(i)->name, in)));
    }
}
END_TEST

/* 1 belongs to the last bin; a bin is compared as a whole. */
START_TEST(test_bins)
{
    const float p[] = {0.25f, 0.75f, 0.9375f, 0.0625f, 1, 0}, truth[] = {1, 1, 0};
    struct metric_input in = {3, 2, p, truth, 1, 2, false};
    double out;

    /* 0.75 in the bin to 0.8; 0.9375, wrong, and 1, right, in that to 1 */
    ck_assert_int_eq(metric_compute(metric_find("calibration_error"), &in, &out), RN_OK);
    ck_assert_double_eq_tol(out, (0.25 + fabs(1 - 1.9375)) / 3, 1e-15);
}
END_TEST

START_TEST(test_refused)
{
    const float x[] = {0, 1, 2, 3}, truth[] = {0, 2}, half[] = {0.5f, 1}, none[] = {NAN, 0};
    const struct {
        const char *metric;
        struct metric_input in;
        int status;
        const char *says;
    } cases[] = {
        {"macro_f1",
         {2, 2, x, truth, 1, 2, true},
         RN_EDATA,
         "sample 1 has the class 2, expected 0 to 1"},
        {"accuracy", {2, 2, x, half, 1, 2, true}, RN_EDATA, "sample 0 has the class 0.5"},
        {"top3", {2, 2, x, none, 1, 2, true}, RN_EDATA, "sample 0 has the class nan"},
        {"accuracy", {2, 1, x, truth, 1, 3, true}, RN_ESHAPE, "one score and the data has 3"},
        {"mse", {1, 4, x, truth, 2, 0, true}, RN_ESHAPE, "gives 4 values and the target has 2"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double out = 0;
        ck_assert_int_eq(metric_compute(metric_find(cases[i].metric), &cases[i].in, &out),
                         cases[i].status);
        ck_assert(isnan(out));
        ck_assert_ptr_nonnull(strstr(error_text(), cases[i].says));
    }
}
END_TEST

START_TEST(test_table)
{
    int n = 0;

    for (; metric_at(n); n++) {
        ck_assert_ptr_eq(metric_find(metric_at(n)->name), metric_at(n));
        ck_assert_str_ne(metric_at(n)->summary, "");
        ck_assert_int_eq(metric_at(n)->higher_is_better,
                         metric_at(n)->classes && strcmp(metric_at(n)->name, "calibration_error"));
    }
    ck_assert_int_eq(n, 6);
    ck_assert_ptr_null(metric_find("top"));
    ck_assert_ptr_null(metric_find(""));
    ck_assert_ptr_null(metric_at(-1));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, test_golden);
    tcase_add_test(t, test_nan);
    tcase_add_test(t, test_infinite);
    tcase_add_test(t, test_nothing);
    tcase_add_test(t, test_bins);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_table);
    suite_add_tcase(s, t);
    return suite_run(s);
}
