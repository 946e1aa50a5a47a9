/* optimizer.h - updates parameters. scalars() runs on the host before each step; record()
 * enqueues the update of one parameter once, and is replayed. An optimizer has an option
 * `lr`, which the core reads and schedules, and may have `weight_decay`. */
#ifndef RN_OPTIMIZER_H
#define RN_OPTIMIZER_H

#include "device.h"
#include "option.h"

#define RN_SCALARS 8

struct rn_update {
    uint32_t size;
    uint32_t decays; /* 0: weight decay leaves this parameter alone */
    const void *opts;
    struct rn_device *dev;
    int64_t rows, cols; /* of the parameter, which may come as one row whatever its shape */
    rn_real *param;
    const rn_real *grad;  /* of the mean loss of the batch */
    rn_real *const *slot; /* n_slots arrays like param, zero before the first step */
    uint32_t scalar_from; /* scalars()' out[i] is block.f[scalar_from + i] */
    uint32_t reserved;
};

struct rn_optimizer_ops {
    uint32_t size, n_slots;        /* 0 for plain SGD, 2 for Adam */
    const char *const *slot_names; /* checkpoint keys; NULL without slots */
    /* step counts from 1; lr is the scheduled rate */
    int (*scalars)(const void *opts, int64_t step, double lr, double out[RN_SCALARS]);
    int (*record)(const struct rn_update *u);
};
RN_NO_TAIL_PADDING(struct rn_optimizer_ops, record);

#endif
