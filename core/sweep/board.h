/* board.h - where a sweep stands: its plan, what became of each run, and who runs them. */
#ifndef SWEEP_BOARD_H
#define SWEEP_BOARD_H

#include "plan.h"
#include "record.h"
#include "screen.h"
#include "sweep.h"

struct board {
    struct pool *pool;
    const struct sweep_args *args;
    struct registry *registry;
    struct sweep_spec spec;
    struct plan plan;
    const char *dir;            /* "reports/improvements" */
    struct run_record *records; /* of each run */
    const char **dirs;          /* their folders */
    bool *tried;                /* ended badly under this process */
    int n_known, room;          /* runs that have a record; room for so many */
    bool begun;                 /* files may be written */
    int lock;                   /* descriptor of sweep.lock */
    struct screen screen;
    uint64_t written_ns, drawn_ns;
    int jobs;
    double run_s; /* of runs that were finished under this process, in all */
    int n_run;
    bool halt; /* on_failure: stop */
};

/* Reads what there is of each run. */
int board_open(struct board *b);
/* The plan has grown. */
int board_grow(struct board *b);
/* Folders, the lock, plan/<id>.yaml. RN_EBUSY: somebody else runs this sweep. */
int board_begin(struct board *b);
const char *board_dir(const struct board *b, int run); /* its run folder */
/* Runs those that are not done, to their end or until so many epochs are over; 0: to their end. */
int board_run(struct board *b, const int *runs, int n, int64_t until);
bool board_stopped(const struct board *b);
int board_failed(const struct board *b);        /* runs */
int board_write(struct board *b, bool lasting); /* sweep.json */
/* sweep.json and the pages. Also after an error. */
int board_end(struct board *b);
void board_close(struct board *b); /* another process may have it */

/* board_text.c */
int board_plan_text(struct board *b, struct text *out);
int board_done(const struct board *b);                       /* runs that are finished or pruned */
const char *board_left(const struct board *b, char out[48]); /* "12 min left", or "" */
void board_draw(struct board *b, const int *running, int n);
void board_say_run(struct board *b, int run);

#endif
