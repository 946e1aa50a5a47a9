/* analysis.h - the inside of the analysis: what its rules share, and what its tests look into. Each
 * file of the analysis owns the rules of one subject. */
#ifndef REPORT_ANALYSIS_H
#define REPORT_ANALYSIS_H

#include "facts.h"

#define TREND_EPOCHS 3  /* fewer points show no trend */
#define SUPPORT_MIN  10 /* a class with fewer samples is not spoken about */

struct node;
struct numbers { /* of a test whose targets are numbers, against always answering their mean */
    double rmse, spread; /* of the model, of the mean; NaN: not known */
    double r2;           /* 1 - (rmse / spread)^2 */
    double gain, noise;  /* squared error that the model saves a sample; half its 95 % interval */
};
struct judge { /* findings in the making */
    struct pool *p;
    const struct rn_report *r;
    const struct adviser *adviser; /* NULL: no advice is given */
    struct numbers numbers;
    struct node *config; /* the resolved configuration; NULL: it cannot be read */
    struct rn_finding findings[FINDINGS_MAX];
    int64_t n;
};

int judge_add(struct judge *j, const char *rule, enum rn_tone tone, const char *text);
#define SAY(j, rule, tone, ...) judge_add((j), (rule), (tone), pool_printf((j)->p, __VA_ARGS__))

/* ---- noise ---------------------------------------------------------------- */

struct share { /* of samples, with its 95 % interval */
    double p, low, high;
};
struct share share_of(double p, int64_t n);
/* How far two shares of different samples may differ by chance alone. */
double difference_noise(struct share a, struct share b);

double val_loss_error(const struct rn_report *r); /* of the lowest; NaN: no validation loss */
/* Standard error of val.loss - fit.loss of an epoch: both are means over samples.
 * dispersion is that of the test's losses, which is worth keeping. */
double loss_dispersion(const struct rn_report *r);
double loss_gap_error(const struct rn_report *r, double dispersion, const struct rn_epoch *e);
int loss_digits(double loss);           /* significant ones of a test's loss, at least four */
int percent_digits(double half);        /* after the point of a percentage known to within +-half */
double median_of(double *x, int64_t n); /* sorts x; NaN when it is empty */

/* ---- analysis_fit.c: over- and underfitting ------------------------------- */

enum fit_verdict {
    FIT_UNKNOWN,
    FIT_NOISY,
    FIT_UNDER,
    FIT_GOOD,
    FIT_UNSTABLE,
    FIT_MILD,
    FIT_STRONG
};

struct fit {
    enum fit_verdict verdict;
    double error;       /* standard error of the lowest val.loss */
    double least, rise; /* the lowest val.loss; how far the last is above it */
    double gap;         /* val.loss - fit.loss at the end */
    double gap_error;   /* its standard error */
    double fit_rise;    /* how far fit.loss is at the end above that of the best epoch */
    int64_t onset;      /* the epoch from which val.loss stays above by more than error; 0: none */
    bool falling;       /* the last val.loss is the lowest, by more than error since some epochs */
    bool poor;          /* hardly better than guessing, even on training samples */
    bool far;           /* much worse than guessing, by the loss */
};

/*   strong   the gap exceeds 2 errors; it has an onset and rises by more than 3 errors and a
 * quarter mild     the gap exceeds 2 errors; it has an onset, or the gap exceeds a tenth of
 * val.loss unstable no such gap; it has an onset, and fit.loss rose as well under    no gap, and
 * still falling or hardly better than guessing noisy    none of these, and the error is more than a
 * quarter of val.loss good     otherwise; unknown with fewer than three epochs */
struct fit judge_fit(const struct rn_report *r, const struct numbers *n);
const char *fit_words(enum fit_verdict v);

int64_t finite_rows(const struct rn_report *r, int64_t *last); /* with a val.loss; last: -1 */
const struct rn_epoch *row_of(const struct rn_report *r, int64_t epoch); /* NULL: none */
int rules_fit(struct judge *j, const struct fit *f);

/* ---- analysis_test.c: the test pass; analysis_trust.c: its probabilities -- */

void judge_numbers(const struct rn_test *t, const double *wanted, const double *predicted,
                   struct numbers *out);
/* Whether always giving that share of right answers would do as well. */
bool no_better(const struct rn_test *t, double guess);
int rules_test(struct judge *j);

struct calibration {
    int64_t n;
    double sure, right;      /* mean confidence; share of right answers */
    double gap_error;        /* standard error of sure - right, were it calibrated */
    double ece, chance, top; /* measured; what chance alone gives on average, and at most */
};

/* By the bins of the test's confidence. False without evidence: no bins, fewer than 100 samples. */
bool judge_calibration(const struct rn_test *t, struct calibration *out);
int rules_trust(struct judge *j);

/* ---- analysis_inside.c: gradients, updates, silent units, time ------------ */

enum pace { PACE_UNKNOWN, PACE_SLOW, PACE_USUAL, PACE_FAST };

/* How far a step moves the weights: the median over the parameters of update norm / weight norm.
 * Slow when it is below 1e-4 in every epoch that was looked at, fast above 1e-2 in every one.
 * Epochs whose rate is below a tenth of the highest do not count: a schedule made those steps
 * small. */
enum pace judge_pace(const struct rn_report *r, double *least, double *most);
bool gradients_explode(const struct rn_report *r, double *before, double *now);
/* Whether all units of some layer were silent when they were last looked at. */
bool layer_is_dead(const struct rn_report *r);
int rules_inside(struct judge *j);

/* ---- analysis_next.c: what to try ----------------------------------------- */

int rules_next(struct judge *j, const struct fit *f);

#endif
