/* my_name.c - a callback: ends training when a metric is good enough. callback.h says when a
 * callback can be called and what it can ask for. */
#include <runner/callback.h>

#include <stdio.h>

struct options {
    const char *metric;
    double above;
};

static const struct rn_option options[] = {
    RN_STRING(struct options, metric, "val.accuracy", 0, "what to look at after each epoch"),
    RN_FLOAT(struct options, above, NULL, -DBL_MAX, DBL_MAX, 0, NULL, "good enough from here on"),
    RN_END,
};

/* Bytes that are kept from call to call, and in checkpoints: no pointers. */
struct state {
    int64_t epochs; /* looked at */
};

/* Asks for something by setting m->want; the core does it when this returns. */
static int at(const void *opts, void *state, struct rn_moment *m)
{
    const struct options *o = opts;
    struct state *s = state;
    double value = rn_moment_metric(m, o->metric); /* NaN when it was not measured */

    s->epochs++;
    if (value != value)
        return RN_FAIL(RN_EINVAL, "my_name: there is no metric '%s'; val.accuracy is one",
                       o->metric);
    if (value < o->above)
        return RN_OK;
    m->want = RN_WANT_STOP;
    snprintf(m->reason, sizeof m->reason, "%s is %g after %lld epochs, good enough", o->metric,
             value, (long long)s->epochs);
    return RN_OK;
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "stops when a metric is good enough",
    .doc = "Stops after the first epoch whose metric is at least `above`.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_EPOCH,
                                           .state_size = sizeof(struct state),
                                           .at = at},
};

RN_PLUGINS(&plugin);
