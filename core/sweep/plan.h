/* plan.h - what a sweep's file comes to: groups, which differ in their configuration, and runs,
 * which differ within a group by their seed. */
#ifndef SWEEP_PLAN_H
#define SWEEP_PLAN_H

#include "base/hash.h"
#include "experiment/experiment.h"
#include "search.h"
#include "train/data.h"

struct plan_run {
    int group;
    int64_t seed, epochs; /* epochs: that it trains at most */
    const char *id;       /* "dropout-s3-1a2b3c4d": label, seed, hash; its folder */
    const char *config;   /* resolved: runs as it is */
    char hash[HASH_TEXT]; /* of what makes it what it is */
};

struct plan_group {
    const char *label;
    const struct rn_fact *says; /* "optimizer.lr" "0.01" */
    int64_t n_says;
    int first, n_runs;
    struct point point; /* of a search */
};

struct plan {
    struct sweep_spec *spec;
    struct registry *registry;
    struct pool *pool; /* the spec's */
    struct plan_group *groups;
    struct plan_run *runs;
    int n_groups, n_runs, room_groups, room_runs;
    int64_t epochs;        /* the most that any run may have */
    const char *objective; /* "val.accuracy" */
    bool more_is_better;
    bool counts_threads; /* every device has an option `threads` */
    struct data data;    /* of the experiment that was checked last */
    struct part data_part;
    const char *data_is;     /* its section; NULL: none is open */
    const char *const *said; /* what was decided, in words */
    int n_said, room_said;
};

/* No group yet. To be closed. */
void plan_open(struct plan *p, struct sweep_spec *spec, struct registry *registry);
/* All groups of a grid. Each is checked as `runner check` does it; problems are in the spec's diag,
 * RN_EINVAL then. */
int plan_grid(struct plan *p);
/* A search: its corners, for a check of the space before anything is run. */
int plan_check_space(struct plan *p);
/* Group number p->n_groups of a search, at p->groups[...].point, whose `at` is from the pool.
 * *added is false when there was the same before. */
int plan_point(struct plan *p, double *at, bool *added);
void plan_close(struct plan *p);
/* Adds a sentence. */
int plan_say(struct plan *p, const char *fmt, ...) RN_PRINTF(2, 3);

#endif
