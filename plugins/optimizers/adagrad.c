/* adagrad.c - steps divided by the root of all squared gradients so far. */
#include <runner/optimizer.h>

struct adagrad {
    double lr, lr_decay, initial_accumulator_value, eps, weight_decay;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct adagrad, lr, "1e-2", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct adagrad, lr_decay, "0", 0, DBL_MAX, 0, NULL,
             "lr is divided by 1 + lr_decay times the steps done"),
    RN_FLOAT(struct adagrad, initial_accumulator_value, "0", 0, DBL_MAX, 0, NULL,
             "what the sum of squares starts at"),
    RN_FLOAT(struct adagrad, eps, "1e-10", 1e-30, 1, 0, NULL, "keeps the divisor above zero"),
    RN_FLOAT(struct adagrad, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times the weight is added to its gradient"),
    RN_END,
};

enum { SUM };       /* slot, without the initial value: slots start at 0 */
enum { STEP_SIZE }; /* scalar: lr / (1 + (t - 1) lr_decay) */
static const char *const slot_names[] = {"sum_of_squares"};

/* x0 parameter, x1 gradient, x2 sum; a0 step size, a1 decay, a2 initial value, a3 eps */
RN_MAP(update, 3, 2, 0,
       const rn_real g = x1 + a1 * x0;
       y1 = x2 + g * g;
       y0 = x0 - a0 * g / (sqrtf(a2 + y1) + a3););

static int adagrad_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct adagrad *o = opts;

    out[STEP_SIZE] = lr / (1 + (double)(step - 1) * o->lr_decay);
    return RN_OK;
}

static int adagrad_record(const struct rn_update *u)
{
    const struct adagrad *o = u->opts;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, u->slot[SUM]},
        .out = {u->param, u->slot[SUM]},
        .arg = {0, (rn_real)(u->decays ? o->weight_decay : 0),
                (rn_real)o->initial_accumulator_value, (rn_real)o->eps},
    };

    call.arg_from[0] = (uint8_t)(u->scalar_from + STEP_SIZE);
    return u->dev->ops->map(u->dev, &update, &call);
}

static const struct rn_plugin adagrad = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct adagrad),
    .name = "adagrad",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "steps scaled by all gradients so far",
    .doc = "g = dp + weight_decay p        s = s + g^2\n"
           "p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)           t = 1, 2, ...\n"
           "\n"
           "s starts at initial_accumulator_value. Duchi et al., \"Adaptive subgradient methods\n"
           "for online learning and stochastic optimization\", 2011, as torch.optim.Adagrad has\n"
           "it. Biases and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 1,
                                            .slot_names = slot_names,
                                            .scalars = adagrad_scalars,
                                            .record = adagrad_record},
};

RN_PLUGINS(&adagrad);
