/* mse.c - the mean square of what the prediction is off the target by. */
#include <runner/loss.h>

enum { OFF }; /* buffer [width]: prediction - target */

RN_MAP(subtract, 2, 1, 0, y0 = x0 - x1;);
/* x0 sum of squares; a0 1 / width */
RN_MAP(finish, 1, 2, 0, y0 = x0 * a0; y1 = 1;);
/* x0 prediction, x1 target, x2 1 / sum of weights; a0 2 / width */
RN_MAP(slope, 3, 1, 0, y0 = (x0 - x1) * a0 * x2;);

static int mse_plan(struct rn_plan *p)
{
    int64_t width = rn_count(&p->in[0]), target = rn_count(&p->in[1]);

    if (width != target)
        return RN_FAIL(RN_ESHAPE,
                       "mse compares value by value: the model's output has %lld, and the data's "
                       "target %lld for each sample",
                       (long long)width, (long long)target);
    RN_TRY(p->buffer(p, "off", RN_SCRATCH, p->in[0], RN_PER_SAMPLE));
    return RN_OK;
}

static int mse_forward(const struct rn_loss_call *c)
{
    rn_real *off = c->buf[OFF].data;

    RN_TRY(rn_apply(
        c->dev, &subtract,
        (struct rn_map_call){
            .rows = c->batch, .cols = c->width, .in = {c->pred, c->target}, .out = {off}}));
    RN_TRY(rn_reduce(c->dev, RN_SUM_SQUARES, RN_PER_ROW, c->batch, c->width, off, 0, c->loss));
    return rn_apply(c->dev, &finish,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = 1,
                                         .in = {c->loss},
                                         .out = {c->loss, c->weight},
                                         .arg = {(rn_real)(1 / (double)c->width)}});
}

static int mse_backward(const struct rn_loss_call *c)
{
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = c->width,
                                         .in = {c->pred, c->target, c->scale},
                                         .span = {RN_EACH, RN_EACH, RN_ONE},
                                         .out = {c->dpred},
                                         .arg = {(rn_real)(2 / (double)c->width)}});
}

static const struct rn_plugin mse = {
    RN_PLUGIN_PLAIN(RN_KIND_LOSS),
    .name = "mse",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "mean square error, for numbers as targets",
    .doc = "loss = mean_i (z_i - t_i)^2    dz_i = 2 (z_i - t_i) / width / batch\n"
           "\n"
           "z of any shape, the target as many values; mean over values and batch. As\n"
           "torch.nn.MSELoss.",
    .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops),
                                       .plan = mse_plan,
                                       .forward = mse_forward,
                                       .backward = mse_backward},
};

RN_PLUGINS(&mse);
