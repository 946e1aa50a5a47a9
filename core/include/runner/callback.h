/* callback.h - looks at a run while it runs, and asks the core to do something: to stop, to keep
 * the parameters or bring them back, to save them. A callback may also keep an array of its own for
 * each parameter, updated by the device in every step. */
#ifndef RN_CALLBACK_H
#define RN_CALLBACK_H

#include "optimizer.h"
#include "reporter.h"
#include "scheduler.h"

enum rn_when {                      /* bits: a callback names those it wants */
               RN_AT_STEP = 1 << 0, /* an update was enqueued; nothing was read from the device */
               RN_AT_INTERVAL = 1 << 1, /* the losses so far were read, every train.log_every */
               RN_AT_EPOCH = 1 << 2,    /* an epoch and its validation are over */
               RN_AT_END =
                   1 << 3, /* training is over, whatever ended it; the test set comes next */
};

enum rn_want { /* done by the core in this order when at() returns */
               RN_WANT_KEEP =
                   1 << 0, /* keep a copy of parameters and kept buffers, one for each callback */
               RN_WANT_RESTORE = 1 << 1, /* bring back what was kept */
               RN_WANT_SAVE = 1 << 2,    /* write weights/<file>.safetensors */
               RN_WANT_REMOVE =
                   1 << 3, /* remove weights/<old_file>.safetensors, which it had saved */
               RN_WANT_STOP = 1 << 4, /* end training; the run is finished, for the reason given */
               RN_WANT_DIVERGED = 1
                                  << 5, /* end training as diverged; the core says where it began */
};

struct rn_moment {
    uint32_t size, when;             /* one bit of enum rn_when */
    struct rn_progress_point at;     /* of the whole of training */
    int64_t epoch, epochs;           /* from 1, the one under way or just over; planned */
    double seconds;                  /* since training began */
    int64_t bad_step;                /* the first whose loss is not finite, from 1; 0: none */
    const struct rn_metric *metrics; /* RN_AT_EPOCH, RN_AT_END: of this epoch, "val.loss", "lr" */
    int64_t n_metrics;
    /* what is wanted; zero before the call. want: enum rn_want bits */
    uint32_t want, reserved;
    int64_t kept_epoch;          /* RN_WANT_RESTORE: the epoch it belongs to, for the report */
    char file[64], old_file[64]; /* without folder and ending */
    char reason[160];            /* RN_WANT_STOP, and RN_WANT_DIVERGED without bad_step: shown, and
                                    put into the report */
};

enum rn_callback_flag {
    RN_CALLBACK_EVALUATES = 1 << 0, /* validation, test and saved weights take slot 0 */
};

struct rn_callback_ops {
    uint32_t size, when; /* enum rn_when bits */
    uint32_t state_size; /* plain bytes without pointers, zero at first, kept in checkpoints */
    uint32_t flags;      /* enum rn_callback_flag */
    int (*at)(const void *opts, void *state, struct rn_moment *m); /* opt with slots */
    /* opt, as an optimizer's: n_slots arrays like each parameter and each kept buffer (which has no
     * gradient), starting as copies of them; record() comes behind the update of a step. */
    uint32_t n_slots, reserved;
    const char *const *slot_names;
    int (*scalars)(const void *opts, int64_t step, double lr, double out[RN_SCALARS]);
    int (*record)(const struct rn_update *u);
};
RN_NO_TAIL_PADDING(struct rn_callback_ops, record);

/* The value of a metric of this moment; NaN when it was not measured. */
static inline double rn_moment_metric(const struct rn_moment *m, const char *name)
{
    for (int64_t i = 0; i < m->n_metrics; i++) {
        const char *a = m->metrics[i].name, *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return m->metrics[i].value;
    }
    return (double)NAN;
}

#endif
