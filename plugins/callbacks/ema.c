/* ema.c - a running mean of the weights, which is what is evaluated and saved. */
#include <runner/callback.h>

struct ema {
    double decay;
    bool warmup;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct ema, decay, "0.999", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the mean that stays in each step"),
    RN_BOOL(struct ema, warmup, "true", "a smaller share in the first steps"),
    RN_END,
};

enum { MEAN };  /* slot */
enum { TAKES }; /* scalar: 1 - decay */
static const char *const slot_names[] = {"mean"};

/* x0 mean, x1 parameter; a0 takes. Not as a sum of two products: their factors, rounded to
 * float, do not add up to 1, which adds up over the steps. */
RN_MAP(average, 2, 1, 0, y0 = x0 + a0 * (x1 - x0););

static int ema_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct ema *o = opts;
    double t = (double)step, early = (1 + t) / (10 + t);

    (void)lr;
    out[TAKES] = 1 - (o->warmup ? fmin(o->decay, early) : o->decay);
    return RN_OK;
}

static int ema_record(const struct rn_update *u)
{
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->slot[MEAN], u->param},
        .out = {u->slot[MEAN]},
    };

    call.arg_from[0] = (uint8_t)(u->scalar_from + TAKES);
    return u->dev->ops->map(u->dev, &average, &call);
}

static const struct rn_plugin ema = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct ema),
    .name = "ema",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "evaluates a running mean of the weights",
    .doc = "m = d m + (1 - d) p        after each step, of every parameter and kept buffer\n"
           "d = min(decay, (1 + t) / (10 + t)) with warmup, else decay        t = 1, 2, ...\n"
           "\n"
           "m starts at the first weights. Validation, test and saved weights use m; training\n"
           "goes on with p. Polyak and Juditsky, \"Acceleration of stochastic approximation by\n"
           "averaging\", 1992, as tf.train.ExponentialMovingAverage has it.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .flags = RN_CALLBACK_EVALUATES,
                                           .n_slots = 1,
                                           .slot_names = slot_names,
                                           .scalars = ema_scalars,
                                           .record = ema_record},
};

RN_PLUGINS(&ema);
