/* sweep.h - many runs of one plan: groups of runs that differ in their seed alone, held against a
 * reference. From <dir>/sweep.json and the run folders <dir>/runs/<id>, of which nothing is
 * trusted. No prediction is kept for longer than a comparison takes, so that a thousand runs fit.
 */
#ifndef REPORT_SWEEP_H
#define REPORT_SWEEP_H

#include "report.h"

#define SWEEP_FILE "sweep.json"

enum {
    SWEEP_GROUPS_MAX = 10000,
    SWEEP_RUNS_MAX = 100000,
    SWEEP_AXES_MAX = 64,
    SWEEP_LINES = 7,    /* groups that have a line in drawings: more cannot be told apart */
    SWEEP_VALUES = 12,  /* values of an axis that are looked at one by one */
    SWEEP_DRAWS = 10000 /* of seeds, for best_share */
};

struct trial {
    struct rn_trial t;
    const char *dir; /* of the run; NULL: it was not begun */
    double *curve;   /* the objective after epoch 1, 2, ...; NaN: not measured */
    int64_t n_curve;
    const char *test_set; /* which samples it was tested on; NULL: not known */
    struct rn_run run;    /* configuration and environment alone */
};

/* How much can be said of a group: in this order they are ranked. */
enum standing { WHOLE, SOME_DIVERGED, STOPPED_EARLY, NOTHING };

struct group {
    struct rn_group g;
    struct trial *trials; /* by seed */
    enum standing standing;
    int64_t at; /* in the file */
};

struct sweep {
    struct rn_sweep view;
    struct pool *p;
    const char *dir, *wanted_reference;
    struct group *groups; /* as view.groups in the end */
    int64_t n, n_runs;
    struct rn_axis *axes;
    const char *around;        /* what is not the same around all runs: "device, data, test set" */
    struct report *reports[2]; /* of the pair */
};

/* RN_EDATA: no sweep.json, or it is damaged; the message says where. A run that cannot be read is
 * shown as such. *out may be closed when NULL. */
int sweep_open(const char *dir, struct sweep **out);
void sweep_close(struct sweep *s);
/* summary.json and figures/<name>.svg, .csv in its folder. */
int sweep_write(struct sweep *s);
void sweep_summary_json(const struct sweep *s, struct text *out);

/* ---- the parts, each in a file of its own, in this order ------------------- */

int sweep_read(struct sweep *s);    /* sweep_read.c: groups and runs of sweep.json */
int sweep_runs(struct sweep *s);    /* sweep_runs.c: what the run folders say of them */
int sweep_rank(struct sweep *s);    /* sweep_rank.c: means, order, best_share, what is cheaper */
int sweep_compare(struct sweep *s); /* sweep_compare.c: differences to the reference */
int sweep_parameters(
    struct sweep *s);               /* sweep_runs.c: what differs between groups, in their order */
int sweep_axes(struct sweep *s);    /* sweep_axes.c: effects, importance */
int sweep_pair(struct sweep *s);    /* sweep_pair.c: the best against the reference, by sample */
int sweep_figures(struct sweep *s); /* sweep_figures.c */
int sweep_words(struct sweep *s);   /* sweep_words.c */

/* Which of a and b is better; NaN is worse than every number. */
bool sweep_better(const struct sweep *s, double a, double b);
/* The place of axis a's value of a group among its effects; -1: none. */
int64_t sweep_effect_of(const struct sweep *s, int64_t a, const struct group *g);
/* A value of the objective as people read it: "98.31 %", "0.0712". */
const char *sweep_text(const struct sweep *s, double v, char out[32]);
/* Of an axis that has numbers; NaN. */
double sweep_number(const char *value);

#endif
