/* bench.h - `runner bench`: devices side by side, or what would be timed. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "args.h"
#include "plugin/registry.h"

/* Whether the command line means a benchmark: by its verb, its options, or the file's section. */
bool bench_takes(const struct args *a);
/* Problems of the file are in *diag, from p. *code is the exit code when the status is RN_OK. */
int bench_command(struct pool *p, const struct args *a, struct registry *r, struct diag **diag,
                  int *code, struct text *out);

#endif
