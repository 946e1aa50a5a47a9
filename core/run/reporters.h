/* reporters.h - hands what happens in a run to each reporter of the experiment. */
#ifndef REPORTERS_H
#define REPORTERS_H

#include "experiment/experiment.h"

struct reporters {
    const struct part *parts;
    void **handles;
    int n, n_open;
};

/* Each tells all reporters, the first of the list last, and returns the last status < 0. */
int reporters_open(struct pool *p, const struct experiment *e, const struct rn_report *r,
                   struct reporters *out);
int reporters_progress(struct reporters *rs, const struct rn_progress *p);
int reporters_record(struct reporters *rs, const struct rn_record *r);
int reporters_epoch(struct reporters *rs, const struct rn_report *r);
int reporters_end(struct reporters *rs, const struct rn_report *r);
/* What they were told goes to their files. */
int reporters_flush(struct reporters *rs);
/* The pages over all runs of the root. A failure is a warning: it concerns no run. */
void reporters_runs(const struct reporters *rs, const char *root);
void reporters_close(struct reporters *rs);

#endif
