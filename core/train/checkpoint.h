/* checkpoint.h - parameters and the state of training as safetensors files. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "trainer.h"

/* Parameters in the layout that PyTorch expects and kept buffers, each named layer.name. meta may
 * be NULL. */
int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta);
/* All that is needed to go on: parameters, the optimizer's slots and kept buffers as stored, and
 * where training stands (step, epoch, step_in_epoch, seed, best epoch and loss) as metadata. */
int checkpoint_state(const struct model *m, const struct trainer_state *state, const char *path);

#endif
