/* update_check.h - what an optimizer and a callback with slots have in common. */
#ifndef UPDATE_CHECK_H
#define UPDATE_CHECK_H

#include "finding.h"

struct updates {
    int (*scalars)(const void *opts, int64_t step, double lr, double out[RN_SCALARS]);
    int (*record)(const struct rn_update *u);
    uint32_t n_slots;
    bool slots_copy; /* of a callback: slots start as copies, and parameters are only read */
};
enum finding check_updates(const struct check *c, const struct updates *u);

#endif
