/* cross_entropy.c - the negative logarithm of the softmax at the true class, from raw
 * scores and stable for any: the largest score of a row is subtracted first. */
#include <runner/loss.h>

/* buffers, in the order of plan() */
enum {
    PEAK,  /* [1] the largest score */
    SHARE, /* [width] exp(score - peak) */
    TOTAL, /* [1] their sum */
    TRUTH, /* [width] score - peak at the true class, else 0 */
};

/* x0 scores, x1 peak, x2 class */
RN_MAP(shift, 3, 2, 0, y0 = expf(x0 - x1); y1 = col == (int64_t)x2 ? x0 - x1 : 0;);
/* x0 total, x1 score - peak at the true class */
RN_MAP(finish, 2, 2, 0, y0 = logf(x0) - x1; y1 = 1;);
/* x0 share, x1 total, x2 class, x3 1 / sum of weights */
RN_MAP(slope, 4, 1, 0, y0 = (x0 / x1 - (col == (int64_t)x2 ? 1 : 0)) * x3;);

static int cross_entropy_plan(struct rn_plan *p)
{
    const struct rn_shape *pred = &p->in[0];

    if (pred->rank != 1)
        return RN_FAIL(RN_ESHAPE,
                       "cross_entropy needs one score for each class, and the model's output has "
                       "%d dimensions: end the model with flatten and a dense layer",
                       (int)pred->rank);
    if (rn_count(&p->in[1]) != 1)
        return RN_FAIL(RN_ESHAPE,
                       "cross_entropy needs a class number as target, and this data has %lld "
                       "values for each sample",
                       (long long)rn_count(&p->in[1]));
    RN_TRY(p->buffer(p, "peak", RN_SCRATCH, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "share", RN_SAVED, *pred, RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "total", RN_SAVED, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "truth", RN_SCRATCH, *pred, RN_PER_SAMPLE));
    return RN_OK;
}

static int cross_entropy_forward(const struct rn_loss_call *c)
{
    rn_real *peak = c->buf[PEAK].data, *share = c->buf[SHARE].data;
    rn_real *total = c->buf[TOTAL].data, *truth = c->buf[TRUTH].data;

    RN_TRY(rn_reduce(c->dev, RN_MAX, RN_PER_ROW, c->batch, c->width, c->pred, 0, peak));
    RN_TRY(rn_apply(c->dev, &shift,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, peak, c->target},
                                         .span = {RN_EACH, RN_PER_ROW, RN_PER_ROW},
                                         .out = {share, truth}}));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, share, 0, total));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, truth, 0, c->loss));
    return rn_apply(
        c->dev, &finish,
        (struct rn_map_call){
            .rows = c->batch, .cols = 1, .in = {total, c->loss}, .out = {c->loss, c->weight}});
}

static int cross_entropy_backward(const struct rn_loss_call *c)
{
    return rn_apply(
        c->dev, &slope,
        (struct rn_map_call){.rows = c->batch,
                             .cols = c->width,
                             .in = {c->buf[SHARE].data, c->buf[TOTAL].data, c->target, c->scale},
                             .span = {RN_EACH, RN_PER_ROW, RN_PER_ROW, RN_ONE},
                             .out = {c->dpred}});
}

static const struct rn_plugin cross_entropy = {
    RN_PLUGIN_PLAIN(RN_KIND_LOSS),
    .traits = RN_TRAIT_DEFAULT | RN_TRAIT_WANTS_LOGITS | RN_TRAIT_CLASSIFIES,
    .name = "cross_entropy",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "for classes, from raw scores",
    .doc = "loss = -log softmax(z)[class] = log sum_j exp(z_j - max z) - (z[class] - max z)\n"
           "dz = (softmax(z) - onehot(class)) / batch\n"
           "\n"
           "z [classes], the target one class number; mean over the batch. The model ends\n"
           "in raw scores, without a softmax. As torch.nn.CrossEntropyLoss.",
    .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops),
                                       .plan = cross_entropy_plan,
                                       .forward = cross_entropy_forward,
                                       .backward = cross_entropy_backward},
};

RN_PLUGINS(&cross_entropy);
