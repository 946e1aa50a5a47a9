/* scheduler.h - the learning rate as a function of how far training is. Pure but for observe(), so
 * that the curve can be drawn without training and a run can go on where it was. The core adds
 * the warm-up: it rises linearly to the scheduler's first value, and progress counts from its end.
 */
#ifndef RN_SCHEDULER_H
#define RN_SCHEDULER_H

#include "option.h"

#include <string.h>

struct rn_progress_point { /* of training; updates of the parameters count as steps */
    uint32_t size, reserved;
    int64_t step, steps; /* done so far; planned in all */
    int64_t steps_per_epoch, batch_size;
};

struct rn_scheduler_ops {
    uint32_t size,
        state_size; /* plain bytes without pointers, zero at first, kept in checkpoints */
    /* Times the optimizer's lr, for the step that comes after p->step steps. Not negative. */
    double (*factor)(const void *opts, const void *state, const struct rn_progress_point *p);
    /* opt: the metric that the option `monitor` names, after each epoch. */
    void (*observe)(const void *opts, void *state, double metric);
};
RN_NO_TAIL_PADDING(struct rn_scheduler_ops, observe);

/* A span of training in steps; of seconds, which are no steps, the value itself. */
static inline double rn_span_steps(const struct rn_span_value *s, const struct rn_progress_point *p)
{
    switch (s->unit) {
    case RN_EPOCHS: return s->value * (double)p->steps_per_epoch;
    case RN_SAMPLES: return s->value / (double)p->batch_size;
    case RN_PERCENT: return s->value * (double)p->steps / 100;
    default: return s->value;
    }
}

/* Whether more of a metric is better: of "val.accuracy" it is, of a loss or an error it is not. */
static inline bool rn_more_is_better(const char *metric)
{
    static const char *const good[] = {"accuracy", "top", "f1", "precision", "recall"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strstr(metric, good[i]))
            return true;
    return false;
}

#endif
