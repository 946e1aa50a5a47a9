/* plateau.c - a learning rate that falls when a metric gets no better. */
#include <runner/scheduler.h>

#include <math.h>

struct plateau {
    const char *monitor;
    int64_t mode; /* enum rn_mode */
    double factor;
    int64_t patience;
    double threshold;
    int64_t threshold_mode; /* enum measure */
    int64_t cooldown;
    double min_factor;
};

enum measure { RELATIVE, ABSOLUTE };
static const struct rn_choice measures[] = {{"rel", RELATIVE, "a share of the best so far"},
                                            {"abs", ABSOLUTE, "a difference"},
                                            {NULL, 0, NULL}};

static const struct rn_option options[] = {
    RN_STRING(struct plateau, monitor, "val.loss", 0, "the metric to look at after each epoch"),
    RN_CHOICE(struct plateau, mode, "auto", rn_modes, "what is better"),
    RN_FLOAT(struct plateau, factor, "0.1", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "times the rate when it falls"),
    RN_INT(struct plateau, patience, "10", 0, 0x1p62, "epochs",
           "so many without improvement are let pass"),
    RN_FLOAT(struct plateau, threshold, "1e-4", 0, DBL_MAX, 0, NULL,
             "less than this is no improvement"),
    RN_CHOICE(struct plateau, threshold_mode, "rel", measures, "what threshold is"),
    RN_INT(struct plateau, cooldown, "0", 0, 0x1p62, "epochs", "so many after a fall do not count"),
    RN_FLOAT(struct plateau, min_factor, "0", 0, 1, 0, NULL,
             "the rate falls no lower, as a share of lr"),
    RN_END,
};

struct state {
    double best, factor; /* once begun */
    int64_t bad, cooling, begun;
};

static bool better(const struct plateau *o, bool more, double a, double best)
{
    if (o->threshold_mode == ABSOLUTE)
        return more ? a > best + o->threshold : a < best - o->threshold;
    return more ? a > best * (1 + o->threshold) : a < best * (1 - o->threshold);
}

/* NaN is never better. */
static void plateau_observe(const void *opts, void *state, double metric)
{
    const struct plateau *o = opts;
    struct state *s = state;
    bool more = rn_more_is_better(o->mode, o->monitor);

    if (!s->begun)
        *s = (struct state){.best = more ? -HUGE_VAL : HUGE_VAL, .factor = 1, .begun = 1};
    s->bad++;
    if (better(o, more, metric, s->best)) {
        s->best = metric;
        s->bad = 0;
    }
    if (s->cooling > 0) {
        s->cooling--;
        s->bad = 0;
    }
    if (s->bad > o->patience) {
        s->factor = fmin(s->factor, fmax(s->factor * o->factor, o->min_factor));
        s->cooling = o->cooldown;
        s->bad = 0;
    }
}

static double plateau_factor(const void *opts, const void *state, const struct rn_progress_point *p)
{
    const struct state *s = state;

    (void)opts, (void)p;
    return s->begun ? s->factor : 1;
}

static const struct rn_plugin plateau = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct plateau),
    .name = "plateau",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "falls when a metric gets no better",
    .doc = "factor = factor * the option factor, after more than patience epochs in a row in\n"
           "which monitor was not better than the best so far by threshold; the count begins\n"
           "anew after each fall, and cooldown epochs later\n"
           "\n"
           "As torch.optim.lr_scheduler.ReduceLROnPlateau: min_lr is min_factor times lr, eps\n"
           "is 0.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .state_size = sizeof(struct state),
                                            .factor = plateau_factor,
                                            .observe = plateau_observe},
};

RN_PLUGINS(&plateau);
