/* device_case.h - one operation on made-up data, the same on any device and in any precision: the
 * source is built in float for the device under test and, by the tests, in double for the
 * reference. Results come back as double, with the guards around them. */
#ifndef DEVICE_CASE_H
#define DEVICE_CASE_H

#include <stdbool.h>
#include <stdint.h>

struct rn_device; /* its operations differ with the precision: only passed through here */

enum case_op {
    CASE_FILL,
    CASE_GEMM,
    CASE_SIX,   /* a map of six inputs and three outputs, all spans */
    CASE_CURVE, /* a map with expf and logf, in place */
    CASE_PLACE, /* a map of row and col */
    CASE_DRAW,  /* a map of random numbers */
    CASE_REDUCE,
    CASE_GATHER,
    CASE_ARGMAX,
    CASE_TASK, /* between two maps */
    CASE_CONV,
    CASE_POOL, /* forward; with `back`, then backward from what it noted */
    CASE_OPS,
};

struct case_window { /* of convolutions and pools */
    int h, w, kernel_h, kernel_w, stride, dilation;
    int top, left, bottom, right; /* padding */
};

struct device_case {
    enum case_op op;
    int64_t rows, cols, k;
    int64_t pad;      /* gemm: leading dimensions beyond the columns */
    int64_t channels; /* gather: 0 without scale and shift; of images */
    double beta;
    int ta, tb;        /* gemm */
    int op_code, over; /* reduce: enum rn_reduction, enum rn_span; conv: enum rn_conv_pass; pool:
                          enum rn_pool_op */
    struct case_window window;
    int groups;        /* conv; cols are the filters */
    bool bias;         /* conv, forward */
    bool back, inside; /* pool */
    bool odd_values;   /* pool: many equal, NaN and infinities among them */
    int span;          /* map: the span of input i is (span >> 2 i) % 4, but of input 0 RN_EACH */
    int dtype;         /* gather: enum rn_dtype */
    bool moves;        /* arguments and places from the step block: replayed only */
    bool apart;    /* task: on memory of the host, which any device has; its calls are counted */
    uint64_t seed; /* of the values */
    bool absolute; /* all values positive: the result bounds what rounding can do */
};

enum case_how { CASE_EAGER, CASE_REPLAYED };
enum { CASE_GUARD = 64, CASE_MAX = 3 << 20 };

/* Does it and writes the results, guards and all, to out[CASE_MAX], *n values. RN_EBUG: there is no
 * room; or the status of what failed on the device. */
int device_case_f32(struct rn_device *d, const struct device_case *c, enum case_how how,
                    double *out, int64_t *n);
int device_case_f64(struct rn_device *d, const struct device_case *c, enum case_how how,
                    double *out, int64_t *n);

#endif
