/* loop.h - what the sources of trainer.h share. */
#ifndef LOOP_H
#define LOOP_H

#include "feed.h"
#include "metrics.h"
#include "model/step.h"
#include "profile.h"
#include "rate.h"
#include "trainer.h"
#include "watch.h"

/* A step over a fixed number of rows. A training step has recordings by its place in what makes an
 * update: PHASE_FIRST | PHASE_LAST when every batch makes one. */
enum { PHASE_FIRST = 1, PHASE_LAST = 2, PHASES = 4 };
struct phase {
    int64_t rows; /* 0: there is none */
    struct rn_recording *recording[PHASES];
};

struct history { /* one value a step of the epoch, on the device and as last read */
    rn_real *dev, *host;
};
enum { LOSS, WEIGHT, CORRECT, HISTORIES };

struct inside { /* what inside.c knows of an epoch, and what it needs for that */
    struct trainer_inside shown;
    struct rn_param_fact *params;
    struct rn_units_fact *units;
    int *unit_layers;
    int64_t (*bins)[RN_BINS];
    rn_real *before; /* the parameters before the step */
    uint8_t *awake;  /* by unit */
    int64_t step;    /* of each epoch, from 0 */
};

#define METRICS_MAX 64 /* of one moment */
struct moment_metrics {
    struct rn_metric at[METRICS_MAX];
    int n;
};

struct trainer {
    struct pool *pool;
    const struct experiment *e;
    struct model *m;
    struct data *d;
    struct rn_device *dev;
    bool classifies;
    void *arena;
    struct phase train[2], train_eval[2], test_eval[2]; /* a full batch, and what is left over */
    struct phase fit_eval[2]; /* of training samples, where they are fewer than train_eval takes */
    struct step_io train_io;
    struct history history[HISTORIES];
    int32_t *order, *order_dev, *eval_index; /* this epoch's samples; device copies */
    rn_real *row_loss_dev, *row_weight_dev, *scores_dev;
    rn_real *row_loss, *row_weight, *scores;
    float *eval_target; /* host: of the samples that are evaluated */
    int64_t eval_rows, width, log_steps;
    int64_t read_to, told_to; /* steps of the epoch that were read, and told */
    int64_t bad;              /* the first whose loss is not finite; -1: none */
    struct rn_block block;
    struct trainer_state state;
    int64_t steps_here; /* done by this process */
    struct rate rate;
    double lr; /* of the step under way */
    struct inside inside;
    rn_real *seen; /* room for loop_see() */
    int64_t seen_room;
    struct feed *feed;
    struct profile *profile; /* NULL: the device does not time its operations */
    bool samples;            /* it is of some steps only, for the times of layers */
    struct watch *watch;
    struct watch_result wanted;
    const struct metric **metrics; /* besides loss and accuracy */
    int n_metrics;
    struct evaluation fit, val; /* of the epoch that was over last */
    double train_loss, train_accuracy, train_s;
    bool over;           /* the epoch, its evaluation included; at first number 0 is */
    int64_t pause_after; /* an epoch; 0: none */
    double before_s;     /* seconds of earlier attempts */
    uint64_t started_ns;
    const struct trainer_events *events;
    uint64_t shown_ns;
};

static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* setup.c */
int loop_set_up(struct trainer *t);
int loop_place(const struct trainer *t, int64_t step); /* PHASE_... of a step of an epoch */
struct phase *loop_phase(struct trainer *t, int64_t step);
unsigned loop_flags(const struct trainer *t, int place); /* for step_record() */
/* Whether batches of a split come through the feed. */
bool loop_is_fed(const struct trainer *t, int split, bool training);

/* evaluate.c */
int loop_evaluate(struct trainer *t, int split, const struct phase p[2], const int32_t *index,
                  int64_t n, struct evaluation *out);

/* tell.c: what reporters and callbacks hear. */
struct sums {
    double loss, weight, correct;
};
struct sums loop_sums(const struct trainer *t, int64_t from, int64_t to); /* steps of the epoch */
int loop_read_history(struct trainer *t); /* fetches the steps not read yet */
int64_t loop_samples_done(const struct trainer *t);
int loop_tell_training(struct trainer *t); /* an interval */
int loop_tell_evaluation(struct trainer *t, const char *split, const struct evaluation *e);
int loop_tell_progress(struct trainer *t, double epoch_s);
int loop_tell_epoch(struct trainer *t, bool best);
int loop_tell_callbacks(struct trainer *t, uint32_t when);
struct rn_progress_point loop_point(const struct trainer *t);
double loop_seconds(const struct trainer *t); /* since training began, earlier attempts included */
double loop_monitored(struct trainer *t, const char *name); /* NaN: not measured */

/* inside.c */
int loop_inside_open(struct trainer *t);
/* Does the step that was prepared call by call: the same step, looked at on the way. */
int loop_inside(struct trainer *t);
/* n values of device memory on the host, when all work is done; until the next call. */
int loop_see(struct trainer *t, const rn_real *data, int64_t n, const rn_real **out);

/* One step of training, without any telling. */
int loop_step(struct trainer *t);
int loop_prepare(struct trainer *t); /* the step block for the step that comes next */
int loop_shuffle(struct trainer *t); /* the order of the epoch */

/* culprit.c: goes back to what was kept, repeats the steps from there, and says in the recorded
 * error which layer was the first with a value that is not finite. RN_ENUMERIC, or why it could not
 * be found out. Afterwards everything is as it was kept. */
int loop_find_culprit(struct trainer *t);

#endif
