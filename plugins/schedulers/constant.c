/* constant.c - a learning rate that stays as it is. */
#include <runner/scheduler.h>

static double constant_factor(const void *opts, const void *state,
                              const struct rn_progress_point *p)
{
    (void)opts, (void)state, (void)p;
    return 1;
}

static const struct rn_plugin constant = {
    RN_PLUGIN_PLAIN(RN_KIND_SCHEDULER),
    .name = "constant",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "the learning rate stays as it is",
    .doc = "factor = 1\n"
           "\n"
           "As without a scheduler, but for the warm-up that every scheduler may have.",
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = constant_factor},
};

RN_PLUGINS(&constant);
