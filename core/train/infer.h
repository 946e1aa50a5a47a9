/* infer.h - what a trained model makes of samples that are of no data set. */
#ifndef INFER_H
#define INFER_H

#include "model/model.h"

/* input: n samples on the host, of dtype (enum rn_dtype; bytes count as 1/255 each), normalised as
 * the experiment says. scores: n times as many values as the last layer gives. The model is open,
 * and its device waits afterwards. */
int infer(const struct experiment *e, const struct model *m, uint32_t dtype, const void *input,
          int64_t n, rn_real *scores);

#endif
