/* my_name.c - a scheduler: the learning rate falls in a straight line. scheduler.h says what a
 * scheduler may keep and observe; the warm-up is the core's. */
#include <runner/scheduler.h>

struct options {
    double to;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct options, to, "0", 0, 1, 0, NULL,
             "where it ends, as a share of the learning rate"),
    RN_END,
};

/* Times the optimizer's lr, for the step that comes after p->step steps. Depends on nothing else,
 * so that the curve can be drawn without training. */
static double factor(const void *opts, const void *state, const struct rn_progress_point *p)
{
    const struct options *o = opts;

    (void)state;
    return p->steps > 0 ? 1 + (o->to - 1) * (double)p->step / (double)p->steps : 1;
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "falls in a straight line",
    .doc = "factor(t) = 1 + (to - 1) t / T    t steps done, T in all",
    .options = options,
    .ops =
        &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops), .factor = factor},
};

RN_PLUGINS(&plugin);
