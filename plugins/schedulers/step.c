/* step.c - a learning rate that falls by the same factor again and again. */
#include <runner/scheduler.h>

#include <math.h>

struct step {
    struct rn_span_value step_size;
    double gamma;
};

static const struct rn_option options[] = {
    RN_SPAN_WITH(struct step, step_size, "1 epoch", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN,
                 "how long the rate stays as it is"),
    RN_FLOAT(struct step, gamma, "0.1", 0, DBL_MAX, 0, NULL, "times the rate after each of them"),
    RN_END,
};

static double step_factor(const void *opts, const void *state, const struct rn_progress_point *p)
{
    const struct step *o = opts;

    (void)state;
    return pow(o->gamma, floor((double)p->step / rn_span_steps(&o->step_size, p)));
}

static const struct rn_plugin step = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct step),
    .name = "step",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "falls by a factor at equal intervals",
    .doc = "factor = gamma^floor(t / step_size)        t: steps since the warm-up\n"
           "\n"
           "As torch.optim.lr_scheduler.StepLR, stepped once an epoch when step_size is in\n"
           "epochs.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = step_factor},
};

RN_PLUGINS(&step);
