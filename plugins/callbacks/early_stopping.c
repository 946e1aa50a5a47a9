/* early_stopping.c - ends training when a metric gets no better. */
#include <runner/callback.h>

#include <stdio.h>

struct early_stopping {
    const char *monitor;
    int64_t mode; /* enum rn_mode */
    int64_t patience;
    double min_delta;
    int64_t restore; /* enum weights */
};

enum weights { BEST, LAST };
static const struct rn_choice weights[] = {{"best", BEST, "those of the best epoch"},
                                           {"last", LAST, "as training left them"},
                                           {NULL, 0, NULL}};

static const struct rn_option options[] = {
    RN_STRING(struct early_stopping, monitor, "val.loss", 0,
              "the metric to look at after each epoch"),
    RN_CHOICE(struct early_stopping, mode, "auto", rn_modes, "what is better"),
    RN_INT(struct early_stopping, patience, "5", 1, 0x1p62, "epochs",
           "so many in a row without improvement end training"),
    RN_FLOAT(struct early_stopping, min_delta, "0", 0, DBL_MAX, 0, NULL,
             "an improvement is more than this"),
    RN_CHOICE(struct early_stopping, restore, "best", weights, "the weights at the end"),
    RN_END,
};

struct state {
    double best;
    int64_t epoch; /* of the best; 0: none yet */
    int64_t bad;   /* epochs without improvement since */
};

/* NaN, which stands for what was not measured too, is no improvement. */
static bool improves(const struct early_stopping *o, const struct state *s, double v)
{
    bool more = rn_more_is_better(o->mode, o->monitor);

    if (!s->epoch)
        return !isnan(v);
    return more ? v > s->best + o->min_delta : v < s->best - o->min_delta;
}

static void stop(const struct early_stopping *o, const struct state *s, struct rn_moment *m)
{
    const char *plural = s->bad == 1 ? "" : "s";
    int n;

    m->want |= RN_WANT_STOP;
    n = snprintf(m->reason, sizeof m->reason, "%.60s %s for %lld epoch%s", o->monitor,
                 s->epoch ? "did not improve" : "was no number", (long long)s->bad, plural);
    if (s->epoch)
        snprintf(m->reason + n, sizeof m->reason - (size_t)n, "; best %.4g in epoch %lld", s->best,
                 (long long)s->epoch);
}

static int early_stopping_at(const void *opts, void *state, struct rn_moment *m)
{
    const struct early_stopping *o = opts;
    struct state *s = state;

    if (m->when == RN_AT_END) {
        if (o->restore == BEST && s->epoch) {
            m->want |= RN_WANT_RESTORE;
            m->kept_epoch = s->epoch;
        }
        return RN_OK;
    }
    double v = rn_moment_metric(m, o->monitor);
    if (improves(o, s, v)) {
        *s = (struct state){.best = v, .epoch = m->epoch};
        m->want |= o->restore == BEST ? RN_WANT_KEEP : 0;
    } else if (++s->bad >= o->patience) {
        stop(o, s, m);
    }
    return RN_OK;
}

static const struct rn_plugin early_stopping = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct early_stopping),
    .name = "early_stopping",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "ends training when a metric gets no better",
    .doc = "Training ends after patience epochs in a row in which monitor was not better than\n"
           "the best so far by more than min_delta. The weights of the best epoch are kept and\n"
           "brought back at the end, also when all epochs ran.\n"
           "\n"
           "As EarlyStopping of Keras (restore_best_weights) and PyTorch Lightning. Prechelt,\n"
           "\"Early stopping - but when?\", 1998.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_EPOCH | RN_AT_END,
                                           .state_size = sizeof(struct state),
                                           .at = early_stopping_at},
};

RN_PLUGINS(&early_stopping);
