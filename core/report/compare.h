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

/* McNemar's exact test, two-sided: samples that only one of two runs got right are as likely to be
 * the one's as the other's when both are equally good. */
double mcnemar_exact(int64_t only_a, int64_t only_b);
/* Holm's correction of n p-values, in place. */
void holm(double *p, int n);
/* Whether two runs were measured on the same test samples in the same order. */
bool compare_same_samples(const struct comparison *c, int64_t a, int64_t b);
/* Whether it is known on which test samples a run was measured. */
bool compare_knows_samples(const struct comparison *c, int64_t run);

#endif
