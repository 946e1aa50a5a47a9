/* device_check.h - every operation of a device beside the same of another one, over the cases of
 * device_cases.h: how far apart they are, and whether each gives the same bits each time. */
#ifndef DEVICE_CHECK_H
#define DEVICE_CHECK_H

#include "device_cases.h"

struct rn_device;

enum { DEVICE_ROWS = CASE_OPS + 1, DEVICE_WHY = 640 }; /* the last: data staged while it works */

struct device_row {
    const char *name;     /* "gemm" */
    int64_t cases;        /* 0: there is no such operation, or it can't be tried here */
    int64_t failed;       /* of them */
    double worst;         /* difference in units of what rounding on both explains */
    char why[DEVICE_WHY]; /* what was wrong with the first that failed */
};

/* All cases, or every so many of them, on d and on against. seed: of the made-up numbers. progress
 * may be NULL. RN_ENOMEM, or why `against` fails; what fails on d is in its row. */
int device_check(struct rn_device *d, struct rn_device *against, uint64_t seed, int64_t every,
                 void (*progress)(void *ctx, int64_t done, int64_t of), void *ctx,
                 struct device_row rows[DEVICE_ROWS]);

#endif
