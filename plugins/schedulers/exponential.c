/* exponential.c - a learning rate that falls by the same share all the time. */
#include <runner/scheduler.h>

#include <math.h>

struct exponential {
    double gamma;
    struct rn_span_value every;
    bool smooth;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct exponential, gamma, NULL, 0, DBL_MAX, RN_OPT_OPEN_MIN, NULL,
             "times the rate in each interval"),
    RN_SPAN_WITH(struct exponential, every, "1 epoch", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN,
                 "the interval"),
    RN_BOOL(struct exponential, smooth, "false", "a little in each step, not all at its end"),
    RN_END,
};

static double exponential_factor(const void *opts, const void *state,
                                 const struct rn_progress_point *p)
{
    const struct exponential *o = opts;
    double intervals = (double)p->step / rn_span_steps(&o->every, p);

    (void)state;
    return pow(o->gamma, o->smooth ? intervals : floor(intervals));
}

static const struct rn_plugin exponential = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct exponential),
    .name = "exponential",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "falls exponentially",
    .doc = "factor = gamma^floor(t / every)        t: steps since the warm-up\n"
           "smooth: gamma^(t / every)\n"
           "\n"
           "As torch.optim.lr_scheduler.ExponentialLR, stepped once an epoch.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = exponential_factor},
};

RN_PLUGINS(&exponential);
