/* test_stats.c - intervals and tests against numbers of SciPy 1.17 (scipy.stats.t, ttest_1samp,
 * scipy.special.betainc), and what they do at their edges. */
#include "base/error.h"
#include "base/mem.h"
#include "report/stats.h"
#include "support/suite.h"

#include <math.h>

#define NEAR(a, b) ck_assert_double_le(fabs((a) - (b)), 1e-9 * fabs(b))

/* ---- Student's t ---------------------------------------------------------- */

static const struct {
    double t, df, tail;
} tails[] = {{0, 5, 0.5},
             {1, 1, 0.25},
             {2.5, 2, 0.06480586011075541},
             {12.706204736, 1, 0.025000000000342328},
             {30, 3, 4.067640213581979e-05},
             {1.96, 1e6, 0.024998033792634926},
             {-1.5, 7, 0.911350756505015},
             {1000, 2, 4.9999925000125e-07},
             {0.001, 30, 0.49960436788324253}};

static const struct {
    double tail, df, t;
} quantiles[] = {{0.025, 1, 12.706204736174705}, {0.025, 2, 4.302652729749464},
                 {0.025, 9, 2.2621571627982053}, {0.025, 100, 1.983971518523552},
                 {0.005, 2, 9.924843200918293},  {2.5e-05, 1, 12732.395421171688},
                 {0.2, 4, 0.9409645772351811},   {0.9, 3, -1.637744353696209},
                 {1e-12, 5, 393.95695957760375}};

static const struct {
    double x, a, b, share;
} betas[] = {{0.2, 2, 3, 0.1808},
             {0.9, 0.5, 0.5, 0.7951672353008665},
             {0.5, 10, 10, 0.5},
             {1e-06, 0.5, 50, 0.007958793744835393},
             {0.999, 200, 3, 0.9988334368468834}};

START_TEST(student_is_that_of_scipy)
{
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        NEAR(student_tail(tails[i].t, tails[i].df), tails[i].tail);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        NEAR(student_quantile(quantiles[i].tail, quantiles[i].df), quantiles[i].t);
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++)
        NEAR(beta_share(betas[i].x, betas[i].a, betas[i].b), betas[i].share);
    ck_assert_double_eq(student_tail(INFINITY, 3), 0);
    ck_assert_double_eq(student_tail(-INFINITY, 3), 1);
    ck_assert(isnan(student_quantile(0, 3)));
    ck_assert(isnan(student_quantile(0.1, 0)));
}
END_TEST

/* ---- over seeds ----------------------------------------------------------- */

START_TEST(a_mean_has_students_interval)
{
    static const double x[] = {0.9812, 0.9797, 0.9834, 0.9801, 0.9822};
    struct rn_estimate e;

    estimate(x, 5, &e);
    ck_assert_int_eq(e.n, 5);
    NEAR(e.mean, 0.98132);
    NEAR(e.sd, 0.00151888116717538);
    NEAR(e.low, 0.9794340599371686);
    NEAR(e.high, 0.9832059400628314);
    estimate(x, 1, &e);
    ck_assert_double_eq(e.mean, 0.9812);
    ck_assert(isnan(e.sd) && isnan(e.low) && isnan(e.high));
    estimate(x, 0, &e);
    ck_assert(isnan(e.mean));
    estimate((const double[]){2, 2, 2}, 3, &e);
    ck_assert_double_eq(e.low, 2);
    ck_assert_double_eq(e.high, 2);
}
END_TEST

/* Alone it is a difference; as one of four it is none. */
START_TEST(a_correction_takes_a_difference_away)
{
    static const double d[] = {0.004, 0.0015, 0.0062, 0.0031, 0.0007};
    struct rn_difference one, four;

    paired_t(d, 5, 1, &one);
    NEAR(one.p, 0.03282187320650852);
    NEAR(one.low, 0.0004124355571299039);
    NEAR(one.high, 0.005787564442870095);
    ck_assert(one.differs && one.by == RN_BY_SEEDS);
    paired_t(d, 5, 4, &four);
    NEAR(four.low, -0.001076533567508189);
    NEAR(four.high, 0.007276533567508188);
    NEAR(four.p_corrected, 4 * 0.03282187320650852);
    ck_assert_double_eq(four.p, one.p);
    ck_assert(!four.differs);
}
END_TEST

START_TEST(two_seeds_show_little)
{
    struct rn_difference d;

    paired_t((const double[]){0.01, 0.012}, 2, 1, &d);
    NEAR(d.p, 0.057715876752608954);
    NEAR(d.low, -0.0017062047361746952);
    NEAR(d.high, 0.023706204736174692);
    ck_assert(!d.differs);
}
END_TEST

/* Whatever the numbers and their count of comparisons, the interval and p say the same. */
START_TEST(interval_and_p_agree)
{
    for (int i = 0; i < 400; i++) {
        double x[6];
        struct rn_difference d;
        int n = 2 + i % 5, m = 1 + i % 7;
        for (int k = 0; k < n; k++)
            x[k] = sin(12.9898 * (i * 6 + k)) + 0.01 * i;
        paired_t(x, n, m, &d);
        ck_assert((d.p_corrected < SIGNIFICANT) == (d.low > 0 || d.high < 0));
        ck_assert(d.differs == (d.low > 0 || d.high < 0));
    }
}
END_TEST

/* Twice the same difference is no spread of zero: nothing is known of the spread. */
START_TEST(without_spread_nothing_is_shown)
{
    struct rn_difference d;

    paired_t((const double[]){0.01, 0.01, 0.01 + 1e-18}, 3, 1, &d);
    ck_assert(!d.differs && isnan(d.low) && isnan(d.p));
    ck_assert_double_eq_tol(d.mean, 0.01, 1e-12);
    paired_t((const double[]){0, 0}, 2, 1, &d);
    ck_assert(!d.differs && isnan(d.p));
    paired_t((const double[]){0.3}, 1, 1, &d);
    ck_assert(!d.differs && isnan(d.p) && d.n == 1);
    paired_t(NULL, 0, 1, &d);
    ck_assert(d.by == RN_NOT_COMPARED);
}
END_TEST

START_TEST(seeds_that_are_needed)
{
    /* the first n of which t.isf(0.05 / k / 2, n - 1) + t.isf(0.2, n - 1) <= mean / sd * sqrt(n) */
    ck_assert_int_eq(seeds_needed(1, 1, 1), 10);
    ck_assert_int_eq(seeds_needed(-0.5, 1, 1), 34);
    ck_assert_int_eq(seeds_needed(0.001, 0.002, 5), 50);
    ck_assert_int_eq(seeds_needed(3, 1, 1), 4);
    ck_assert_int_eq(seeds_needed(0, 1, 1), 0);
    ck_assert_int_eq(seeds_needed(1e-9, 1, 1), 0);
    ck_assert_int_eq(seeds_needed(1, NAN, 1), 0);
    ck_assert_int_eq(seeds_needed(1, 0, 1), 0);
}
END_TEST

/* Of two seeds A wins one by far and B the other: A's mean is the best unless B's seed is drawn
 * twice, which is a quarter. */
START_TEST(shares_of_being_the_best)
{
    static const double x[] = {9, 1, 2, 3, 0, 0};
    double share[3], again[3], loss[3];

    ck_assert_int_eq(best_shares(x, 3, 2, true, 4000, share), RN_OK);
    ck_assert_double_eq_tol(share[0], 0.75, 0.03);
    ck_assert_double_eq_tol(share[1], 0.25, 0.03);
    ck_assert_double_eq(share[2], 0);
    best_shares(x, 3, 2, true, 4000, again);
    ck_assert_double_eq(share[0], again[0]);
    best_shares(x, 3, 2, false, 4000, loss);
    ck_assert_double_eq_tol(loss[2], 1, 1e-9);
    best_shares((const double[]){1, 2, 1, 2}, 2, 2, true, 100, share);
    ck_assert_double_eq_tol(share[0], 0.5, 1e-9);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(shares_of_variance)
{
    static const double y[] = {1, 2, 3, 11, 12, 13, 5, 6, 9};
    static const int kind[] = {0, 0, 0, 1, 1, 1, 2, 2, 2}, alike[] = {0, 1, 2, 0, 1, 2, 0, 1, 2};

    NEAR(variance_share(y, kind, 9, 3), 0.8963165075034106); /* (T - W - 2 W / 6) / T */
    ck_assert_double_eq(variance_share(y, alike, 9, 3), 0);
    ck_assert(isnan(variance_share(y, kind, 3, 3)));
    ck_assert(isnan(variance_share((const double[]){1, 1, 1}, alike, 3, 2)));
}
END_TEST

/* ---- counts --------------------------------------------------------------- */

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

    ck_assert_int_eq(holm(p, 4), RN_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(p[i], want[i], 1e-12);
    ck_assert_int_eq(holm(one, 1), RN_OK);
    ck_assert_double_eq(one[0], 0.2);
    ck_assert_int_eq(holm(many, 2), RN_OK);
    ck_assert_double_eq(many[0], 1);
    ck_assert_double_eq(many[1], 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stats");
    TCase *t = tcase_create("stats");

    tcase_add_test(t, student_is_that_of_scipy);
    tcase_add_test(t, a_mean_has_students_interval);
    tcase_add_test(t, a_correction_takes_a_difference_away);
    tcase_add_test(t, two_seeds_show_little);
    tcase_add_test(t, interval_and_p_agree);
    tcase_add_test(t, without_spread_nothing_is_shown);
    tcase_add_test(t, seeds_that_are_needed);
    tcase_add_test(t, shares_of_being_the_best);
    tcase_add_test(t, shares_of_variance);
    tcase_add_loop_test(t, mcnemar_is_the_binomial_test, 0, (int)(sizeof known / sizeof *known));
    tcase_add_test(t, mcnemar_of_a_million_samples_ends);
    tcase_add_test(t, holm_multiplies_by_what_is_left);
    suite_add_tcase(s, t);
    return suite_run(s);
}
