/* stats.h - intervals and tests over seeds and over samples: the one place for comparisons of two
 * runs, of a few, and of a sweep. Sources stand at each in stats.c. */
#ifndef REPORT_STATS_H
#define REPORT_STATS_H

#include <runner/reporter.h>

#define NORMAL_95   1.959963984540054 /* standard errors to each side of a 95 % interval */
#define SIGNIFICANT 0.05              /* p below it, after correction */

/* ---- Student's t ---------------------------------------------------------- */

double student_tail(double t, double df);        /* P(T > t) */
double student_quantile(double tail, double df); /* the t with P(T > t) = tail, 0 < tail < 1 */
double beta_share(double x, double a, double b); /* the regularised incomplete beta function */

/* Of n finite values. One has a mean alone. Equal values have no spread, and an interval of no
 * width. */
void estimate(const double *x, int64_t n, struct rn_estimate *out);

/* Whether x says nothing of its spread: fewer than two values, or all alike but for rounding, which
 * may come of a seed that decides nothing. */
bool is_without_spread(const double *x, int64_t n);

/* A mean of differences against 0, two-sided, corrected for m comparisons by Bonferroni: the
 * interval is of 1 - 0.05 / m, so that all m hold together with 95 %, and p_corrected < 0.05 when
 * it excludes 0. Without spread: n and mean alone, all else NaN. */
void paired_t(const double *difference, int64_t n, int64_t m, struct rn_difference *out);

/* How many seeds would show a mean difference like this one with a chance of 80 %, were it and its
 * spread the true ones; 0: not to be had, or more than SEEDS_MOST. */
enum { SEEDS_MOST = 1000000 };
int64_t seeds_needed(double mean, double sd, int64_t m);

/* How often each of n groups has the best mean when `seeds` seeds are drawn with replacement from
 * x[group * seeds + seed], `draws` times; always the same for the same numbers. Equal ones share.
 */
int best_shares(const double *x, int64_t n, int64_t seeds, bool more_is_better, int64_t draws,
                double *share);

/* Share of the variance of y that k kinds explain, less what they would by chance, 0 to 1; kind[i]
 * is 0 to k - 1. NaN: too few values. */
double variance_share(const double *y, const int *kind, int64_t n, int k);

/* ---- counts --------------------------------------------------------------- */

/* McNemar's exact test, two-sided: samples that only one of two runs got right are as likely to be
 * the one's as the other's when both are equally good. */
double mcnemar_exact(int64_t only_a, int64_t only_b);
/* Holm's correction of n p-values, in place. RN_ENOMEM. */
int holm(double *p, int64_t n);
/* Wilson's score interval for k successes of n at 95 %. */
void wilson_interval(int64_t k, int64_t n, double *low, double *high);

#endif
