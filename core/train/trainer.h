/* trainer.h - the loop: epochs of steps, evaluation, and what is told to whom. */
#ifndef TRAINER_H
#define TRAINER_H

#include "data.h"
#include "model/step.h"
#include "profile.h"

/* Where training stands. */
struct trainer_state {
    int64_t step, epoch, step_in_epoch; /* batches done; epoch from 1 */
    int64_t updates;                    /* of the parameters */
    int64_t steps_per_epoch, best_epoch;
    double best_val_loss, train_s;
};

#define EXTRA_METRICS_MAX 16

struct evaluation { /* of one pass without training; arrays belong to the trainer */
    int64_t n, width;
    double loss;             /* weighted mean */
    double accuracy;         /* NaN when it is not a classification */
    const rn_real *scores;   /* n x width, the model's output */
    const rn_real *row_loss; /* n */
    double seconds;
    struct rn_metric extra[EXTRA_METRICS_MAX]; /* what the section metrics names */
    int n_extra;
};

/* The model in the last full training step of an epoch that updates it. Bins are there. */
struct trainer_inside {
    int64_t epoch; /* 0: none yet */
    const struct rn_param_fact *params;
    const struct rn_units_fact *units;
    int n_params, n_units;
};

struct trainer;

/* Told as it happens; a status < 0 ends the training with it. Any may be NULL. */
struct trainer_events {
    void *ctx;
    int (*progress)(void *ctx, const struct rn_progress *p);
    int (*record)(void *ctx, const struct rn_record *r);
    /* fit and val: n is 0 where they were not measured. */
    int (*epoch)(void *ctx, const struct rn_epoch *e, bool best, const struct evaluation *fit,
                 const struct evaluation *val);
    /* What callbacks want: weights/<file>.safetensors written, or removed. */
    int (*save)(void *ctx, const char *file);
    int (*remove)(void *ctx, const char *file);
    int (*rest)(void *ctx); /* an epoch is over and another follows: the time for a checkpoint */
};

/* all epochs done; a callback ended it, for trainer_reason(); a signal; a loss not finite; the
 * epoch of trainer_pause_after() */
enum trainer_end {
    TRAINER_DONE,
    TRAINER_ENOUGH,
    TRAINER_STOPPED,
    TRAINER_DIVERGED,
    TRAINER_PAUSED
};

/* Allocates and records everything: a step allocates nothing. All is freed by trainer_close(). */
int trainer_open(const struct experiment *e, struct model *m, struct data *d, struct trainer **out);
/* From now on each training step is timed. RN_EUNSUPPORTED: the device can't tell. */
int trainer_profile(struct trainer *t);
const struct profile *trainer_profiled(const struct trainer *t); /* NULL: it was not wanted */
/* What a step spends on a layer: of all steps in a profile, else of some of the first. False: the
 * device can't tell, or there was no such step yet. */
bool trainer_layer_times(const struct trainer *t, int layer, struct profile_layer *out);
const struct trainer_inside *trainer_inside(const struct trainer *t);
/* Ends behind that epoch, when others would follow. */
void trainer_pause_after(struct trainer *t, int64_t epoch);
/* Trains to the end of the plan, or until a callback or a signal ends it; from the beginning, or
 * from where state_restore() put it. */
int trainer_run(struct trainer *t, const struct trainer_events *events, enum trainer_end *end);
/* One step, and the next epoch when one is over: nobody is told, no callback is asked, nothing is
 * evaluated. look, unless NULL, sees what each call of it gives, as step_probe() says. */
int trainer_step(struct trainer *t, step_look *look, void *ctx, double *loss);
const char *trainer_reason(const struct trainer *t);
/* Whether a run that diverged stands where all was well. */
bool trainer_kept(const struct trainer *t);
/* Training is over: callbacks may bring back what they kept. *epoch: whose parameters these are; 0:
 * those of the last. */
int trainer_finish(struct trainer *t, const struct trainer_events *events, int64_t *epoch);
/* Puts what is to be evaluated and shown in the place of the parameters, or back. */
int trainer_show(struct trainer *t, bool evaluated);
int trainer_test(struct trainer *t, const struct trainer_events *events, struct evaluation *out);
/* Says in the recorded error which layer's work a device of that name failed in, when it was the
 * device that failed, and can tell. Returns status. */
int trainer_fault(const struct trainer *t, const char *device, int status);
void trainer_close(struct trainer *t);

/* Where it stands, for the last words. */
const struct trainer_state *trainer_state(const struct trainer *t);
int64_t trainer_epochs(const struct trainer *t); /* that are over */

#endif
