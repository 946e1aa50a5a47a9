/* trial.h - one layer with one set of options and one input, under way: what layer_check.c and
 * layer_state.c share. */
#ifndef TRIAL_H
#define TRIAL_H

#include "finding.h"
#include "rig.h"

/* The values that a trial goes out from and what came of them: copies on the host, one for each
 * area of the rig. */
struct trial {
    const struct check *c;
    struct rig rig;
    struct rn_recording *forward; /* of training */
    rn_real *x[RIG_INPUTS], *dx[RIG_INPUTS], *dy, *y, *p[RIG_PARAMS], *dp[RIG_PARAMS];
    rn_real *kept[RIG_BUFFERS]; /* persistent buffers after one forward */
    rn_real *room;              /* for the largest of them */
    struct pool *pool;
    char why[WHY_SIZE];
};

static inline bool trial_keeps(const struct trial *t, int buffer)
{
    return t->rig.plan.buf[buffer].life == RN_PERSISTENT && !t->rig.plan.buf[buffer].constant;
}

/* Poison, then what forward may read. */
void trial_prepare(struct trial *t);
/* From x, p and the first values of what is kept to y, with nothing else known. */
enum finding trial_forward(struct trial *t, struct rn_recording *rec);
/* Forward by rec, or by t->forward; then backward with only what the flags promise in memory. */
enum finding trial_backward(struct trial *t, const struct rig_pass *pass);
/* Replays over what is there, and looks at the guards and at what may not be written. */
enum finding trial_replay(struct trial *t, struct rn_recording *rec, const char *what);
/* Records a forward pass of its own, does it over fresh memory and discards it. */
enum finding trial_once(struct trial *t, bool training);

/* Stages of one batch size. */
enum finding trial_evaluation(void *trial);
enum finding trial_state(void *trial);
enum finding trial_draws(void *trial);
enum finding trial_nan(void *trial);

#endif
