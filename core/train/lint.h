/* lint.h - what is legal in an experiment, but can hardly be meant; and metrics that are monitored
 * and will never be measured. */
#ifndef LINT_H
#define LINT_H

#include "data.h"

/* Warnings and errors go to diag. RN_EINVAL when there was an error. */
int lint_training(const struct experiment *e, const struct data *d, struct diag *diag);

#endif
