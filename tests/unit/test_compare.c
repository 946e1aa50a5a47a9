/* test_compare.c - what `runner compare` says, and the differences of two texts. */
#include "report/compare.h"
#include "report/unified.h"
#include "support/made_run.h"
#include "support/suite.h"

#include <math.h>
#include <string.h>

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

/* ---- sentences ------------------------------------------------------------ */

enum { RUNS = 3, SAMPLES = 60 };

struct made {
    struct comparison c;
    struct rn_run runs[RUNS];
    struct rn_report r[RUNS];
    const struct rn_report *reports[RUNS];
    struct rn_test t[RUNS];
    struct rn_sample s[RUNS][SAMPLES];
    struct rn_fact set[RUNS];
};

/* Runs A, B, C on numbers, all on the same samples: B and C err alike, A by 1040 less. */
static void made_numbers(struct made *m)
{
    static const char *const names[] = {"A", "B", "C"};

    *m = (struct made){.c.view = {.runs = m->runs, .reports = m->reports, .n = RUNS}};
    m->c.pool = pool_new();
    for (int i = 0; i < RUNS; i++) {
        m->c.label[i] = names[i];
        m->set[i] = (struct rn_fact){"data, test set", "sha256:1"};
        m->runs[i] = (struct rn_run){
            .status = "finished", .reason = "", .environment = &m->set[i], .n_environment = 1};
        m->t[i] = (struct rn_test){.n = SAMPLES, .samples = m->s[i]};
        m->r[i].test = &m->t[i];
        m->reports[i] = &m->r[i];
        for (int k = 0; k < SAMPLES; k++)
            m->s[i][k] = (struct rn_sample){
                .index = k, .loss = 5000 + (i ? 1040 : 0) + (k % 2 ? 1 : -1) * (k + i)};
    }
}

/* Whether a finding holds all of this; all are made anew. */
static bool tells(struct made *m, const char *part)
{
    bool found = false;

    m->c.view.n_findings = 0;
    ck_assert_int_eq(compare_words(&m->c), RN_OK);
    for (int64_t i = 0; i < m->c.view.n_findings; i++)
        found |= strstr(m->c.view.findings[i].text, part) != NULL;
    return found;
}

START_TEST(each_pair_of_runs_on_numbers_is_compared)
{
    struct made m;

    made_numbers(&m);
    ck_assert(tells(&m, "A has a smaller test loss than B: by 1040 on average over the same 60"));
    ck_assert(tells(&m, "A has a smaller test loss than C: by 1040 on average"));
    ck_assert(tells(&m, "p < 0.001 with Holm's correction for 3 pairs"));
    ck_assert(tells(&m, "No difference in test loss can be shown between B and C."));
    ck_assert(tells(&m, "The test is about these trained networks."));
    ck_assert(!tells(&m, "e+0"));
    m.c.view.n = 2;
    ck_assert(tells(&m, "A has a smaller test loss than B: by 1040"));
    ck_assert(!tells(&m, "Holm"));
    m.t[0].n = m.t[1].n = NORMAL_MIN - 1;
    ck_assert(!tells(&m, "test loss"));
    pool_free(m.c.pool);
}
END_TEST

START_TEST(other_and_unknown_test_samples_are_told_apart)
{
    struct made m;

    made_numbers(&m);
    ck_assert(!tells(&m, "same test samples"));
    m.runs[2].n_environment = 0;
    ck_assert(tells(&m, "It is not known that all runs were measured on the same test samples"));
    ck_assert(tells(&m, "A has a smaller test loss than B")); /* all the same */
    m.runs[2].n_environment = 1;
    m.set[2].value = "sha256:2";
    ck_assert(tells(&m, "Not all runs were measured on the same test samples"));
    m.r[2].test = NULL;
    ck_assert(tells(&m, "1 of 3 runs were not measured"));
    pool_free(m.c.pool);
}
END_TEST

/* ---- scores --------------------------------------------------------------- */

static bool has_interval(const struct made_run *run, const char *name)
{
    struct comparison c = {.pool = pool_new(), .view.n = 1};
    struct rn_run one = {.status = "finished"};
    const struct rn_report *view;
    bool found = false, has = false;

    ck_assert_int_eq(made_run(run, "none", &c.reports[0]), RN_OK);
    view = report_view(c.reports[0]);
    c.view.reports = &view;
    c.view.runs = &one;
    ck_assert_int_eq(compare_scores(&c), RN_OK);
    for (int64_t i = 0; i < c.view.n_scores; i++)
        if (!strcmp(c.view.scores[i].name, name)) {
            found = true;
            has = isfinite(c.view.scores[i].low[0]);
        }
    ck_assert(found);
    report_close(c.reports[0]);
    pool_free(c.pool);
    return has;
}

START_TEST(intervals_stand_only_where_they_hold)
{
    ck_assert(
        has_interval(&(struct made_run){.classes = 3, .epochs = 4, .n = 30}, "test.accuracy"));
    ck_assert(
        !has_interval(&(struct made_run){.classes = 3, .epochs = 4, .n = 30}, "best.val.accuracy"));
    ck_assert(has_interval(&(struct made_run){.epochs = 4, .n = NORMAL_MIN}, "test.loss"));
    ck_assert(!has_interval(&(struct made_run){.epochs = 4, .n = NORMAL_MIN - 1}, "test.loss"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");

    tcase_add_test(t, texts_as_diff_u_has_them);
    tcase_add_test(t, texts_that_are_too_long_are_said_to_differ);
    tcase_add_test(t, each_pair_of_runs_on_numbers_is_compared);
    tcase_add_test(t, other_and_unknown_test_samples_are_told_apart);
    tcase_add_test(t, intervals_stand_only_where_they_hold);
    suite_add_tcase(s, t);
    return suite_run(s);
}
