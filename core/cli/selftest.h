/* selftest.h - `runner selftest`: its words, and its table or document. */
#ifndef CLI_SELFTEST_H
#define CLI_SELFTEST_H

#include "args.h"

/* *code: 0, or 1 where something is not the same. */
int selftest_command(const struct args *a, struct text *out, int *code);

#endif
