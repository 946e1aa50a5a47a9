/* linear.c - a learning rate along a straight line. */
#include <runner/scheduler.h>

#include <math.h>

struct linear {
    double start_factor, end_factor;
    struct rn_span_value over;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct linear, start_factor, "1", 0, DBL_MAX, 0, NULL, "times lr at first"),
    RN_FLOAT(struct linear, end_factor, "0", 0, DBL_MAX, 0, NULL, "times lr at the end"),
    RN_SPAN_WITH(struct linear, over, "100%", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN,
                 "how long it takes; then the rate stays as it is"),
    RN_END,
};

static double linear_factor(const void *opts, const void *state, const struct rn_progress_point *p)
{
    const struct linear *o = opts;
    double done = fmin((double)p->step / rn_span_steps(&o->over, p), 1);

    (void)state;
    return o->start_factor * (1 - done) + o->end_factor * done;
}

static const struct rn_plugin linear = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct linear),
    .name = "linear",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "goes along a straight line",
    .doc = "factor = start_factor + (end_factor - start_factor) min(t / over, 1)\n"
           "t: steps since the warm-up\n"
           "\n"
           "As torch.optim.lr_scheduler.LinearLR, whose total_iters is over, stepped once a\n"
           "step; but its defaults rise from 1/3 to 1, these fall from 1 to 0.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = linear_factor},
};

RN_PLUGINS(&linear);
