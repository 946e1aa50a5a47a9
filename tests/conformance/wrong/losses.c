/* losses.c - half the squared distance, once right and then wrong in the ways that the checks have
 * to find. The name says the fault. */
#include <runner/loss.h>

enum { SQUARE }; /* buffer: (pred - target)^2 / 2 */

RN_MAP(square, 2, 1, 0, y0 = 0.5f * (x0 - x1) * (x0 - x1););
RN_MAP(slope, 3, 1, 0, y0 = (x0 - x1) * x2;);
RN_MAP(first_of_row, 1, 1, 0, y0 = 1 + x0;);
RN_MAP(nan_to_zero, 1, 1, 0, y0 = x0 == x0 ? x0 : 0;);
RN_MAP(slope_unscaled, 2, 1, 0, y0 = x0 - x1;);

static int plan(struct rn_plan *p)
{
    if (p->in[0].rank != 1)
        return RN_FAIL(RN_ESHAPE, "needs a flat prediction");
    return p->buffer(p, "square", RN_SCRATCH, p->in[0], RN_PER_SAMPLE);
}

static int losses(const struct rn_loss_call *c)
{
    RN_TRY(rn_apply(c->dev, &square,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target},
                                         .out = {c->buf[SQUARE].data}}));
    return rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, c->buf[SQUARE].data, 0,
                     c->loss);
}

static int forward(const struct rn_loss_call *c)
{
    RN_TRY(losses(c));
    return c->dev->ops->fill(c->dev, c->weight, 1, c->batch);
}

static int backward(const struct rn_loss_call *c)
{
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target, c->scale},
                                         .span = {RN_EACH, RN_EACH, RN_ONE},
                                         .out = {c->dpred}});
}

/* ---- the faults -------------------------------------------------------------- */

static int scale_ignored(const struct rn_loss_call *c)
{
    return rn_apply(
        c->dev, &slope_unscaled,
        (struct rn_map_call){
            .rows = c->batch, .cols = c->width, .in = {c->pred, c->target}, .out = {c->dpred}});
}

static int weight_too_long(const struct rn_loss_call *c)
{
    RN_TRY(losses(c));
    return c->dev->ops->fill(c->dev, c->weight, 1, c->batch + 1);
}

static int scratch_expected(const struct rn_loss_call *c) /* sqrt(2 square), up to the sign */
{
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->buf[SQUARE].data, c->target, c->scale},
                                         .span = {RN_EACH, RN_EACH, RN_ONE},
                                         .out = {c->dpred}});
}

static int weight_of_prediction(const struct rn_loss_call *c)
{
    RN_TRY(forward(c));
    return rn_apply(
        c->dev, &first_of_row,
        (struct rn_map_call){.rows = c->batch, .cols = 1, .in = {c->loss}, .out = {c->weight}});
}

static int nan_is_zero(const struct rn_loss_call *c)
{
    RN_TRY(forward(c));
    return rn_apply(
        c->dev, &nan_to_zero,
        (struct rn_map_call){.rows = c->batch, .cols = 1, .in = {c->loss}, .out = {c->loss}});
}

#define LOSS(id, forward_, backward_) \
    static const struct rn_plugin id##_loss = { \
        RN_PLUGIN_PLAIN(RN_KIND_LOSS), \
        .name = #id, \
        .version = "1.0.0", \
        .license = "MIT", \
        .summary = "a test of the tests", \
        .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops), \
                                           .plan = plan, \
                                           .forward = forward_, \
                                           .backward = backward_}}

LOSS(right_square, forward, backward);
LOSS(scale_ignored, forward, scale_ignored);
LOSS(weight_missing, losses, backward);
LOSS(weight_too_long, weight_too_long, backward);
LOSS(scratch_expected, forward, scratch_expected);
LOSS(weight_of_prediction, weight_of_prediction, backward);
LOSS(nan_is_zero, nan_is_zero, backward);

RN_PLUGINS(&right_square_loss, &scale_ignored_loss, &weight_missing_loss, &weight_too_long_loss,
           &scratch_expected_loss, &weight_of_prediction_loss, &nan_is_zero_loss);
