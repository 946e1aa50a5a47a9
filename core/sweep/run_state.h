/* run_state.h - what the folder of a run says of it. Nothing else is known of a sweep between two
 * of its processes, so killing one loses nothing. */
#ifndef SWEEP_RUN_STATE_H
#define SWEEP_RUN_STATE_H

#include "base/mem.h"

struct run_state {
    const char *status; /* "pending": there is no run yet; "running", "finished", "interrupted",
                           "diverged", "failed"; "lost": it was killed and left no word */
    const char *reason; /* "" */
    int exit_code;
    int64_t attempts; /* 0: pending */
    int64_t epochs;   /* that are over */
    double seconds;   /* of a finished run; NaN */
};

/* All is in p. RN_ENOMEM. */
int run_state_read(struct pool *p, const char *dir, struct run_state *out);
/* The best value of a metric ("val.accuracy") in the first epochs epochs of a run, 0: in all that
 * it has. NaN: none. */
double run_best(const char *dir, const char *metric, bool more_is_better, int64_t epochs);
/* status.json of a run whose process left no last word. */
int run_set_failed(const char *dir, int exit_code, const char *reason);

#endif
