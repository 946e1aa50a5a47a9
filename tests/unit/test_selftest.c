/* test_selftest.c - the CPU beside itself passes, and each fault of a device is found in the row of
 * the operation that has it, and in those of the layers, losses and optimizers that use it. */
#define _XOPEN_SOURCE 700
#include "run/selftest.h"

#include "base/error.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/selftest-XXXXXX", devices[64], link_to[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(devices, sizeof devices, "%s/devices", dir);
    snprintf(link_to, sizeof link_to, "%s/faulty.so", devices);
    ck_assert_int_eq(mkdir(devices, 0700), 0);
    ck_assert_int_eq(symlink(getenv("RN_FAULTY"), link_to), 0);
}

static void teardown(void)
{
    unlink(link_to);
    rmdir(devices);
    rmdir(dir);
    snprintf(dir, sizeof dir, "/tmp/selftest-XXXXXX");
    unsetenv("RN_FAULT");
    ck_assert_uint_eq(mem_live(), 0);
}

/* every: of the cases; each fault shows in many. */
static int run(const char *device, int64_t every, bool training, struct selftest **out)
{
    const char *const dirs[] = {dir};

    return selftest_run(&(struct selftest_plan){.device = device,
                                                .against = "{type: cpu, threads: 1}",
                                                .plugin_dirs = dirs,
                                                .n_plugin_dirs = 1,
                                                .every = every,
                                                .operations = every > 0,
                                                .training = training},
                        out);
}

static int run_layers(const char *device, struct selftest **out)
{
    const char *const dirs[] = {dir};

    return selftest_run(&(struct selftest_plan){.device = device,
                                                .against = "{type: cpu, threads: 1}",
                                                .plugin_dirs = dirs,
                                                .n_plugin_dirs = 1,
                                                .layers = true},
                        out);
}

static const struct selftest_row *row_of(const struct selftest *t, const char *part,
                                         const char *name)
{
    for (int i = 0; i < t->n_rows; i++)
        if (!strcmp(t->rows[i].part, part) && !strcmp(t->rows[i].name, name))
            return &t->rows[i];
    ck_abort_msg("there is no row %s, %s", part, name);
    return NULL;
}

static const char *complaint(const struct selftest *t)
{
    for (int i = 0; i < t->n_rows; i++)
        if (t->rows[i].failed)
            return t->rows[i].why;
    return "nothing";
}

START_TEST(the_cpu_is_itself)
{
    static const char *const all[] = {"fill",   "gemm",   "six",    "curve", "place", "draw",
                                      "reduce", "gather", "argmax", "task",  "conv",  "pool"};
    struct selftest *t;

    ck_assert_msg(run("{type: cpu, threads: 2}", 1, true, &t) == RN_OK, "%s", error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_int_ge(row_of(t, "operations", all[i])->cases, 200);
    ck_assert_int_eq(row_of(t, "mlp", "losses")->cases, 50);
    ck_assert_int_eq(row_of(t, "cnn", "losses")->cases, 50);
    ck_assert_int_eq(row_of(t, "cnn", "conv2d2 (conv2d)")->cases, 4);
    selftest_free(t);
}
END_TEST

static const struct {
    const char *fault, *row, *why;
} faults[] = {
    {"gemm_transposed", "gemm", "tb 1"},
    {"gemm_beta", "gemm", "beta"},
    {"unsteady", "gemm", "gemm"},
    {"map_rows", "six", "value"},
    {"map_block", "six", "moving"},
    {"map_draws", "draw", "value"},
    {"reduce_last_row", "reduce", "over 1"},
    {"gather_start", "gather", "moving"},
    {"argmax_transposed", "argmax", "value"},
    {"fill_outside", "fill", "outside of its output"},
    {"conv_bias", "conv", " bias"},
    {"pool_border", "pool", "inside"},
};

START_TEST(each_fault_is_found_and_named)
{
    struct selftest *t;

    setenv("RN_FAULT", faults[_i].fault, 1);
    ck_assert_msg(run("faulty", 9, false, &t) == RN_OK, "%s", error_text());
    ck_assert(!t->holds);
    const struct selftest_row *r = row_of(t, "operations", faults[_i].row);
    ck_assert_int_gt(r->failed, 0);
    ck_assert_msg(strstr(r->why, faults[_i].why) != NULL, "%s", r->why);
    for (int i = 0; i < t->n_rows; i++) /* maps are tried by several rows */
        if (&t->rows[i] != r && strncmp(faults[_i].fault, "map", 3) != 0)
            ck_assert_msg(!t->rows[i].failed, "%s: %s", t->rows[i].name, t->rows[i].why);
    selftest_free(t);
}
END_TEST

START_TEST(layers_of_the_cpu_are_those_of_itself)
{
    static const char *const some[][2] = {
        {"layers", "conv2d"}, {"layers", "residual"}, {"losses", "mse"}, {"optimizers", "adam"}};
    struct selftest *t;

    ck_assert_msg(run_layers("{type: cpu, threads: 2}", &t) == RN_OK, "%s", error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        ck_assert_int_ge(row_of(t, some[i][0], some[i][1])->cases, 10);
    for (int i = 0; i < t->n_rows; i++) /* a view computes nothing */
        ck_assert_str_ne(t->rows[i].name, "flatten");
    selftest_free(t);
}
END_TEST

/* Where a fault shows, and a row that does nothing of the kind. */
static const struct {
    const char *fault, *part, *row, *why, *fine_part, *fine_row;
} layer_faults[] = {
    {"gemm_transposed", "layers", "dense", "gradient of the input", "layers", "relu"},
    {"gemm_beta", "layers", "dense", "gradient of the input", "layers", "relu"},
    {"map_rows", "losses", "cross_entropy", "gradient of the prediction", "losses", "mse"},
    {"map_block", "optimizers", "adam", "parameter after", "layers", "dense"},
    {"map_draws", "layers", "dropout", "gradient of the input", "layers", "dense"},
    {"reduce_last_row", "layers", "batchnorm", "gradient of", "layers", "relu"},
    {"conv_bias", "layers", "conv2d", "output", "layers", "dense"},
    {"pool_border", "layers", "avgpool2d", "count_include_pad: false", "layers", "maxpool2d"},
};

START_TEST(each_fault_is_found_in_what_uses_it)
{
    struct selftest *t;

    setenv("RN_FAULT", layer_faults[_i].fault, 1);
    ck_assert_msg(run_layers("faulty", &t) == RN_OK, "%s", error_text());
    ck_assert(!t->holds);
    const struct selftest_row *r = row_of(t, layer_faults[_i].part, layer_faults[_i].row);
    ck_assert_int_gt(r->failed, 0);
    ck_assert_double_gt(r->worst, 1);
    ck_assert_msg(strstr(r->why, layer_faults[_i].why) != NULL, "%s", r->why);
    r = row_of(t, layer_faults[_i].fine_part, layer_faults[_i].fine_row);
    ck_assert_msg(!r->failed, "%s: %s", r->name, r->why);
    selftest_free(t);
}
END_TEST

/* Not so of a mean of one value, which no device rounds and this one does. */
START_TEST(rounding_is_no_fault_of_a_layer)
{
    static const char *const some[] = {"conv2d", "dense"};
    struct selftest *t;

    setenv("RN_FAULT", "rounds", 1);
    ck_assert_msg(run_layers("faulty", &t) == RN_OK, "%s", error_text());
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const struct selftest_row *r = row_of(t, "layers", some[i]);
        ck_assert_msg(!r->failed, "%s: %s", r->name, r->why);
        ck_assert_double_gt(r->worst, 0);
    }
    selftest_free(t);
}
END_TEST

/* Another device that rounds otherwise is no wrong one. */
START_TEST(rounding_is_no_fault_of_a_training)
{
    struct selftest *t;

    setenv("RN_FAULT", "rounds", 1);
    ck_assert_msg(run("faulty", 0, true, &t) == RN_OK, "%s", error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    const double gaps[] = {row_of(t, "mlp", "losses")->worst, row_of(t, "cnn", "losses")->worst};
    ck_assert(gaps[0] > 0 && gaps[1] > 0);
    selftest_free(t);
}
END_TEST

START_TEST(a_fault_shows_in_a_training)
{
    struct selftest *t;

    setenv("RN_FAULT", "conv_bias", 1);
    ck_assert_msg(run("faulty", 0, true, &t) == RN_OK, "%s", error_text());
    ck_assert(!t->holds);
    ck_assert_int_gt(row_of(t, "cnn", "conv2d2 (conv2d)")->failed, 0);
    ck_assert_int_eq(row_of(t, "mlp", "losses")->failed, 0);
    selftest_free(t);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_said)
{
    struct selftest *t;

    ck_assert_int_lt(run("nothing", 9, true, &t), 0);
    ck_assert_int_eq(error_exit_code(error_status()), 3);
    ck_assert_ptr_nonnull(strstr(error_text(), "device nothing can't be used: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("selftest");
    TCase *tc = tcase_create("devices");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, the_cpu_is_itself);
    tcase_add_loop_test(tc, each_fault_is_found_and_named, 0, sizeof faults / sizeof *faults);
    tcase_add_test(tc, layers_of_the_cpu_are_those_of_itself);
    tcase_add_loop_test(tc, each_fault_is_found_in_what_uses_it, 0,
                        sizeof layer_faults / sizeof *layer_faults);
    tcase_add_test(tc, rounding_is_no_fault_of_a_layer);
    tcase_add_test(tc, rounding_is_no_fault_of_a_training);
    tcase_add_test(tc, a_fault_shows_in_a_training);
    tcase_add_test(tc, a_device_that_is_not_there_is_said);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
