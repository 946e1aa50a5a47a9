/* sweep.h - `runner sweep`: many runs of one file, or what they would be. */
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H

#include "args.h"
#include "plugin/registry.h"

/* Problems of the file are in *diag, from p. *code is the exit code when the status is RN_OK. */
int sweep_command(struct pool *p, const struct args *a, struct registry *r, struct diag **diag,
                  int *code, struct text *out);

#endif
