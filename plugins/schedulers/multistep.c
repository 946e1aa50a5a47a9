/* multistep.c - a learning rate that falls by the same factor at chosen places. */
#include <runner/scheduler.h>

#include <math.h>

struct multistep {
    struct rn_floats milestones;
    int64_t unit; /* enum rn_unit */
    double gamma;
};

static const struct rn_choice units[] = {{"epochs", RN_EPOCHS, "5 is the end of the fifth epoch"},
                                         {"steps", RN_STEPS, "500 is after 500 steps"},
                                         {"percent", RN_PERCENT, "50 is half of training"},
                                         {NULL, 0, NULL}};

static const struct rn_option options[] = {
    {RN_OPT_(struct multistep, milestones, struct rn_floats, RN_OPT_FLOATS, NULL,
             "where the rate falls"),
     .min = 1, .max = RN_LIST_MAX, .flags = RN_OPT_REQUIRED},
    RN_CHOICE(struct multistep, unit, "epochs", units, "what milestones count"),
    RN_FLOAT(struct multistep, gamma, "0.1", 0, DBL_MAX, 0, NULL, "times the rate at each of them"),
    RN_END,
};

static double multistep_factor(const void *opts, const void *state,
                               const struct rn_progress_point *p)
{
    const struct multistep *o = opts;
    double past = 0;

    (void)state;
    for (int64_t i = 0; i < o->milestones.count; i++) {
        struct rn_span_value at = {.value = o->milestones.at[i], .unit = (uint32_t)o->unit};

        past += (double)p->step >= rn_span_steps(&at, p);
    }
    return pow(o->gamma, past);
}

static const struct rn_plugin multistep = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct multistep),
    .name = "multistep",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "falls by a factor at chosen places",
    .doc = "factor = gamma^(how many milestones <= t)        t: steps since the warm-up\n"
           "\n"
           "    scheduler: {type: multistep, milestones: [10, 15], gamma: 0.1}\n"
           "\n"
           "As torch.optim.lr_scheduler.MultiStepLR, stepped once an epoch when unit is epochs.\n"
           "Their order does not matter.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = multistep_factor},
};

RN_PLUGINS(&multistep);
