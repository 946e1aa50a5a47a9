/* watch.h - the callbacks of a run: tells them what happens, and does what they ask for. */
#ifndef WATCH_H
#define WATCH_H

#include "snapshot.h"
#include "trainer.h"

struct watch;
/* All is in p. */
int watch_open(struct pool *p, const struct experiment *e, struct model *m, struct watch **out);

bool watch_wants(const struct watch *w, uint32_t when); /* does any want to hear of it? */

struct watch_result {
    bool stop, diverged;
    bool restored;             /* to how things were at: */
    struct trainer_state kept; /* the position when they were kept */
    int64_t kept_epoch;        /* as the callback said */
    int who;                   /* kept it */
    char reason[160];
};
/* m: what is told, its answers are ignored; now: where training stands. Files are saved and removed
 * through events. *out is added to. */
int watch_tell(struct watch *w, const struct rn_moment *m, const struct trainer_state *now,
               const struct trainer_events *events, struct watch_result *out);

/* The scalars of those that keep values for each parameter, for update number step, from 1. */
int watch_scalars(const struct watch *w, int64_t step, double lr, struct rn_block *b);
/* Puts the values that are to be evaluated in the place of the parameters, or back. Fine to call
 * again. */
int watch_show(struct watch *w, bool evaluated);

/* Brings back once more what was restored. */
int watch_restore(struct watch *w, const struct watch_result *r);

/* For checkpoints: callback i's state, *bytes of it; NULL behind the last. What it keeps, which has
 * no copy when that is nothing, and the position when it was kept. */
void *watch_state(const struct watch *w, int i, uint32_t *bytes);
struct snapshot *watch_kept(struct watch *w, int i, struct trainer_state **at);

#endif
