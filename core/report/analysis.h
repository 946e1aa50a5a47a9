/* analysis.h - the inside of the analysis, for its tests: noise, and the judgement of the fit. */
#ifndef REPORT_ANALYSIS_H
#define REPORT_ANALYSIS_H

#include "facts.h"

#define FINDINGS_MAX 12

struct judge { /* findings in the making */
    struct pool *p;
    const struct rn_report *r;
    struct rn_finding findings[FINDINGS_MAX];
    int64_t n;
};

enum fit_verdict { FIT_UNKNOWN, FIT_NOISY, FIT_UNDER, FIT_GOOD, FIT_MILD, FIT_STRONG };

struct fit {
    enum fit_verdict verdict;
    double error;       /* standard error of the lowest val.loss */
    double least, rise; /* the lowest val.loss; how far the last is above it */
    double gap;         /* val.loss - fit.loss at the end */
    int64_t onset;      /* the epoch from which val.loss stays above by more than error; 0: none */
};

/*   strong   it has an onset and rises by more than 3 errors and a quarter
 *   mild     it has an onset, or the gap exceeds 2 errors and a tenth of val.loss
 *   under    no gap, and still falling or near the loss of guessing
 *   noisy    none of these, and the error is more than a quarter of val.loss
 *   good     otherwise; unknown with fewer than three epochs */
struct fit judge_fit(const struct rn_report *r);
const char *fit_words(enum fit_verdict v);

double val_loss_error(const struct rn_report *r); /* NaN: there is no validation loss */
int percent_digits(double half);

#endif
