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
/* Values of array i; -1 behind the last. */
int64_t snapshot_size(const struct model *m, int i);
/* Makes s->copy, to be filled. RN_ENOMEM. */
int snapshot_make(struct pool *p, const struct model *m, struct snapshot *s);
int snapshot_restore(const struct model *m, const struct snapshot *s);

#endif
