/* differences.h - gradients by finite differences, in double or, with tolerances that suit it, in
 * float. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "finding.h"

#include <runner/tensor.h>

/* A function of the values at v, computed by way of the plugin. *out: its value, a sum of terms;
 * *size: the root of the sum of their squares, which says how far rounding may have moved it. */
struct differences {
    enum finding (*value)(void *trial, double *out, double *size);
    void *trial;
    uint64_t seed;  /* of the directions */
    const char *of; /* "the input" */
    int row;        /* the number of values of one sample, or 0: to say where an element is */
    char *why;      /* WHY_SIZE, for a finding */
};

/* Holds grad against the differences of value() where v[0..n-1] moves: each element when there are
 * few, else in directions of some elements each. v is as before afterwards; room: n values of its
 * own. GRADIENT, or what value() found. */
enum finding differences_check(const struct differences *d, rn_real *v, const rn_real *grad,
                               int64_t n, rn_real *room);

#endif
