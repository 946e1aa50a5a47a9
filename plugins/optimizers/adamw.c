/* adamw.c - Adam whose weight decay stands beside the step, not in the gradient; one pass. */
#include <runner/optimizer.h>

struct adamw {
    double lr, beta1, beta2, eps, weight_decay;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct adamw, lr, "1e-3", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct adamw, beta1, "0.9", 0, 1, RN_OPT_OPEN_MAX, NULL, "decay of the mean gradient"),
    RN_FLOAT(struct adamw, beta2, "0.999", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "decay of the mean squared gradient"),
    RN_FLOAT(struct adamw, eps, "1e-8", 1e-30, 1, 0, NULL, "keeps the divisor above zero"),
    RN_FLOAT(struct adamw, weight_decay, "1e-2", 0, DBL_MAX, 0, NULL,
             "times lr is the share of the weight that a step takes away"),
    RN_END,
};

enum { MEAN, SQUARE }; /* slots */
enum {
    STEP_SIZE,
    SQUARE_SCALE,
    SHRINK
}; /* scalars: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t),
      lr weight_decay */
static const char *const slot_names[] = {"mean", "mean_square"};

/* x0 parameter, x1 gradient, x2 mean, x3 mean square; a0, a1 beta1 and 1 - beta1; a2, a3 beta2
 * and 1 - beta2 (subtracted in double); a4 shrink, a5 eps */
RN_MAP(update, 4, 3, 0,
       y1 = a0 * x2 + a1 * x1;
       y2 = a2 * x3 + a3 * x1 * x1;
       y0 = x0 - a4 * x0 - a6 * y1 / (sqrtf(y2) * a7 + a5););

static int adamw_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct adamw *o = opts;

    out[STEP_SIZE] = lr / (1 - pow(o->beta1, (double)step));
    out[SQUARE_SCALE] = 1 / sqrt(1 - pow(o->beta2, (double)step));
    out[SHRINK] = lr * o->weight_decay;
    return RN_OK;
}

static int adamw_record(const struct rn_update *u)
{
    const struct adamw *o = u->opts;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, u->slot[MEAN], u->slot[SQUARE]},
        .out = {u->param, u->slot[MEAN], u->slot[SQUARE]},
        .arg = {(rn_real)o->beta1, (rn_real)(1 - o->beta1), (rn_real)o->beta2,
                (rn_real)(1 - o->beta2), 0, (rn_real)o->eps},
    };

    call.arg_from[4] = (uint8_t)(u->decays ? u->scalar_from + SHRINK : 0);
    call.arg_from[6] = (uint8_t)(u->scalar_from + STEP_SIZE);
    call.arg_from[7] = (uint8_t)(u->scalar_from + SQUARE_SCALE);
    return u->dev->ops->map(u->dev, &update, &call);
}

static const struct rn_plugin adamw = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct adamw),
    .name = "adamw",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "adaptive moments, weight decay apart from them",
    .doc = "m = beta1 m + (1 - beta1) dp       v = beta2 v + (1 - beta2) dp^2\n"
           "p = p - lr weight_decay p\n"
           "    - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)      t = 1, 2, ...\n"
           "\n"
           "Loshchilov and Hutter, \"Decoupled weight decay regularization\", 2019, as\n"
           "torch.optim.AdamW has it. Biases and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 2,
                                            .slot_names = slot_names,
                                            .scalars = adamw_scalars,
                                            .record = adamw_record},
};

RN_PLUGINS(&adamw);
