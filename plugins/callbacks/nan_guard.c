/* nan_guard.c - ends training when the loss is not finite, with the last weights that were good. */
#include <runner/callback.h>

struct nan_guard {
    bool enabled;
};

static const struct rn_option options[] = {
    RN_BOOL(struct nan_guard, enabled, "true", "look at all"),
    RN_END,
};

struct state {
    int64_t kept, epoch; /* 0: nothing was kept yet */
};

static int nan_guard_at(const void *opts, void *state, struct rn_moment *m)
{
    const struct nan_guard *o = opts;
    struct state *s = state;

    if (!o->enabled)
        return RN_OK;
    if (!m->bad_step) {
        *s = (struct state){.kept = 1, .epoch = m->epoch};
        m->want |= RN_WANT_KEEP;
        return RN_OK;
    }
    m->want |= RN_WANT_DIVERGED | (s->kept ? RN_WANT_RESTORE : 0);
    m->kept_epoch = s->epoch;
    return RN_OK;
}

static const struct rn_plugin nan_guard = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct nan_guard),
    .traits = RN_TRAIT_DEFAULT,
    .name = "nan_guard",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "ends training when the loss is not finite",
    .doc = "Each time the losses are read (train.log_every) and after each epoch the weights are\n"
           "kept if all losses were finite. If not, those kept last come back and training ends\n"
           "as diverged; the step in which it began is reported.\n"
           "\n"
           "Every run has it: {type: nan_guard, enabled: false} leaves it out.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_INTERVAL | RN_AT_EPOCH,
                                           .state_size = sizeof(struct state),
                                           .at = nan_guard_at},
};

RN_PLUGINS(&nan_guard);
