/* test_compare.c - what `runner compare` says rests on: McNemar's exact test, Holm's correction,
 * the differences of two texts. */
#include "report/compare.h"
#include "report/unified.h"
#include "support/suite.h"

#include <math.h>
#include <string.h>

/* 2 * (C(n, 0) + ... + C(n, min(a, b))) / 2^n, n = a + b, in exact fractions */
static const struct {
    int64_t a, b;
    double p;
} known[] = {{10, 2, 0.03857421875},
             {0, 6, 0.03125},
             {1, 0, 1},
             {155, 75, 1.4353161386899775e-07},
             {500, 600, 0.0028195449914364275},
             {3, 3, 1},
             {0, 0, 1},
             {5000, 5300, 0.003215819673645239},
             {12, 25, 0.04703102743951604},
             {0, 500, 6.10987272699921e-151}};

START_TEST(mcnemar_is_the_binomial_test)
{
    ck_assert_double_le(fabs(mcnemar_exact(known[_i].a, known[_i].b) - known[_i].p),
                        1e-9 * known[_i].p);
    ck_assert_double_eq(mcnemar_exact(known[_i].a, known[_i].b),
                        mcnemar_exact(known[_i].b, known[_i].a));
}
END_TEST

START_TEST(mcnemar_of_a_million_samples_ends)
{
    ck_assert_double_lt(mcnemar_exact(500000, 510000), 1e-20);
    ck_assert_double_gt(mcnemar_exact(500000, 500500), 0.5);
    ck_assert_double_ge(mcnemar_exact(0, 1 << 30), 0);
}
END_TEST

START_TEST(holm_multiplies_by_what_is_left)
{
    double p[] = {0.01, 0.04, 0.03, 0.005}, one[] = {0.2}, many[] = {0.5, 0.6};
    /* 4 x 0.005, 3 x 0.01, 2 x 0.03, and never less than the one before */
    const double want[] = {0.03, 0.06, 0.06, 0.02};

    holm(p, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(p[i], want[i], 1e-12);
    holm(one, 1);
    ck_assert_double_eq(one[0], 0.2);
    holm(many, 2);
    ck_assert_double_eq(many[0], 1);
    ck_assert_double_eq(many[1], 1);
}
END_TEST

/* ---- differences of texts ------------------------------------------------- */

static void expect_diff(const char *a, const char *b, const char *want)
{
    struct text t = {0};

    unified_diff(&t, "a", a, "b", b);
    ck_assert_int_eq(t.status, RN_OK);
    ck_assert_str_eq(text_str(&t), want);
    text_free(&t);
    ck_assert_uint_eq(mem_live(), 0);
}

START_TEST(texts_as_diff_u_has_them)
{
    expect_diff("a\nb\n", "a\nb\n", "");
    expect_diff("", "", "");
    expect_diff("a\n", "b\n", "--- a\n+++ b\n@@ -1,1 +1,1 @@\n-a\n+b\n");
    expect_diff("", "b\n", "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+b\n");
    expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n10\n11\n",
                "--- a\n+++ b\n@@ -2,11 +2,10 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n 9\n 10\n 11\n"
                "-12\n");
    expect_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
                "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n"
                "-b\n+y\n");
}
END_TEST

START_TEST(texts_that_are_too_long_are_said_to_differ)
{
    struct text a = {0}, t = {0};

    for (int i = 0; i < 5000; i++)
        text_add(&a, "%d\n", i);
    unified_diff(&t, "a", text_str(&a), "b", "1\n");
    ck_assert_int_eq(t.status, RN_OK);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "too long"));
    text_free(&t);
    unified_diff(&t, "a", text_str(&a), "b", text_str(&a));
    ck_assert_str_eq(text_str(&t), "");
    text_free(&t);
    text_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");

    tcase_add_loop_test(t, mcnemar_is_the_binomial_test, 0, (int)(sizeof known / sizeof *known));
    tcase_add_test(t, mcnemar_of_a_million_samples_ends);
    tcase_add_test(t, holm_multiplies_by_what_is_left);
    tcase_add_test(t, texts_as_diff_u_has_them);
    tcase_add_test(t, texts_that_are_too_long_are_said_to_differ);
    suite_add_tcase(s, t);
    return suite_run(s);
}
