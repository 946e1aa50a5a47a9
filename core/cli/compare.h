/* compare.h - `runner compare`: a few runs held against each other, as a table, CSV, JSON or a
 * page. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "args.h"

/* RN_EINVAL: not 2 to 8 runs, or two forms at once; RN_EDATA: a run cannot be found or read. */
int compare_runs(const struct args *a, struct text *out);

#endif
