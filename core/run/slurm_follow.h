/* slurm_follow.h - what launch_slurm() knows while it follows its tasks: which of them is where, in
 * its files and in Slurm's queue. */
#ifndef SLURM_FOLLOW_H
#define SLURM_FOLLOW_H

#include "slurm.h"

#include "command.h"

enum task_state { TASK_WAITS, TASK_QUEUED, TASK_RUNS, TASK_OVER };

struct place { /* of a task in an array */
    enum task_state state;
    int array, index;
    bool told;     /* that it started */
    int lost;      /* times that Slurm forgot it before it began */
    int silent;    /* polls in a row in which it neither waited nor ran */
    char last[24]; /* state by squeue */
    uint64_t begun_ns;
    bool asked; /* to end, for it took too long */
};

struct array {
    int number; /* of its files */
    long job;   /* 0: not submitted as far as we know */
    const char *name;
    int n, *task; /* by index; -1: nobody asks for it any more */
};

struct follow {
    const struct slurm_options *options;
    const struct launch_limits *limits;
    const struct launch_task *tasks;
    const struct launch_events *events;
    int n;
    struct place *place;
    struct pool *pool;
    const char *dir, *cwd, *program; /* absolute; dir: <sweep>/slurm */
    const char *label;               /* of the sweep, fit for a job's name */
    struct array *arrays;
    int n_arrays, room;
    int array_max, next_number;
    const char *token; /* of this process */
    bool answered;     /* Slurm did, last time */
    bool away_said, stopped, halted;
    uint64_t stopped_ns;
};

/* A new one at the end. NULL: out of memory. */
struct array *follow_add(struct follow *f);
bool follow_alive(const struct array *a); /* some task of it is asked for */
int follow_read(struct follow *f);        /* what earlier processes submitted */
int follow_write(const struct follow *f, const struct array *a);
const char *follow_file(const struct follow *f, const struct array *a, const char *suffix);
/* Asks squeue once and tells the events what is new. f->answered says whether there was an answer.
 */
int follow_look(struct follow *f);
/* That Slurm cannot answer is said once, until it can. */
void follow_away(struct follow *f, const char *program, const struct command *c);

#endif
