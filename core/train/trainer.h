/* trainer.h - the loop: epochs of steps, evaluation, and what is told to whom. */
#ifndef TRAINER_H
#define TRAINER_H

#include "data.h"
#include "model/model.h"

struct evaluation { /* of one pass without training; arrays belong to the trainer */
    int64_t n, width;
    double loss;             /* weighted mean */
    double accuracy;         /* NaN when it is not a classification */
    const rn_real *scores;   /* n x width, the model's output */
    const rn_real *row_loss; /* n */
    double seconds;
};

/* Told as it happens; a status < 0 ends the training with it. Any may be NULL. */
struct trainer_events {
    void *ctx;
    int (*progress)(void *ctx, const struct rn_progress *p);
    int (*record)(void *ctx, const struct rn_record *r);
    int (*epoch)(void *ctx, const struct rn_epoch *e, bool best);
};

enum trainer_end { TRAINER_DONE, TRAINER_STOPPED, TRAINER_DIVERGED };

struct trainer;
/* Allocates and records everything: a step allocates nothing. All is freed by trainer_close(). */
int trainer_open(const struct experiment *e, struct model *m, struct data *d, struct trainer **out);
/* Trains to the end of the plan, or until a signal or a loss that is not finite. */
int trainer_run(struct trainer *t, const struct trainer_events *events, enum trainer_end *end);
int trainer_test(struct trainer *t, const struct trainer_events *events, struct evaluation *out);
void trainer_close(struct trainer *t);

/* Where it stands, for the checkpoint and the last words. */
struct trainer_state {
    int64_t step, epoch, step_in_epoch; /* done; epoch from 1 */
    int64_t steps_per_epoch, best_epoch;
    double best_val_loss, train_s;
};
const struct trainer_state *trainer_state(const struct trainer *t);
double trainer_lr(const struct experiment *e);

#endif
