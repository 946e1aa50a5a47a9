/* record.h - sweep.json: what a sweep consists of and what became of each run, for the page. */
#ifndef SWEEP_RECORD_H
#define SWEEP_RECORD_H

#include "plan.h"

struct run_record {     /* of run i of the plan */
    const char *status; /* as of run_state.h, or "pruned" */
    const char *reason;
    int exit_code;
    int64_t attempts, rung; /* rung: epochs at which it was pruned; 0: it was not */
};

/* Writes dir/sweep.json; records has one for each run. lasting: it may wait for the disk. */
int record_write(const struct plan *p, const char *dir, const char *command,
                 const struct run_record *records, bool lasting);

#endif
