/* my_name.c - an optimizer: gradient descent with momentum. optimizer.h says what an optimizer is
 * given; whatever it keeps for each parameter is a slot. */
#include <runner/optimizer.h>

/* `lr` is the core's to schedule; every optimizer has it. */
struct options {
    double lr, momentum, weight_decay;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct options, lr, "0.01", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct options, momentum, "0.9", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the last step that goes into the next"),
    RN_FLOAT(struct options, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times the weight is added to its gradient"),
    RN_END,
};

enum { VELOCITY }; /* slots: arrays like the parameter, 0 at first, saved in checkpoints */
static const char *const slot_names[] = {"velocity"};
enum { LR }; /* scalars: what differs from step to step */

/* x0 parameter, x1 gradient, x2 velocity; a0 lr, a1 weight decay, a2 momentum */
RN_MAP(update, 3, 2, 0, y1 = a2 * x2 + x1 + a1 * x0; y0 = x0 - a0 * y1;);

/* On the host, before each step, which count from 1; lr is the scheduled rate. */
static int scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    (void)opts, (void)step;
    out[LR] = lr;
    return RN_OK;
}

/* Enqueues the update of one parameter. It is recorded once: what changes comes from scalars(). */
static int record(const struct rn_update *u)
{
    const struct options *o = u->opts;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, u->slot[VELOCITY]},
        .out = {u->param, u->slot[VELOCITY]},
        .arg = {0, (rn_real)(u->decays ? o->weight_decay : 0), (rn_real)o->momentum},
    };

    call.arg_from[0] = (uint8_t)(u->scalar_from + LR); /* a0 is out[LR] of this step */
    return u->dev->ops->map(u->dev, &update, &call);
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "gradient descent with momentum",
    .doc = "v = momentum v + dp + weight_decay p        p = p - lr v\n"
           "\n"
           "v starts at 0. Biases and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 1,
                                            .slot_names = slot_names,
                                            .scalars = scalars,
                                            .record = record},
};

RN_PLUGINS(&plugin);
