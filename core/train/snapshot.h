/* snapshot.h - a copy on the host of all that training changes on the device. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "model/model.h"

struct snapshot {
    rn_real **copy, **spare; /* one for each array of the model; NULL until the first */
};
/* Takes the place of the one before, unless a parameter is not finite: then *good is false and
 * nothing changes. Memory from p, once. */
int snapshot_take(struct pool *p, const struct model *m, struct snapshot *s, bool *good);
int snapshot_restore(const struct model *m, const struct snapshot *s);

#endif
