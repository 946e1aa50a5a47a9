/* test_selftest.c - `runner selftest`: its exit codes, its table and its document. */
#define _XOPEN_SOURCE 700
#include "program.h"
#include "support/suite.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TO_CPU " --device cpu --against cpu"

START_TEST(what_is_the_same_holds)
{
    EXPECT_EXIT(0, "selftest --only training" TO_CPU);
    EXPECT_TEXT(out, "All is the same on both.");
    EXPECT_EXIT(0, "selftest --only training --seed 7 --json" TO_CPU);
    cJSON *doc = cJSON_Parse(out);
    ck_assert_ptr_nonnull(doc);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(doc, "holds")));
    ck_assert_double_eq(cJSON_GetObjectItem(doc, "seed")->valuedouble, 7);
    ck_assert_int_gt(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "rows")), 20);
    ck_assert_ptr_nonnull(cJSON_GetObjectItem(cJSON_GetObjectItem(doc, "against"), "name"));
    cJSON_Delete(doc);
    EXPECT_EXIT(0, "selftest --only layers" TO_CPU);
    EXPECT_TEXT(out, "optimizers  adam ");
    EXPECT_TEXT(out, "losses      cross_entropy ");
    EXPECT_TEXT(out, "layers      batchnorm ");
}
END_TEST

START_TEST(what_is_not_the_same_is_named)
{
    ck_assert_int_eq(mkdir(in_dir("own"), 0700), 0);
    ck_assert_int_eq(mkdir(in_dir("own/devices"), 0700), 0);
    ck_assert_int_eq(symlink(getenv("RN_FAULTY"), in_dir("own/devices/faulty.so")), 0);
    setenv("RN_FAULT", "conv_bias", 1);
    EXPECT_EXIT(1, "selftest --only training --plugin-dir own --device faulty --against cpu");
    EXPECT_TEXT(out, "\ncnn, step 1: it begins in conv2d2 (conv2d): output\n");
    EXPECT_TEXT(out, "are not the same on both.");
    EXPECT_EXIT(1, "selftest --only layers --plugin-dir own --device faulty --against cpu");
    EXPECT_TEXT(out, "conv2d");
    EXPECT_TEXT(out, "FAILS");
    unsetenv("RN_FAULT");
}
END_TEST

START_TEST(what_can_not_be_done_is_said)
{
    EXPECT_EXIT(3, "selftest --device nothing --against cpu");
    EXPECT_TEXT(err, "device nothing can't be used: ");
    EXPECT_EXIT(2, "selftest --device cpu");
    EXPECT_TEXT(err, "--against");
    EXPECT_EXIT(2, "selftest --only lawyers" TO_CPU);
    EXPECT_TEXT(err, "layers");
    EXPECT_EXIT(2, "selftest --seed -1" TO_CPU);
    EXPECT_EXIT(2, "selftest file.yaml" TO_CPU);
    EXPECT_EXIT(2, "selftest train.epochs=3" TO_CPU);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_the_same_holds, what_is_not_the_same_is_named,
                                  what_can_not_be_done_is_said};

    return program_tests("selftest", tests, sizeof tests / sizeof *tests);
}
