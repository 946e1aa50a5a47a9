/* bench.h - `runner bench`: times training on devices side by side, shows whether they compute the
 * same, and writes a folder about it. */
#ifndef BENCH_H
#define BENCH_H

#include "plugin/registry.h"
#include "report/bench.h"
#include "spec.h"

struct bench_args {
    const char *file, *root, *command; /* root of the results: "reports" */
    struct bench_words words;
    const char *const *plugin_dirs;
    int n_plugin_dirs;
    bool quiet; /* nothing on stderr while it goes on */
};

/* What would be timed: checks all, starts nothing. Problems are in *diag, from p. */
int bench_show(struct pool *p, struct registry *r, const struct bench_args *args,
               struct diag **diag, struct text *out);
/* *out, to be freed, has all of it when the status is RN_OK, also after a signal. exit_code: 130 or
 * 75 after a signal, 3: a device that is required can't be used, 9: something could not be timed,
 * 1: devices do not compute the same. */
int bench_run(struct pool *p, struct registry *r, const struct bench_args *args, struct diag **diag,
              int *exit_code, struct bench *out);

struct agree_args { /* the experiment's own device against another */
    const char *file, *device;
    int64_t steps;
    double rel;
    const char *const *plugin_dirs;
    int n_plugin_dirs;
};
int bench_agree(const struct agree_args *args, struct text *json);

#endif
