/* search.h - points of a search: at random, or where good ones were. */
#ifndef SWEEP_SEARCH_H
#define SWEEP_SEARCH_H

#include "spec.h"

struct point { /* by dimension: 0 to 1 along a range, or the number of a choice */
    double *at;
    double cost; /* less is better; NaN: not known yet, infinity: it failed */
};

/* Point number k of the space, by the sweep's seed; at has room for n_space. */
void search_random(const struct sweep_spec *s, int64_t k, double *at);
/* The same with what is known of the n points before it: a tree of Parzen estimators, Bergstra et
 * al., "Algorithms for hyper-parameter optimization", NIPS 2011. The best of the points known, a
 * quarter of them, say where to look; the others, and those whose cost is not known yet, where not.
 * The first SEARCH_STARTUP points are drawn at random. */
enum { SEARCH_STARTUP = 10, SEARCH_CANDIDATES = 24 };
int search_tpe(struct pool *p, const struct sweep_spec *s, const struct point *seen, int64_t n,
               int64_t k, double *at);

/* The value there as a piece, from p. */
int search_piece(struct pool *p, const struct dimension *d, double at, struct piece *out);

#endif
