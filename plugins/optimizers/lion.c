/* lion.c - steps of one size, whose signs come from running means of the gradient. */
#include <runner/optimizer.h>

struct lion {
    double lr, beta1, beta2, weight_decay;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct lion, lr, "1e-4", 0, DBL_MAX, 0, NULL,
             "learning rate: what a step adds or takes"),
    RN_FLOAT(struct lion, beta1, "0.9", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the mean in the direction of a step"),
    RN_FLOAT(struct lion, beta2, "0.99", 0, 1, RN_OPT_OPEN_MAX, NULL, "decay of the mean gradient"),
    RN_FLOAT(struct lion, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times lr is the share of the weight that a step takes away"),
    RN_END,
};

enum { MEAN };       /* slot */
enum { LR, SHRINK }; /* scalars: lr, lr weight_decay */
static const char *const slot_names[] = {"mean"};

/* x0 parameter, x1 gradient, x2 mean; a0, a1 beta1 and 1 - beta1; a2, a3 beta2 and 1 - beta2
 * (subtracted in double); a4 lr, a5 shrink. A direction of 0 has the sign 0, of NaN NaN. */
RN_MAP(update, 3, 2, 0,
       const rn_real d = a0 * x2 + a1 * x1;
       y0 = x0 - a5 * x0 - a4 * (d > 0 ? 1 : d < 0 ? -1 : d);
       y1 = a2 * x2 + a3 * x1;);

static int lion_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct lion *o = opts;

    (void)step;
    out[LR] = lr;
    out[SHRINK] = lr * o->weight_decay;
    return RN_OK;
}

static int lion_record(const struct rn_update *u)
{
    const struct lion *o = u->opts;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, u->slot[MEAN]},
        .out = {u->param, u->slot[MEAN]},
        .arg = {(rn_real)o->beta1, (rn_real)(1 - o->beta1), (rn_real)o->beta2,
                (rn_real)(1 - o->beta2)},
    };

    call.arg_from[4] = (uint8_t)(u->scalar_from + LR);
    call.arg_from[5] = (uint8_t)(u->decays ? u->scalar_from + SHRINK : 0);
    return u->dev->ops->map(u->dev, &update, &call);
}

static const struct rn_plugin lion = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct lion),
    .name = "lion",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "steps of one size along the sign of the mean gradient",
    .doc = "p = p - lr weight_decay p - lr sign(beta1 m + (1 - beta1) dp)\n"
           "m = beta2 m + (1 - beta2) dp\n"
           "\n"
           "Chen et al., \"Symbolic discovery of optimization algorithms\", 2023. A good lr is\n"
           "three to ten times smaller than Adam's, a good weight_decay as much larger. Biases\n"
           "and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 1,
                                            .slot_names = slot_names,
                                            .scalars = lion_scalars,
                                            .record = lion_record},
};

RN_PLUGINS(&lion);
