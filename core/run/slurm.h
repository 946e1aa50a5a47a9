/* slurm.h - runs as array jobs of Slurm. All that is needed to go on after this process was killed
 * lies in <sweep>/slurm/: of each array <n>.json (its job, its tasks), <n>.sh (its script),
 * <n>.<task>.exit (how a task ended) and <n>.<task>.out (what Slurm had to say). */
#ifndef SLURM_H
#define SLURM_H

#include "launch.h"

#include <runner/option.h>

struct slurm_options {
    const char *partition, *account;    /* NULL: Slurm's default */
    int64_t gpus, cpus, memory;         /* of a task; memory in bytes; 0: Slurm's default */
    struct rn_span_value time;          /* of a task; value 0: the partition's */
    struct rn_span_value signal_before; /* how long before its end a task is told */
    int64_t array_limit;                /* tasks at a time; 0: no limit of ours */
    const char *const *extra;           /* more lines for #SBATCH */
    int n_extra;
};
/* All but extra, which is a list of words. */
extern const struct rn_option slurm_rows[];
/* RN_EINVAL: an option that would not be one word of an #SBATCH line. */
int slurm_check(const struct slurm_options *o);

/* Submits the tasks as arrays and follows them until all are over; those that an earlier process
 * submitted and that still wait or run are followed, not submitted again. A signal to this process
 * cancels them, as it stops tasks of this machine; when it is killed, they go on. RN_EIO: Slurm's
 * commands are not there. RN_EINVAL: it refuses the job, in its words. */
int launch_slurm(const struct slurm_options *o, const char *sweep_dir,
                 const struct launch_limits *limits, const struct launch_task *tasks, int n,
                 const struct launch_events *events);

/* ---- the script of one array, without Slurm ------------------------------------------ */

struct slurm_array {
    const char *name;       /* of the job: [A-Za-z0-9_.-]; nobody else's */
    const char *what;       /* for people: one line */
    const char *dir, *stem; /* absolute folder for its files; "3": the files are 3.0.exit, ... */
    const char *cwd;        /* where the runs are started */
    const char *program;    /* the runner, absolute */
    const struct launch_task *const *tasks;
    int n;
};

void slurm_script(const struct slurm_options *o, const struct slurm_array *a, struct text *out);
void slurm_quote(struct text *out, const char *word); /* one word of a shell, whatever is in it */
/* Tasks of one array, from what `scontrol show config` prints; 1000 where it does not say. */
int slurm_array_max(const char *config);

#endif
