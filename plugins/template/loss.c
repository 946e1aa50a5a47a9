/* my_name.c - a loss for classes: the squared distance of the scores from 1 at the true class and
 * 0 elsewhere. loss.h says what a loss is given and what it has to write. */
#include <runner/loss.h>

enum { SQUARES }; /* buffers, in the order of plan() */

/* x0 score, x1 class; y0 its squared distance */
RN_MAP(square, 2, 1, 0, const rn_real d = x0 - (col == (int64_t)x1 ? 1 : 0); y0 = d * d;);
/* the weight of each sample; classes that count more would have another */
RN_MAP(one, 0, 1, 0, y0 = 1;);
/* x0 score, x1 class, x2 one over the sum of the weights */
RN_MAP(slope, 3, 1, 0, y0 = 2 * (x0 - (col == (int64_t)x1 ? 1 : 0)) * x2;);

/* in[0] is the model's output, in[1] the target: refuse what does not fit, declare buffers. */
static int plan(struct rn_plan *p)
{
    if (p->in[0].rank != 1 || rn_count(&p->in[1]) != 1)
        return RN_FAIL(RN_ESHAPE, "my_name needs one score for each class, and a class as target: "
                                  "end the model with flatten and a dense layer");
    RN_TRY(p->buffer(p, "squares", RN_SCRATCH, p->in[0], RN_PER_SAMPLE));
    return RN_OK;
}

/* Enqueues, does not compute: it is recorded once and replayed in every step. */
static int forward(const struct rn_loss_call *c)
{
    rn_real *squares = c->buf[SQUARES].data;

    RN_TRY(rn_apply(c->dev, &square,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target},
                                         .span = {RN_EACH, RN_PER_ROW},
                                         .out = {squares}}));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, squares, 0, c->loss));
    return rn_apply(c->dev, &one,
                    (struct rn_map_call){.rows = c->batch, .cols = 1, .out = {c->weight}});
}

static int backward(const struct rn_loss_call *c)
{
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target, c->scale},
                                         .span = {RN_EACH, RN_PER_ROW, RN_ONE},
                                         .out = {c->dpred}});
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_PLAIN(RN_KIND_LOSS),
    .traits = RN_TRAIT_CLASSIFIES,
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "for classes, squared distance from the true one",
    .doc = "loss = sum_j (z_j - onehot(class)_j)^2    dz = 2 (z - onehot(class)) / batch\n"
           "\n"
           "z [classes], the target one class number; mean over the batch.",
    .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops),
                                       .plan = plan,
                                       .forward = forward,
                                       .backward = backward},
};

RN_PLUGINS(&plugin);
