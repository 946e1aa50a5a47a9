/* loss.h - how wrong a prediction is, for each sample. The core divides the sum of the
 * losses by the sum of the weights, sums on the device and reads once an interval. */
#ifndef RN_LOSS_H
#define RN_LOSS_H

#include "layer.h"

struct rn_loss_call {
    uint32_t size, reserved;
    const void *opts;
    struct rn_device *dev;
    int64_t batch, width, target_width; /* pred is [batch, width] */
    const rn_real *pred, *target;       /* target: a class number, or target_width values */
    rn_real *loss, *weight;             /* forward writes [batch] each; loss with weight in it */
    const struct rn_tensor *buf;        /* as declared in plan(); kept from forward to backward */
    /* backward: dpred = dloss/dpred * scale[0], which is 1 / sum of the weights */
    const rn_real *scale;
    rn_real *dpred;
};

struct rn_loss_ops {
    uint32_t size, reserved;
    /* in[0] the prediction, in[1] the target; declares buffers, RN_ESHAPE when they do not fit */
    int (*plan)(struct rn_plan *p);
    int (*forward)(const struct rn_loss_call *c);
    int (*backward)(const struct rn_loss_call *c);
};
RN_NO_TAIL_PADDING(struct rn_loss_ops, backward);

#endif
