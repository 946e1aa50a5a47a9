/* binary_cross_entropy.c - for answers that are yes or no, each for itself, from raw scores and
 * stable for any. */
#include <runner/loss.h>

struct binary_cross_entropy {
    double pos_weight;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct binary_cross_entropy, pos_weight, "1", 0, 1e6, 0, NULL,
             "how much more a target of 1 counts than one of 0"),
    RN_END,
};

enum { EACH }; /* buffer [width]: the loss of each value */

/* log(1 + exp(-x)) = log1p(exp(-|x|)) + max(-x, 0). x0 score, x1 target; a0 pos_weight */
RN_MAP(losses, 2, 1, 0,
       const rn_real low = log1pf(expf(-fabsf(x0))) + (x0 < 0 ? -x0 : 0);
       y0 = (1 - x1) * x0 + (1 + (a0 - 1) * x1) * low;);
/* x0 sum; a0 1 / width */
RN_MAP(finish, 1, 2, 0, y0 = x0 * a0; y1 = 1;);
/* x0 score, x1 target, x2 1 / sum of weights; a0 pos_weight, a1 1 / width */
RN_MAP(slope, 3, 1, 0,
       y0 = ((1 - x1 + a0 * x1) / (1 + expf(-x0)) - a0 * x1) * a1 * x2;);

static int binary_plan(struct rn_plan *p)
{
    int64_t width = rn_count(&p->in[0]), target = rn_count(&p->in[1]);

    if (width != target)
        return RN_FAIL(RN_ESHAPE,
                       "binary_cross_entropy needs one score for each value of the target: the "
                       "model's output has %lld, and the data's target %lld for each sample",
                       (long long)width, (long long)target);
    RN_TRY(p->buffer(p, "each", RN_SCRATCH, p->in[0], RN_PER_SAMPLE));
    return RN_OK;
}

static int binary_forward(const struct rn_loss_call *c)
{
    const struct binary_cross_entropy *o = c->opts;
    rn_real *each = c->buf[EACH].data;

    RN_TRY(rn_apply(c->dev, &losses,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target},
                                         .out = {each},
                                         .arg = {(rn_real)o->pos_weight}}));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, each, 0, c->loss));
    return rn_apply(c->dev, &finish,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = 1,
                                         .in = {c->loss},
                                         .out = {c->loss, c->weight},
                                         .arg = {(rn_real)(1 / (double)c->width)}});
}

static int binary_backward(const struct rn_loss_call *c)
{
    const struct binary_cross_entropy *o = c->opts;

    return rn_apply(
        c->dev, &slope,
        (struct rn_map_call){.rows = c->batch,
                             .cols = c->width,
                             .in = {c->pred, c->target, c->scale},
                             .span = {RN_EACH, RN_EACH, RN_ONE},
                             .out = {c->dpred},
                             .arg = {(rn_real)o->pos_weight, (rn_real)(1 / (double)c->width)}});
}

static const struct rn_plugin binary_cross_entropy = {
    RN_PLUGIN_HEAD(RN_KIND_LOSS, struct binary_cross_entropy),
    .traits = RN_TRAIT_WANTS_LOGITS,
    .name = "binary_cross_entropy",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "for answers of yes or no, from raw scores",
    .doc = "loss = mean_i -(pos_weight t_i log s(z_i) + (1 - t_i) log(1 - s(z_i)))\n"
           "dz_i = ((1 - t_i + pos_weight t_i) s(z_i) - pos_weight t_i) / width / batch\n"
           "with s(z) = 1 / (1 + exp(-z))\n"
           "\n"
           "z of any shape, the target as many values from 0 to 1; mean over values and batch.\n"
           "The model ends in raw scores, without a sigmoid. Data with two classes has one\n"
           "target, 0 or 1, and takes a model with one output. As torch.nn.BCEWithLogitsLoss,\n"
           "with one pos_weight for all values.",
    .options = options,
    .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops),
                                       .plan = binary_plan,
                                       .forward = binary_forward,
                                       .backward = binary_backward},
};

RN_PLUGINS(&binary_cross_entropy);
