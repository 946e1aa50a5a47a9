/* time_limit.c - ends training after a given time. */
#include <runner/callback.h>

#include <stdio.h>

struct time_limit {
    struct rn_span_value limit;
};

static const struct rn_option options[] = {
    RN_SPAN_WITH(struct time_limit, limit, NULL, RN_OPT_TIME | RN_OPT_OPEN_MIN,
                 "training ends with the first step that is over after it"),
    RN_END,
};

static int time_limit_at(const void *opts, void *state, struct rn_moment *m)
{
    const struct time_limit *o = opts;

    (void)state;
    if (m->seconds < o->limit.value)
        return RN_OK;
    m->want |= RN_WANT_STOP;
    snprintf(m->reason, sizeof m->reason, "the time limit of %g s was reached in epoch %lld",
             o->limit.value, (long long)m->epoch);
    return RN_OK;
}

static const struct rn_plugin time_limit = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct time_limit),
    .name = "time_limit",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "ends training after a given time",
    .doc = "Looks at the clock after each step, and ends training when limit has passed since it\n"
           "began. The run is finished then, as after its last epoch: weights, test, report.\n"
           "\n"
           "    - {type: time_limit, limit: 10 m}",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_STEP,
                                           .at = time_limit_at},
};

RN_PLUGINS(&time_limit);
