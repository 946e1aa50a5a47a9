/* differ.h - which settings of several runs differ. */
#ifndef REPORT_DIFFER_H
#define REPORT_DIFFER_H

#include "base/mem.h"

#include <runner/reporter.h>

struct settings { /* sorted by key */
    const struct rn_fact *facts;
    int64_t n;
};

/* A row for each key whose values differ among n runs, but for those beside it. A part
 * that some run lacks ("callbacks.ema1") is told by its type; its options only where they differ
 * among those that have it. brief: the same where a part is of another type. All is in p.
 * RN_ENOMEM. */
int differ(struct pool *p, const struct settings *runs, int64_t n, bool brief, struct rn_row **rows,
           int64_t *n_rows);

#endif
