/* budget.h - what a run takes of the device's memory, added up before any of it is allocated: which
 * samples stay there, and what is said of a run that does not fit. */
#ifndef BUDGET_H
#define BUDGET_H

#include "data.h"
#include "model/model.h"

/* The arena for all of them: the largest step's. p: for what is thrown away. */
int budget_arena(struct pool *p, const struct model *m, const struct batches *b, int64_t *bytes);

/* Decides which splits stay on the device: d->streamed, d->streamed_note. RN_ENOMEM: the run does
 * not fit, diag has the place in the file and what would fit. Allocates nothing on the device. */
int budget_decide(const struct experiment *e, const struct model *m, struct data *d,
                  struct rn_device *dev, struct diag *diag);

#endif
