/* sweep.h - many runs of one experiment: planned, checked, run in processes of their own, compared.
 */
#ifndef SWEEP_SWEEP_H
#define SWEEP_SWEEP_H

#include "spec.h"

struct sweep_args {
    const char *file;         /* a sweep, or an experiment that words make one of */
    const char *const *words; /* "path=a,b", "path=value" */
    int n_words;
    const char *root;    /* "reports" */
    const char *name;    /* of the sweep; NULL: as the file says */
    const char *command; /* as typed */
    const char *const *plugin_dirs;
    int n_plugin_dirs;
    int jobs; /* 0: as the file says */
    int verbosity;
    bool json, colour;
};

/* Reads, plans and checks, and says what would be run, and what of it is done; quiet: how much.
 * Starts and writes nothing. *diag has the problems of the file; it and all else is in p. */
int sweep_show(struct pool *p, struct registry *r, const struct sweep_args *args,
               struct diag **diag, struct text *out);
/* The same, and runs what is not done yet; then makes the pages in *dir, its folder. *exit_code is
 * that of the process: 0, 9 (runs failed), 75, 130. RN_EBUSY: somebody else runs it. */
int sweep_run(struct pool *p, struct registry *r, const struct sweep_args *args, struct diag **diag,
              int *exit_code, const char **dir);

#endif
