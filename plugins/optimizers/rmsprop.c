/* rmsprop.c - steps divided by the root of a running mean of squared gradients. */
#include <runner/optimizer.h>

struct rmsprop {
    double lr, alpha, eps, momentum, weight_decay;
    bool centered;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct rmsprop, lr, "1e-2", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct rmsprop, alpha, "0.99", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "decay of the mean squared gradient"),
    RN_FLOAT(struct rmsprop, eps, "1e-8", 1e-30, 1, 0, NULL, "keeps the divisor above zero"),
    RN_FLOAT(struct rmsprop, momentum, "0", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the last step that goes into the next"),
    RN_BOOL(struct rmsprop, centered, "false", "divide by the deviation from the mean gradient"),
    RN_FLOAT(struct rmsprop, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times the weight is added to its gradient"),
    RN_END,
};

enum { SQUARE, VELOCITY, MEAN }; /* slots */
enum { LR };                     /* scalar */
static const char *const slot_names[] = {"mean_square", "velocity", "mean"};

/* x0 parameter, x1 gradient, x2 mean square, x3 velocity, x4 mean; a0 lr, a1 decay, a2 alpha,
 * a3 1 - alpha (subtracted in double), a4 eps, a5 momentum */
RN_MAP(plain, 3, 2, 0,
       const rn_real g = x1 + a1 * x0;
       y1 = a2 * x2 + a3 * g * g;
       y0 = x0 - a0 * g / (sqrtf(y1) + a4););
RN_MAP(with_momentum, 4, 3, 0,
       const rn_real g = x1 + a1 * x0;
       y1 = a2 * x2 + a3 * g * g;
       y2 = a5 * x3 + g / (sqrtf(y1) + a4);
       y0 = x0 - a0 * y2;);
/* Centered: four arrays change, one more than a map has outputs. x3 is the mean here. */
RN_MAP(moments, 4, 2, 0,
       const rn_real g = x1 + a1 * x0;
       y0 = a2 * x2 + a3 * g * g;
       y1 = a2 * x3 + a3 * g;);
/* the difference of equals may round to less than 0 */
RN_MAP(centered_step, 5, 2, 0,
       const rn_real g = x1 + a1 * x0;
       const rn_real v = x2 - x4 * x4;
       y1 = a5 * x3 + g / (sqrtf(v < 0 ? 0 : v) + a4);
       y0 = x0 - a0 * y1;);

static int rmsprop_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    (void)opts, (void)step;
    out[LR] = lr;
    return RN_OK;
}

/* call: with the arguments and nothing else */
static int record_centered(const struct rn_update *u, struct rn_map_call *call)
{
    rn_real *square = u->slot[SQUARE], *velocity = u->slot[VELOCITY], *mean = u->slot[MEAN];
    struct rn_map_call first = *call;

    first.in[0] = u->param, first.in[1] = u->grad, first.in[2] = square, first.in[3] = mean;
    first.out[0] = square, first.out[1] = mean;
    RN_TRY(u->dev->ops->map(u->dev, &moments, &first));
    call->in[0] = u->param, call->in[1] = u->grad, call->in[2] = square;
    call->in[3] = velocity, call->in[4] = mean;
    call->out[0] = u->param, call->out[1] = velocity;
    return u->dev->ops->map(u->dev, &centered_step, call);
}

/* Slots that the options have no use for are never touched. */
static int rmsprop_record(const struct rn_update *u)
{
    const struct rmsprop *o = u->opts;
    bool moves = o->momentum > 0;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .arg = {0, (rn_real)(u->decays ? o->weight_decay : 0), (rn_real)o->alpha,
                (rn_real)(1 - o->alpha), (rn_real)o->eps, (rn_real)o->momentum},
    };

    call.arg_from[0] = (uint8_t)(u->scalar_from + LR);
    if (o->centered)
        return record_centered(u, &call);
    call.in[0] = u->param, call.in[1] = u->grad, call.in[2] = u->slot[SQUARE];
    call.in[3] = moves ? u->slot[VELOCITY] : NULL;
    call.out[0] = u->param, call.out[1] = u->slot[SQUARE];
    call.out[2] = moves ? u->slot[VELOCITY] : NULL;
    return u->dev->ops->map(u->dev, moves ? &with_momentum : &plain, &call);
}

static const struct rn_plugin rmsprop = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct rmsprop),
    .name = "rmsprop",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "steps scaled by a running mean of squared gradients",
    .doc = "g = dp + weight_decay p        s = alpha s + (1 - alpha) g^2\n"
           "v = momentum v + g / (sqrt(s) + eps)\n"
           "p = p - lr v\n"
           "\n"
           "With centered, m = alpha m + (1 - alpha) g, and sqrt(s - m^2) stands for sqrt(s).\n"
           "Tieleman and Hinton, \"Neural networks for machine learning\", lecture 6.5, 2012,\n"
           "as torch.optim.RMSprop has it: eps outside the root. Biases and gains are not\n"
           "decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 3,
                                            .slot_names = slot_names,
                                            .scalars = rmsprop_scalars,
                                            .record = rmsprop_record},
};

RN_PLUGINS(&rmsprop);
