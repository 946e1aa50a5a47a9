/* test_selftest.c - the CPU beside itself passes, and each fault of a device is found in the row of
 * the operation that has it, and in those of the layers, losses and optimizers that use it. */
#define _XOPEN_SOURCE 700
#include "run/selftest.h"

#include "base/error.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/selftest-XXXXXX", devices[64], link_to[64], far[64];

enum { OPERATIONS = 1, LAYERS = 2, TRAINING = 4, FEW = 8 };

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(devices, sizeof devices, "%s/devices", dir);
    snprintf(link_to, sizeof link_to, "%s/faulty.so", devices);
    ck_assert_int_eq(mkdir(devices, 0700), 0);
    ck_assert_int_eq(symlink(getenv("RN_FAULTY"), link_to), 0);
    char built[512];
    snprintf(built, sizeof built, "%s/devices/far.so", getenv("RN_FAR"));
    snprintf(far, sizeof far, "%s/far.so", devices);
    ck_assert_int_eq(symlink(built, far), 0);
}

static void teardown(void)
{
    unlink(link_to);
    unlink(far);
    rmdir(devices);
    rmdir(dir);
    snprintf(dir, sizeof dir, "/tmp/selftest-XXXXXX");
    unsetenv("RN_FAULT");
    ck_assert_uint_eq(mem_live(), 0);
}

/* Few: every seventh of the cases; each fault shows in many. */
static int run(const char *device, int parts, struct selftest **out)
{
    const char *const dirs[] = {dir};

    return selftest_run(&(struct selftest_plan){.device = device,
                                                .against = "{type: cpu, threads: 1}",
                                                .plugin_dirs = dirs,
                                                .n_plugin_dirs = 1,
                                                .every = parts & FEW ? 7 : 1,
                                                .operations = parts & OPERATIONS,
                                                .layers = parts & LAYERS,
                                                .training = parts & TRAINING},
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

    ck_assert_msg(run("{type: cpu, threads: 2}", OPERATIONS | LAYERS | TRAINING, &t) == RN_OK, "%s",
                  error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_int_ge(row_of(t, "operations", all[i])->cases, 200);
    ck_assert_int_ge(row_of(t, "layers", "dense")->cases, 100);
    ck_assert_int_ge(row_of(t, "layers", "residual")->cases, 40);
    ck_assert_int_ge(row_of(t, "losses", "cross_entropy")->cases, 20);
    ck_assert_int_ge(row_of(t, "optimizers", "adam")->cases, 40);
    for (int i = 0; i < t->n_rows; i++) /* what computes nothing has no row */
        ck_assert_str_ne(t->rows[i].name, "flatten");
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
    ck_assert_msg(run("faulty", OPERATIONS | FEW, &t) == RN_OK, "%s", error_text());
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

/* Another device that rounds otherwise is no wrong one. */
START_TEST(rounding_is_no_fault_of_a_training)
{
    struct selftest *t;

    setenv("RN_FAULT", "rounds", 1);
    ck_assert_msg(run("faulty", TRAINING, &t) == RN_OK, "%s", error_text());
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
    ck_assert_msg(run("faulty", TRAINING, &t) == RN_OK, "%s", error_text());
    ck_assert(!t->holds);
    ck_assert_int_gt(row_of(t, "cnn", "conv2d2 (conv2d)")->failed, 0);
    ck_assert_int_eq(row_of(t, "mlp", "losses")->failed, 0);
    selftest_free(t);
}
END_TEST

/* each with all rows that are to fail, and a word of the first */
static const struct {
    const char *fault, *rows, *why;
} layer_faults[] = {
    {"gemm_transposed", "layers/dense", "batch of 5: gradient of the input: value"},
    {"gemm_beta", "layers/dense", "batch of 1: gradient of weight: value"},
    {"map_rows", "layers/layernorm layers/softmax losses/cross_entropy", "other device"},
    {"map_block",
     "optimizers/adagrad optimizers/adam optimizers/adamw optimizers/lion optimizers/rmsprop "
     "optimizers/sgd",
     "parameter after 5 updates"},
    {"map_draws", "layers/dropout", "value"},
    {"reduce_last_row", "layers/batchnorm layers/conv2d layers/dense layers/layernorm", "gradient"},
    {"unsteady", "layers/dense layers/layernorm", "other"},
    {"conv_bias", "layers/conv2d", "output: value"},
    {"pool_border", "layers/avgpool2d", "count_include_pad: false"},
    {"coarse", "layers/conv2d layers/dense layers/layernorm", "output: value"},
};

START_TEST(each_fault_is_found_in_layers)
{
    struct selftest *t;
    char failed[600] = "", one[128];

    setenv("RN_FAULT", layer_faults[_i].fault, 1);
    ck_assert_msg(run("faulty", LAYERS | FEW, &t) == RN_OK, "%s", error_text());
    for (int i = 0; i < t->n_rows; i++)
        if (t->rows[i].failed) {
            snprintf(one, sizeof one, "%s%s/%s", *failed ? " " : "", t->rows[i].part,
                     t->rows[i].name);
            strncat(failed, one, sizeof failed - strlen(failed) - 1);
        }
    ck_assert_str_eq(failed, layer_faults[_i].rows);
    ck_assert(!t->holds);
    ck_assert_msg(strstr(complaint(t), layer_faults[_i].why) != NULL, "%s", complaint(t));
    selftest_free(t);
}
END_TEST

/* Where a result is 0 but for rounding, too. */
START_TEST(rounding_is_no_fault_of_a_layer)
{
    struct selftest *t;

    setenv("RN_FAULT", "rounds", 1);
    ck_assert_msg(run("faulty", LAYERS | FEW, &t) == RN_OK, "%s", error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    ck_assert(row_of(t, "layers", "dense")->worst > 0);
    selftest_free(t);
}
END_TEST

START_TEST(memory_may_be_far_away)
{
    struct selftest *t;

    ck_assert_msg(run("far", LAYERS | FEW, &t) == RN_OK, "%s", error_text());
    ck_assert_msg(t->holds, "%s", complaint(t));
    ck_assert_int_ge(row_of(t, "layers", "dense")->cases, 20);
    selftest_free(t);
}
END_TEST

/* The rest is tried nevertheless. */
START_TEST(what_fails_is_a_finding)
{
    struct selftest *t;

    ck_assert_msg(run("{type: far, fail: 3}", LAYERS | FEW, &t) == RN_OK, "%s", error_text());
    ck_assert(!t->holds);
    ck_assert_int_gt(t->rows[0].failed, 0);
    ck_assert_int_ge(row_of(t, "optimizers", "sgd")->cases, 4);
    selftest_free(t);
}
END_TEST

#ifndef NDEBUG
START_TEST(a_steady_step_that_takes_memory_is_caught)
{
    struct selftest *t;

    setenv("RN_FAULT", "takes_memory", 1);
    int status = run("faulty", TRAINING, &t);
    ck_abort_msg("not caught: %s", status < 0 ? error_text() : complaint(t));
}
END_TEST
#endif

START_TEST(a_device_that_is_not_there_is_said)
{
    struct selftest *t;

    ck_assert_int_lt(run("nothing", OPERATIONS | TRAINING, &t), 0);
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
    tcase_add_test(tc, rounding_is_no_fault_of_a_training);
    tcase_add_test(tc, a_fault_shows_in_a_training);
    tcase_add_loop_test(tc, each_fault_is_found_in_layers, 0,
                        sizeof layer_faults / sizeof *layer_faults);
    tcase_add_test(tc, rounding_is_no_fault_of_a_layer);
    tcase_add_test(tc, memory_may_be_far_away);
    tcase_add_test(tc, what_fails_is_a_finding);
#ifndef NDEBUG
    tcase_add_test_raise_signal(tc, a_steady_step_that_takes_memory_is_caught, SIGABRT);
#endif
    tcase_add_test(tc, a_device_that_is_not_there_is_said);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
