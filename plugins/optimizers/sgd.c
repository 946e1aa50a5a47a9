/* sgd.c - stochastic gradient descent, plain or with momentum. */
#include <runner/optimizer.h>

struct sgd {
    double lr, momentum, weight_decay;
    bool nesterov;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct sgd, lr, "1e-3", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct sgd, momentum, "0", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the last step that goes into the next"),
    RN_BOOL(struct sgd, nesterov, "false", "look ahead along the momentum"),
    RN_FLOAT(struct sgd, weight_decay, "0", 0, DBL_MAX, 0, NULL,
             "times the weight is added to its gradient"),
    RN_END,
};

enum { VELOCITY }; /* slot */
enum { LR };       /* scalar */
static const char *const slot_names[] = {"velocity"};

/* x0 parameter, x1 gradient, x2 velocity; a0 lr, a1 decay, a2 momentum, a3 nesterov */
RN_MAP(plain, 2, 1, 0, y0 = x0 - a0 * (x1 + a1 * x0););
RN_MAP(with_momentum, 3, 2, 0,
       const rn_real g = x1 + a1 * x0;
       y1 = a2 * x2 + g;
       y0 = x0 - a0 * (a3 > 0 ? g + a2 * y1 : y1););

static int sgd_scalars(const void *opts, int64_t step, double lr, double out[RN_SCALARS])
{
    const struct sgd *o = opts;

    (void)step;
    if (o->nesterov && o->momentum <= 0)
        return RN_FAIL(RN_EINVAL, "nesterov needs momentum: set momentum above 0, 0.9 is usual, "
                                  "or leave nesterov out");
    out[LR] = lr;
    return RN_OK;
}

/* Without momentum the velocity is never touched. */
static int sgd_record(const struct rn_update *u)
{
    const struct sgd *o = u->opts;
    bool moves = o->momentum > 0;
    struct rn_map_call call = {
        .rows = u->rows,
        .cols = u->cols,
        .in = {u->param, u->grad, moves ? u->slot[VELOCITY] : NULL},
        .out = {u->param, moves ? u->slot[VELOCITY] : NULL},
        .arg = {0, (rn_real)(u->decays ? o->weight_decay : 0), (rn_real)o->momentum, o->nesterov},
    };

    call.arg_from[0] = (uint8_t)(u->scalar_from + LR);
    return u->dev->ops->map(u->dev, moves ? &with_momentum : &plain, &call);
}

static const struct rn_plugin sgd = {
    RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct sgd),
    .name = "sgd",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "gradient descent, with or without momentum",
    .doc = "g = dp + weight_decay p        v = momentum v + g\n"
           "p = p - lr v, with nesterov p = p - lr (g + momentum v)\n"
           "\n"
           "v starts at 0, nothing is dampened. As torch.optim.SGD, which follows Sutskever\n"
           "et al., \"On the importance of initialization and momentum in deep learning\",\n"
           "2013, but for lr outside v. Biases and gains are not decayed.",
    .options = options,
    .ops = &(const struct rn_optimizer_ops){.size = sizeof(struct rn_optimizer_ops),
                                            .n_slots = 1,
                                            .slot_names = slot_names,
                                            .scalars = sgd_scalars,
                                            .record = sgd_record},
};

RN_PLUGINS(&sgd);
