/* facts.h - the inside of a report, for the files of this folder alone: facts.c collects, thin.c
 * keeps a part of what grows with the run, named.c finds by name, figures.c draws, analysis.c
 * judges, write.c writes. */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H

#include "report.h"

enum { STEPS_KEPT = 600, EPOCHS_INSIDE = 500, BINS_KEPT = 3 };

struct first_layer { /* weights of units that see pixels: unit, channel, row, column */
    const char *name;
    int64_t units, shown, h, w, channels;
    const float *values; /* of the first `shown` units; NULL: there are none */
};

#define ADVICE_MAX   5 /* things to try */
#define FINDINGS_MAX 32
#define RULE_NEXT    "next" /* of the things to try */

struct report {
    struct rn_report view;
    struct pool *pool;  /* what lives as long as the report */
    struct pool *drawn; /* figures and findings, made anew each time */
    struct adviser adviser;
    struct rn_finding proposed[ADVICE_MAX]; /* instead of an adviser */
    int n_proposed;
    struct pool *listed; /* files */
    struct pool *said;   /* log and warnings, as they were last */
    struct rn_layer_fact *layers;
    struct rn_time_fact times[5];
    struct rn_step_fact *steps;     /* STEPS_KEPT of them */
    int64_t steps_span, steps_open; /* records that make a point; that are in the last one */
    struct rn_param_fact *params;   /* of every insides_span-th epoch, the best, the newest */
    struct rn_units_fact *units;
    int64_t params_cap, units_cap, insides_span, first_inside;
    struct {
        int64_t epoch; /* 0: free */
        int64_t *at;
    } bins[BINS_KEPT]; /* of the first, the best and the newest */
    int64_t epochs_cap, measures_cap, expectations_cap, bounds_cap;
    struct rn_epoch *epochs;
    struct rn_measure *measures;
    struct rn_test test;
    struct rn_expectation *expectations;
    struct bound {
        double min, max;
    } * bounds;
    double *wanted,
        *predicted; /* numbers of the test samples; NULL: classes, or several a sample */
    struct first_layer first_layer;
};

/* n elements of that size into p; *ok becomes false when out of memory. */
void *copy_array(struct pool *p, const void *from, int64_t n, size_t size, bool *ok);
/* An array of n elements with room for `more` behind them: the old one where *cap allows it, else a
 * larger one in its place. NULL: out of memory, and the old one is as it was. */
void *roomy(void *old, int64_t n, int64_t more, int64_t *cap, size_t size);
/* Rounded to the nine digits that stand in files, so that what is read back is what was there. */
double nine(double v);
void judge_expectations(struct report *r);
void thin_close(struct report *r); /* thin.c */
/* named.c: "val.loss" after that epoch; NaN: not measured. */
double epoch_metric(struct report *r, int64_t epoch, const char *name);

/* scores.c: the test that view.test shows from now on, from its samples: n, loss, classes, epoch,
 * samples and what there is of pictures. */
int take_test(struct report *r, const struct rn_test *t);

/* gallery.c: the pictures of a test whose samples are known, and all of them as one PNG. */
int keep_pictures(struct report *r, const struct report_test *t, struct rn_test *to);
#define PICTURES_MAX 1000

/* figures.c: fills view.figures from the pool `drawn`; without the test pass only the curves. */
int figures_draw(struct report *r);

struct answer {
    double p;
    int64_t right; /* 0 or 1 */
};
/* analysis_trust.c: those of a test by p_predicted, without one last; from p, NULL: out of memory.
 */
struct answer *surest_first(struct pool *p, const struct rn_test *t);

/* analysis.c: the first epoch whose training loss is not finite; NULL: none. to_the_end: neither is
 * that of any later one. */
const struct rn_epoch *first_broken(const struct rn_report *r, bool *to_the_end);
/* The findings on the facts so far, first of all the verdict; room for FINDINGS_MAX.
 * wanted, predicted: numbers of the test samples; NULL: there are none. */
int analysis_make(struct pool *p, const struct rn_report *r, const double *wanted,
                  const double *predicted, const struct adviser *adviser,
                  struct rn_finding **findings, int64_t *n);

#endif
