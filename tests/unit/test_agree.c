/* test_agree.c - two devices that do the same leave no difference, and of one that does an
 * operation wrongly the layer is named where it shows first. */
#define _XOPEN_SOURCE 700
#include "run/agree.h"

#include "base/error.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/agree-XXXXXX";

/* 5 batches of 8 an epoch. */
static const char base[] =
    "name: small\n"
    "seed: 3\n"
    "device: cpu\n"
    "data: {type: mnist, path: %s, split: {train: 0.9, val: 0.1},\n"
    "  limit: {train: 40, val: 20, test: 12}}\n"
    "model: {layers: [{type: conv2d, filters: 4, kernel: [5], stride: [4]}, relu, batchnorm,\n"
    "  avgpool2d, flatten, {type: dense, units: 8}, dropout,\n"
    "  {type: dense, units: 10}]}\n"
    "loss: cross_entropy\n"
    "optimizer: {type: sgd, lr: 0.1}\n"
    "train: {epochs: 2, batch_size: 8}\n";

static const char *in_dir(const char *name)
{
    static char path[2][96];
    static int i;

    snprintf(path[i ^= 1], sizeof *path, "%s/%s", dir, name);
    return path[i];
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    FILE *f = fopen(in_dir("small.yaml"), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, base, getenv("RN_TEST_MNIST"));
    fclose(f);
    ck_assert_int_eq(mkdir(in_dir("devices"), 0700), 0);
    ck_assert_int_eq(symlink(getenv("RN_FAULTY"), in_dir("devices/faulty.so")), 0);
}

static void teardown(void)
{
    unlink(in_dir("devices/faulty.so"));
    rmdir(in_dir("devices"));
    unlink(in_dir("small.yaml"));
    rmdir(dir);
    snprintf(dir, sizeof dir, "/tmp/agree-XXXXXX");
    unsetenv("RN_FAULT");
    ck_assert_uint_eq(mem_live(), 0);
}

static int run(const char *one, const char *other, int64_t steps, struct agree **out)
{
    const char *const dirs[] = {dir};

    return agree_run(&(struct agree_plan){.file = in_dir("small.yaml"),
                                          .plugin_dirs = dirs,
                                          .n_plugin_dirs = 1,
                                          .device = {one, other},
                                          .steps = steps},
                     out);
}

static struct agree *agreed(const char *one, const char *other, int64_t steps)
{
    struct agree *a;

    ck_assert_msg(run(one, other, steps, &a) == RN_OK, "%s", error_text());
    return a;
}

START_TEST(threads_make_no_difference)
{
    struct agree *a = agreed("{type: cpu, threads: 1}", "{type: cpu, threads: 2}", _i ? 12 : 1);
    enum agree_part part;
    int layer, seen[AGREE_PARTS] = {0};

    for (int m = 0; m < AGREE_MOMENTS; m++) {
        ck_assert_msg(!agree_first(a, (enum agree_moment)m, 0, &layer, &part), "%s: %s",
                      a->layers[layer].name, agree_part_name(part));
        for (int i = 0; i < a->n_layers; i++)
            for (int k = 0; k < AGREE_PARTS; k++)
                seen[k] += a->layers[i].at[m][k].values > 0;
    }
    ck_assert_int_eq(a->n_layers, 10);
    ck_assert_int_eq(seen[AGREE_OUT], 2 * 10);   /* data and loss among them */
    ck_assert_int_eq(seen[AGREE_DPARAM], 2 * 4); /* two dense, conv2d, batchnorm */
    ck_assert_int_eq(seen[AGREE_PARAM], 2 * 4);
    ck_assert_int_ge(seen[AGREE_DINPUT], 2 * 6);
    ck_assert_double_eq(a->loss_gap, 0);
    ck_assert_double_eq(a->weights.relative, 0);
    ck_assert_int_gt(a->weights.values, 0);
    for (int64_t i = 0; i < a->steps; i++)
        ck_assert(isfinite(a->loss[0][i]) && a->loss[0][i] > 0);
    agree_free(a);
}
END_TEST

static const struct {
    const char *fault, *layer;
    enum agree_moment at; /* when it first shows */
    enum agree_part part;
} shows[] = {
    {"conv_bias", "conv2d1", AGREE_FIRST, AGREE_OUT},
    {"map_draws", "dropout1", AGREE_FIRST, AGREE_OUT},
    {"reduce_last_row", "batchnorm1", AGREE_FIRST, AGREE_OUT},
    {"gemm_transposed", "dense2", AGREE_FIRST, AGREE_DINPUT},
    {"map_block", "conv2d1", AGREE_FIRST, AGREE_PARAM}, /* the learning rate stands in the block */
    {"gather_start", "data", AGREE_LAST, AGREE_OUT},    /* the first batch begins at 0 */
};

START_TEST(the_layer_is_named)
{
    enum agree_part part;
    int layer;

    setenv("RN_FAULT", shows[_i].fault, 1);
    struct agree *a = agreed("faulty", "cpu", 3);
    if (shows[_i].at == AGREE_LAST)
        ck_assert(!agree_first(a, AGREE_FIRST, 1e-5, &layer, &part));
    ck_assert(agree_first(a, shows[_i].at, 1e-5, &layer, &part));
    ck_assert_str_eq(a->layers[layer].name, shows[_i].layer);
    ck_assert_str_eq(agree_part_name(part), agree_part_name(shows[_i].part));
    ck_assert_double_gt(a->weights.relative, 1e-4);
    ck_assert_ptr_nonnull(a->weights.tensor);
    agree_free(a);
}
END_TEST

START_TEST(what_can_not_be_compared_is_said)
{
    struct agree *a;

    ck_assert_int_lt(run("nothing", "cpu", 1, &a), 0);
    ck_assert_ptr_null(a);
    ck_assert_ptr_nonnull(strstr(error_text(), "on device nothing: "));
    ck_assert_int_eq(run("cpu", "cpu", 0, &a), RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "at least one step"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("two devices");
    TCase *tc = tcase_create("agreement");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, threads_make_no_difference, 0, 2);
    tcase_add_loop_test(tc, the_layer_is_named, 0, sizeof shows / sizeof *shows);
    tcase_add_test(tc, what_can_not_be_compared_is_said);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
