/* run.h - one experiment from its file to its run folder. */
#ifndef RUN_H
#define RUN_H

#include "session.h"

struct run_args {
    const char *out;     /* root of the run folders: "reports" */
    const char *command; /* as typed, for the report */
    uint64_t begun_ns;   /* when the process began, by clock_ns() */
    const char *dir;     /* the run folder itself, begun or not; NULL: a new one below out */
    bool resume;         /* dir was begun, and how it is trained may be changed */
    int64_t until;       /* pauses behind that epoch; 0: never */
    const char *weights; /* of another run, to be tested as they are: nothing is trained; or NULL */
    bool profile;        /* times each operation of the training steps */
    int verbosity;       /* -2 silent, -1 one line, 0 normal, 1 verbose */
};

/* Trains, evaluates, reports, on a session that is planned. A run that was begun in dir goes on;
 * one that is finished is left as it is. *exit_code is that of the process when the status is RN_OK
 * or RN_ENUMERIC: 0, 1 (an expectation does not hold), 6, 75, 130. json gets summary.json when it
 * is not NULL, profile the table of a wanted profile. An error before the first step leaves no
 * folder behind, or one that was there as it was. */
int run_experiment(struct session *s, const struct run_args *args, int *exit_code,
                   struct text *json, struct text *profile);

#endif
