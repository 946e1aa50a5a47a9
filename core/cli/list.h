/* list.h - `runner runs`: the runs under a root as a table or as JSON. */
#ifndef LIST_H
#define LIST_H

#include "args.h"

/* RN_EINVAL: a filter or --sort that cannot be. */
int list_runs(const struct args *a, struct text *out);

/* "350 ms", "2.7 s", "3 min 5 s", "2 h 14 min" */
const char *duration_text(double seconds, char out[32]);

#endif
