/* compare.h - a few runs held against each other: what differs, how they scored, what a test of
 * significance allows to say. */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report.h"

enum { COMPARE_MAX = 8, NORMAL_MIN = 30 }; /* NORMAL_MIN: samples whose mean is near normal */

struct compared {
    const char *dir;  /* the run folder, as opened from here */
    const char *link; /* as seen from the root, for links */
};

struct comparison {
    struct rn_comparison view;
    struct pool *pool;
    struct report *reports[COMPARE_MAX];
    const char *label[COMPARE_MAX]; /* the name; the id where names are alike */
    const char *same;               /* "data, seed, machine": of what nothing differs */
};

/* 2 to COMPARE_MAX runs. RN_EDATA: one of them cannot be read. *out may be closed when NULL. */
int compare_open(const struct compared *runs, int n, const char *to_root, struct comparison **out);
void compare_close(struct comparison *c);

/* ---- the parts, each in a file of its own ---------------------------------- */

int compare_scores(struct comparison *c);  /* compare_scores.c: intervals, pairs */
int compare_figures(struct comparison *c); /* compare_figures.c */
int compare_words(struct comparison *c);   /* compare_words.c: after the scores */

/* Whether two runs were measured on the same test samples: their data sets say so, and so do the
 * true classes. */
bool same_samples(const struct rn_run *a, const struct rn_test *x, const struct rn_run *b,
                  const struct rn_test *y);
/* Of two tests on the same samples: all but a, b and p_corrected. out is zeroed. */
int pair_of(struct pool *p, const struct rn_test *x, const struct rn_test *y, struct rn_pair *out);
/* Whether two runs were measured on the same test samples in the same order. */
bool compare_same_samples(const struct comparison *c, int64_t a, int64_t b);
/* Whether it is known on which test samples a run was measured. */
bool compare_knows_samples(const struct comparison *c, int64_t run);

#endif
