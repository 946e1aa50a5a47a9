/* stats.c - intervals and tests over seeds and over samples. */
#include "stats.h"

#include "base/error.h"
#include "base/mem.h"

#include <runner/random.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Student's t ---------------------------------------------------------- */

/* The continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, by the
 * method of Lentz as modified by Thompson and Barnett. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);

    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < 100000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int k = 0; k < 2; k++) {
            double step = k ? odd : even;
            d = 1 + step * d;
            c = 1 + step / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            h *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return h;
}

double beta_share(double x, double a, double b)
{
    if (!(x > 0))
        return isnan(x) ? NAN : 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a
                                     : 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 26.7.1 */
double student_tail(double t, double df)
{
    if (isinf(t))
        return t > 0 ? 0 : 1;
    double both = t * t < df ? 1 - beta_share(t * t / (df + t * t), 0.5, df / 2)
                             : beta_share(df / (df + t * t), df / 2, 0.5);

    return t > 0 ? both / 2 : 1 - both / 2;
}

double student_quantile(double tail, double df)
{
    double low = 0, high = 1;

    if (!(tail > 0 && tail < 1 && df > 0))
        return NAN;
    if (tail > 0.5)
        return -student_quantile(1 - tail, df);
    while (student_tail(high, df) > tail && high < 1e300)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double middle = low + (high - low) / 2;
        if (student_tail(middle, df) > tail)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

/* ---- over seeds ----------------------------------------------------------- */

static void moments(const double *x, int64_t n, double *mean, double *sd)
{
    double sum = 0, squares = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *mean = n ? sum / (double)n : NAN;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

/* "Student", "The probable error of a mean", Biometrika 1908 */
void estimate(const double *x, int64_t n, struct rn_estimate *out)
{
    *out = (struct rn_estimate){.n = n, .low = NAN, .high = NAN};
    moments(x, n, &out->mean, &out->sd);
    if (n < 2)
        return;
    double half = student_quantile(SIGNIFICANT / 2, (double)(n - 1)) * out->sd / sqrt((double)n);
    out->low = out->mean - half;
    out->high = out->mean + half;
}

bool is_without_spread(const double *x, int64_t n)
{
    double low = INFINITY, high = -INFINITY;

    for (int64_t i = 0; i < n; i++) {
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
    }
    return n < 2 || high - low <= 1e-8 * fmax(fabs(low), fabs(high));
}

/* The correction is O. J. Dunn's, "Multiple comparisons among means", JASA 1961, after Bonferroni:
 * Holm's would show a little more, but has no intervals that go with it and hold together. */
void paired_t(const double *difference, int64_t n, int64_t m, struct rn_difference *out)
{
    double k = (double)(m > 1 ? m : 1);

    *out = (struct rn_difference){.by = n > 0 ? RN_BY_SEEDS : RN_NOT_COMPARED,
                                  .n = n,
                                  .sd = NAN,
                                  .low = NAN,
                                  .high = NAN,
                                  .p = NAN,
                                  .p_corrected = NAN};
    moments(difference, n, &out->mean, &out->sd);
    if (is_without_spread(difference, n)) {
        out->sd = NAN;
        return;
    }
    double df = (double)(n - 1), error = out->sd / sqrt((double)n);
    double half = student_quantile(SIGNIFICANT / k / 2, df) * error;
    out->low = out->mean - half;
    out->high = out->mean + half;
    out->p = 2 * student_tail(fabs(out->mean) / error, df);
    out->p_corrected = fmin(1, k * out->p);
    out->differs = out->low > 0 || out->high < 0;
}

/* S.-C. Chow et al., "Sample Size Calculations in Clinical Research", 3.1 */
static bool shows(double ratio, double tail, int64_t n)
{
    const double missed = 0.2, df = (double)(n - 1);

    return student_quantile(tail, df) + student_quantile(missed, df) <= ratio * sqrt((double)n);
}

int64_t seeds_needed(double mean, double sd, int64_t m)
{
    double tail = SIGNIFICANT / (double)(m > 1 ? m : 1) / 2, ratio = fabs(mean) / sd;
    int64_t few = 1, enough = 2;

    if (!(ratio > 0) || !isfinite(ratio))
        return 0;
    for (; !shows(ratio, tail, enough); enough *= 2) {
        if (enough > SEEDS_MOST)
            return 0;
        few = enough;
    }
    while (enough - few > 1) {
        int64_t n = few + (enough - few) / 2;
        if (shows(ratio, tail, n))
            enough = n;
        else
            few = n;
    }
    return enough;
}

static double best_of(const double *mean, int64_t n, bool more, double *ties)
{
    double best = mean[0];

    for (int64_t g = 1; g < n; g++)
        best = more ? fmax(best, mean[g]) : fmin(best, mean[g]);
    *ties = 0;
    for (int64_t g = 0; g < n; g++)
        *ties += mean[g] == best;
    return best;
}

/* B. Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 1979: whole seeds are
 * drawn, so that groups stay paired. */
int best_shares(const double *x, int64_t n, int64_t seeds, bool more_is_better, int64_t draws,
                double *share)
{
    double *mean = mem_array((size_t)n + 1, sizeof *mean);
    double ties;
    uint64_t drawn = 0;

    if (!mean)
        return RN_ENOMEM;
    for (int64_t g = 0; g < n; g++)
        share[g] = 0;
    for (int64_t d = 0; d < draws && n > 0; d++) {
        memset(mean, 0, (size_t)n * sizeof *mean);
        for (int64_t s = 0; s < seeds; s++) {
            int64_t one = (int64_t)(rn_uniform(0, drawn++, 0) * (float)seeds);
            one = one < seeds ? one : seeds - 1;
            for (int64_t g = 0; g < n; g++)
                mean[g] += x[g * seeds + one];
        }
        double best = best_of(mean, n, more_is_better, &ties);
        for (int64_t g = 0; g < n; g++)
            share[g] += mean[g] == best ? 1 / ties : 0;
    }
    for (int64_t g = 0; g < n && draws > 0; g++)
        share[g] /= (double)draws;
    mem_free(mean);
    return RN_OK;
}

/* T. L. Kelley, "An unbiased correlation ratio measure", PNAS 1935 (epsilon squared) */
double variance_share(const double *y, const int *kind, int64_t n, int k)
{
    double mean, sd, within = 0;

    moments(y, n, &mean, &sd);
    double total = sd * sd * (double)(n - 1);
    if (n <= k || k < 2 || !(total > 0))
        return NAN;
    for (int c = 0; c < k; c++) {
        double sum = 0, squares = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++)
            if (kind[i] == c) {
                sum += y[i] - mean;
                squares += (y[i] - mean) * (y[i] - mean);
                count++;
            }
        within += count ? squares - sum * sum / (double)count : 0;
    }
    double noise = within / (double)(n - k);
    return fmin(1, fmax(0, (total - within - (double)(k - 1) * noise) / total));
}

/* ---- counts --------------------------------------------------------------- */

/* Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
 * percentages", Psychometrika 1947; the exact form: twice the tail of the binomial of 1/2. */
double mcnemar_exact(int64_t only_a, int64_t only_b)
{
    int64_t n = only_a + only_b, k = only_a < only_b ? only_a : only_b;

    if (2 * k >= n)
        return 1;
    double m = (double)n, at = (double)k;
    double term = exp(lgamma(m + 1) - lgamma(at + 1) - lgamma(m - at + 1) - m * log(2)), sum = 0;
    for (int64_t i = k; i >= 0 && term > 1e-18 * sum; i--) {
        sum += term;
        term *= (double)i / (double)(n - i + 1);
    }
    return fmin(1, 2 * sum);
}

struct ranked {
    double p;
    int64_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->p < y->p ? -1 : x->p > y->p ? 1 : (x->at > y->at) - (x->at < y->at);
}

/* S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979 */
int holm(double *p, int64_t n)
{
    struct ranked *r = mem_array((size_t)n + 1, sizeof *r);
    double least = 0;

    if (!r)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        r[i] = (struct ranked){p[i], i};
    qsort(r, (size_t)n, sizeof *r, by_p);
    for (int64_t i = 0; i < n; i++) {
        least = fmax(least, fmin(1, (double)(n - i) * r[i].p));
        p[r[i].at] = least;
    }
    mem_free(r);
    return RN_OK;
}

/* E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927
 */
void wilson_interval(int64_t k, int64_t n, double *low, double *high)
{
    const double z = NORMAL_95;

    *low = 0;
    *high = 1;
    if (n <= 0)
        return;
    double m = (double)n, p = (double)k / m, denominator = 1 + z * z / m;
    double centre = (p + z * z / (2 * m)) / denominator;
    double half = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / denominator;
    *low = k == 0 ? 0 : fmax(0, centre - half);
    *high = k == n ? 1 : fmin(1, centre + half);
}
