/* tested.h - what the test set showed, for the report. */
#ifndef TESTED_H
#define TESTED_H

#include "session.h"

#include "train/trainer.h"

struct report;
/* epoch: whose parameters were tested; 0: those of the last. */
int tested_report(const struct session *s, struct report *report, const struct evaluation *ev,
                  int64_t epoch);

/* Probabilities of each class, n x width: softmax of the scores when the loss applies it itself.
 * From mem_alloc; NULL: RN_ENOMEM. */
double *tested_probabilities(const struct experiment *e, const rn_real *scores, int64_t n,
                             int64_t width);

#endif
