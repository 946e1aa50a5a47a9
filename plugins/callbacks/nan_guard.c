/* nan_guard.c - ends training when the loss is not finite, with the last weights that were good. */
#include <runner/callback.h>

#include <stdio.h>
#include <string.h>

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

/* The last update of an epoch is first seen in its evaluation. NULL: all is well. */
static const char *bad_evaluation(const struct rn_moment *m)
{
    static const char *const names[] = {"val.loss", "fit.loss"};

    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (int64_t i = 0; i < m->n_metrics; i++)
            if (!strcmp(m->metrics[i].name, names[k]) && !isfinite(m->metrics[i].value))
                return names[k];
    return NULL;
}

/* An interval that ends with its epoch: what there is to keep is evaluated first. */
static bool epoch_follows(const struct rn_moment *m)
{
    return m->when == RN_AT_INTERVAL && m->at.step && m->at.steps_per_epoch &&
           m->at.step % m->at.steps_per_epoch == 0;
}

static int nan_guard_at(const void *opts, void *state, struct rn_moment *m)
{
    const struct nan_guard *o = opts;
    struct state *s = state;
    const char *bad = bad_evaluation(m);

    if (!o->enabled)
        return RN_OK;
    if (!m->bad_step && !bad) {
        if (epoch_follows(m))
            return RN_OK;
        *s = (struct state){.kept = 1, .epoch = m->epoch};
        m->want |= RN_WANT_KEEP;
        return RN_OK;
    }
    m->want |= RN_WANT_DIVERGED | (s->kept ? RN_WANT_RESTORE : 0);
    m->kept_epoch = s->epoch;
    if (bad)
        snprintf(m->reason, sizeof m->reason, "%s is not finite", bad);
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
           "kept if all losses were finite, of training and validation. If not, those kept last\n"
           "come back and training ends as diverged; the step in which it began is reported.\n"
           "\n"
           "Every run has it: {type: nan_guard, enabled: false} leaves it out.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_INTERVAL | RN_AT_EPOCH,
                                           .state_size = sizeof(struct state),
                                           .at = nan_guard_at},
};

RN_PLUGINS(&nan_guard);
