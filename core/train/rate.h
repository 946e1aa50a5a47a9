/* rate.h - the learning rate of each update: the optimizer's own, warmed up, times what the
 * scheduler says. Needs no model and no device: `runner summary` draws it. */
#ifndef RATE_H
#define RATE_H

#include "experiment/experiment.h"

struct rate {
    const struct experiment *e;
    double base; /* the option lr of the optimizer */
    void *state; /* the scheduler's */
};

/* RN_ENOMEM. All is in p. */
int rate_open(struct pool *p, const struct experiment *e, struct rate *out);
double rate_base(const struct experiment *e);
/* Batches of an epoch over n_train samples. */
int64_t rate_batches(const struct experiment *e, int64_t n_train);
/* Where a run over n_train samples stands behind so many updates. */
struct rn_progress_point rate_point(const struct experiment *e, int64_t n_train, int64_t updates);
/* Of the update that comes after at->step of them. */
double rate_at(const struct rate *r, const struct rn_progress_point *at);
/* The metric that the scheduler monitors, and what it was in this epoch. NULL: none. */
const char *rate_monitor(const struct rate *r);
void rate_observe(struct rate *r, double metric);

/* The whole run without training, for n_train samples: the rate of RATE_POINTS updates that are
 * spread evenly over it. A scheduler that observes is shown nothing. */
enum { RATE_POINTS = 64 };
struct rate_curve {
    double at[RATE_POINTS];
    double low, high; /* of all updates */
    double first, last;
    int64_t high_step, updates, updates_per_epoch;
};
int rate_curve(const struct experiment *e, int64_t n_train, struct rate_curve *out);
/* The curve for `runner summary`: drawn in characters, or as members of a JSON object. */
int rate_summary(const struct experiment *e, int64_t n_train, bool json, struct text *out);

#endif
