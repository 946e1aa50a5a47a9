/* launcher.h - where the runs of a sweep are executed. */
#ifndef SWEEP_LAUNCHER_H
#define SWEEP_LAUNCHER_H

#include "run/launch.h"
#include "spec.h"

/* `local`, or {type: slurm, ...}; n may be NULL. Problems go to s->diag, RN_EINVAL then. */
int launcher_read(struct sweep_spec *s, const struct node *n);
int64_t launcher_threads(const struct sweep_spec *s); /* of a run */
int launcher_run(const struct sweep_spec *s, const char *dir, const struct launch_limits *limits,
                 const struct launch_task *tasks, int n, const struct launch_events *events);

#endif
