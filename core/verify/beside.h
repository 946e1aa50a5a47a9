/* beside.h - what a layer, a loss or an optimizer computes on a device, beside what it computes on
 * another one from the same values.
 *
 * How far apart they may be is measured, not guessed: the other device does it again with inputs
 * and with results of each operation that are off by a few roundings, and what that moves a tensor
 * by is what rounding explains. So a gradient that is 0 but for rounding may be off by much of
 * itself, and a maximum hardly. */
#ifndef BESIDE_H
#define BESIDE_H

#include "device_check.h"
#include "plugin/registry.h"

/* Whether it computes anything: views do not. */
bool beside_knows(const struct plugin *p);

/* All variants of its options with inputs of many shapes, or every so many of them, on d and on
 * against; what disagrees, or fails on either, is in the row. RN_ENOMEM: it could not be done. */
int beside_check(struct rn_device *d, struct rn_device *against, const struct plugin *p,
                 uint64_t seed, int64_t every, struct device_row *row);

#endif
