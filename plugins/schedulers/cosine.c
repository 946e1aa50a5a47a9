/* cosine.c - a learning rate that falls along half a wave. */
#include <runner/scheduler.h>

#include <math.h>

#define PI 3.14159265358979323846

struct cosine {
    double floor;
    struct rn_span_value over;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct cosine, floor, "0", 0, 1, 0, NULL, "where it ends, as a share of lr"),
    RN_SPAN_WITH(struct cosine, over, "100%", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN,
                 "how long it takes; then the rate stays as it is"),
    RN_END,
};

static double cosine_factor(const void *opts, const void *state, const struct rn_progress_point *p)
{
    const struct cosine *o = opts;
    double done = fmin((double)p->step / rn_span_steps(&o->over, p), 1);

    (void)state;
    return o->floor + (1 - o->floor) * (1 + cos(PI * done)) / 2;
}

static const struct rn_plugin cosine = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct cosine),
    .name = "cosine",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "falls along half a cosine wave",
    .doc = "factor = floor + (1 - floor) (1 + cos(pi min(t / over, 1))) / 2\n"
           "t: steps since the warm-up\n"
           "\n"
           "Loshchilov and Hutter, \"SGDR: stochastic gradient descent with warm restarts\",\n"
           "2017, without the restarts, as torch.optim.lr_scheduler.CosineAnnealingLR has it,\n"
           "stepped once a step: T_max is over, eta_min is floor times lr. What comes after\n"
           "T_max, where PyTorch's rises again, stays at the floor.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = cosine_factor},
};

RN_PLUGINS(&cosine);
