/* device_cases.h - the cases of device_case.h over awkward shapes, and how to judge what came of
 * them: shared by the tests of devices and by `runner selftest`. */
#ifndef DEVICE_CASES_H
#define DEVICE_CASES_H

#include "device_case.h"

/* They come in parts, from 0 on, so that each can be a test of its own. */
typedef int case_visit(void *ctx, const struct device_case *c); /* < 0 ends it */
int device_cases(int part, case_visit *visit, void *ctx);
int device_case_parts(void);

const char *device_case_op(enum case_op op);               /* "gemm" */
const char *device_case_text(const struct device_case *c); /* for messages; overwritten */
/* How many roundings, as a multiple of FLT_EPSILON, of the result on absolute values. 0: none, the
 * bits are to be the same. */
double device_case_roundings(const struct device_case *c);

struct case_gap {
    double worst; /* difference, in units of bound * |room|; infinite where there is no room */
    int64_t at;   /* where; -1: there is none */
    double error, norm; /* sums of squares of the differences, and of room */
};
/* room: the result with all values absolute. */
void device_case_compare(double bound, const double *got, const double *want, const double *room,
                         int64_t n, struct case_gap *out);

#endif
