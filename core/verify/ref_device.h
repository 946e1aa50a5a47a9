/* ref_device.h - the reference: every operation of <runner/device.h> as plain loops, in double
 * when built with -DRN_DOUBLE. Slow, and written from the header's comments alone. */
#ifndef REF_DEVICE_H
#define REF_DEVICE_H

#include <runner/device.h>

int ref_device_open(struct rn_device **out); /* RN_ENOMEM */
void ref_device_close(struct rn_device *d);
/* A map is done an element at a time, slices of a task from the last to the first; larger: the
 * whole map at once, and the slices in order. Results may not depend on it. */
void ref_device_pieces(struct rn_device *d, bool larger);

#endif
