/* checkpoint.h - parameters and the state of training as safetensors files. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "trainer.h"

/* Parameters in the layout that PyTorch expects and kept buffers, each named layer.name. meta may
 * be NULL. */
int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta);
/* All that is needed to go on: parameters, the optimizer's slots, what callbacks keep and kept
 * buffers as stored; and as metadata where training stands (step, epoch, step_in_epoch, updates,
 * seed, best epoch and loss) and the states of scheduler and callbacks ("state/" and their path, in
 * hexadecimal digits). */
int checkpoint_state(const struct model *m, const struct trainer *t, const char *path);

#endif
