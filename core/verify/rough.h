/* rough.h - another device, but each result of a product, a map, a sum or a convolution is off by
 * up to two roundings, by others in each replay: how much of a plugin's results rounding can be. */
#ifndef ROUGH_H
#define ROUGH_H

#include <runner/device.h>

struct rough {
    struct rn_device base; /* what to hand on */
    struct rn_device *real;
    struct rn_device_ops ops;
    uint64_t replays, stirred; /* so far: they decide which numbers are drawn */
};
/* It works on real's memory, and needs no closing. Nothing of it times, tags or stages. */
void rough_make(struct rn_device *real, struct rough *out);

#endif
