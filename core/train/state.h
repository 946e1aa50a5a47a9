/* state.h - all that training needs to go on to the same bits, as a safetensors file. As tensors:
 * parameters, the optimizer's slots, gradients that are being added up, what callbacks keep, kept
 * buffers, all as stored, and the losses of the epoch so far. As metadata: where training stands,
 * and the states of scheduler and callbacks ("state/" and their path, in hexadecimal digits). */
#ifndef STATE_H
#define STATE_H

#include "safetensors.h"
#include "trainer.h"

/* more: what the caller wants to find again; its keys begin with "run/". */
int state_write(struct trainer *t, const char *path, const struct rn_fact *more, int n_more);
/* RN_EDATA: damaged, or not ours; the message says what to do. */
int state_read(const char *path, struct safetensors *out);
const char *state_fact(const struct safetensors *st, const char *key); /* NULL: there is none */
/* Puts a trainer that was just opened where the file says. RN_EDATA: it is of another model. */
int state_restore(struct trainer *t, const struct safetensors *st, const char *path);
/* What had ended training does not count any more: it goes on. */
void state_forget_end(struct trainer *t);

#endif
