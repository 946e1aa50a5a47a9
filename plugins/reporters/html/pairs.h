/* pairs.h - two runs sample by sample, for the pages of comparisons and sweeps. */
#ifndef HTML_PAIRS_H
#define HTML_PAIRS_H

#include "page.h"

struct pair_side {
    const struct rn_test *test;
    const char *label;
    int64_t run; /* the style sheet has its sprite for tiles of class t<run> */
};
/* Samples that only a, and that only b got right. */
void pairs_gallery(struct rn_text *t, const struct rn_pair *p, struct pair_side a,
                   struct pair_side b, bool open);
/* A cell of a table. */
void pairs_p(struct rn_text *t, double p);

#endif
