/* export.h - a finished run for another program, from the files of its folder. */
#ifndef EXPORT_H
#define EXPORT_H

#include "plugin/registry.h"

struct export_job {
    struct pool *p;
    const struct rn_report *r; /* as report_load() gives it */
    const char *to;            /* a folder; NULL: where the format's files usually go */
    struct text *said;         /* paths of what was written, one a line */
    struct text *hint;         /* how to open it */
};

/* Formats are `mlflow` and every reporter with an option `dir`, which is run once more over what it
 * was told of the run. word: a run as of run_find() below root. RN_EINVAL: no such format. */
int export_run(struct registry *reg, const char *root, const char *word, const char *format,
               struct export_job *job);

/* The measurements of a run in their order: those of metrics.jsonl, or without it those of its
 * epochs and of the test. */
int export_records(const struct rn_report *r,
                   int (*each)(void *ctx, const struct rn_record *record), void *ctx);

/* A file store as of MLflow 1 to 3: one experiment a name, one run a run. */
int export_mlflow(struct export_job *job);

#endif
