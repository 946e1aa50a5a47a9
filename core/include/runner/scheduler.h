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

/* The choices of an option `mode` beside `monitor`: which way the metric is better. */
enum rn_mode { RN_MODE_AUTO, RN_MODE_MIN, RN_MODE_MAX };
static const struct rn_choice rn_modes[] = {
    {"auto", RN_MODE_AUTO, "max for accuracy, top, f1, precision and recall, else min"},
    {"min", RN_MODE_MIN, "less is better"},
    {"max", RN_MODE_MAX, "more is better"},
    {NULL, 0, NULL}};

static inline bool rn_more_is_better(int64_t mode, const char *monitor)
{
    static const char *const good[] = {"accuracy", "top", "f1", "precision", "recall"};

    for (size_t i = 0; mode == RN_MODE_AUTO && i < sizeof good / sizeof *good; i++)
        if (strstr(monitor, good[i]))
            return true;
    return mode == RN_MODE_MAX;
}

#endif
