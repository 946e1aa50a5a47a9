/* around.h - what lies around a run and is no parameter of it: machine, data, plugins, versions. */
#ifndef REPORT_AROUND_H
#define REPORT_AROUND_H

#include "base/mem.h"

#include <runner/reporter.h>

/* Fills environment from the files in dir, sorted by key; r->device is known. What is missing is
 * left out. RN_ENOMEM. */
int run_around(struct pool *p, const char *dir, struct rn_run *r);
/* Of the environment; NULL: there is none. */
const char *around_fact(const struct rn_run *r, const char *key);

#endif
