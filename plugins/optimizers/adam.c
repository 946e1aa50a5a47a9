/* adam.c - steps scaled by running moments of the gradient; one pass over memory. */
#include <runner/optimizer.h>

struct adam {
    double lr, beta1, beta2, eps, weight_decay;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct adam, lr, "1e-3", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct adam, beta1, "0.9", 0, 1, RN_OPT_OPEN_MAX, NULL, "decay of the mean gradient"),
    RN_FLOAT(struct adam, beta2, "0.999", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "decay of the mean squared gradient"),
    RN_FLOAT(struct adam, eps, "1e-8", 1e-30, 1, 0, NULL, "keeps the divisor above zero"),
    RN_FLOAT(struct adam, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times the weight is added to its gradient"),
    RN_END,
};

enum { MEAN, SQUARE };            /* slots */
enum { STEP_SIZE, SQUARE_SCALE }; /* scalars: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
static const char *const slot_names[] = {"mean", "mean_square"};

/* x0 parameter, x1 gradient, x2 mean, x3 mean square; a0, a1 beta1 and 1 - beta1; a2, a3 beta2
 * and 1 - beta2 (subtracted in double: 1 - 0.999f is off by 1e-5); a4 decay, a5 eps */
RN_MAP(update, 4, 3, 0,
       const rn_real g = x1 + a4 * x0;
       y1 = a0 * x2 + a1 * g;
       y2 = a2 * x3 + a3 * g * g;
       y0 = x0 - a6 * y1 / (sqrtf(y2) * a7 + a5););

static int adam_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct adam *o = opts;

    out[STEP_SIZE] = lr / (1 - pow(o->beta1, (double)step));
    out[SQUARE_SCALE] = 1 / sqrt(1 - pow(o->beta2, (double)step));
    return RN_OK;
}

static int adam_record(const struct rn_update *u)
{
    const struct adam *o = u->opts;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, u->slot[MEAN], u->slot[SQUARE]},
        .out = {u->param, u->slot[MEAN], u->slot[SQUARE]},
        .arg = {(rn_real)o->beta1, (rn_real)(1 - o->beta1), (rn_real)o->beta2,
                (rn_real)(1 - o->beta2), (rn_real)(u->decays ? o->weight_decay : 0),
                (rn_real)o->eps},
    };

    call.arg_from[6] = (uint8_t)(u->scalar_from + STEP_SIZE);
    call.arg_from[7] = (uint8_t)(u->scalar_from + SQUARE_SCALE);
    return u->dev->ops->map(u->dev, &update, &call);
}

static const struct rn_plugin adam = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct adam),
    .name = "adam",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "adaptive moments",
    .doc = "g = dp + weight_decay p\n"
           "m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2\n"
           "p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)    t = 1, 2, ...\n"
           "\n"
           "Kingma and Ba, \"Adam: a method for stochastic optimization\", 2015, as\n"
           "torch.optim.Adam has it. Biases and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 2,
                                            .slot_names = slot_names,
                                            .scalars = adam_scalars,
                                            .record = adam_record},
};

RN_PLUGINS(&adam);
