/* step.c - the order of calls that makes a step, while the device records:
 *
 *   gather -> forward of each layer -> loss -> (training) sums of the step, backward of the loss
 * and of each layer that needs it, update of each parameter; (evaluation) scores and losses kept.
 */
#include "step.h"

#include "base/error.h"
#include "base/rng.h"

RN_MAP(copy, 1, 1, 0, y0 = x0;);
RN_MAP(inverse, 1, 1, 0, y0 = x0 > 0 ? a0 / x0 : 0;);
RN_MAP(equal, 2, 1, 0, y0 = x0 == x1 ? 1 : 0;);

struct recorder {
    struct pool *pool;
    const struct model *m;
    struct rn_device *dev;
    const struct step_io *io;
    struct step_layout at;
    char *arena;
    int64_t rows;
    unsigned flags; /* enum step_flag */
    bool training;
};

static rn_real *data_of(const struct recorder *r, int item)
{
    return item < 0 ? NULL : (rn_real *)(void *)(r->arena + r->at.items[item].offset);
}

static struct rn_tensor tensor(rn_real *data, struct rn_shape shape)
{
    return (struct rn_tensor){data, shape};
}

static int gather(const struct recorder *r)
{
    const struct step_io *io = r->io;
    const struct model *m = r->m;

    TRY(r->dev->ops->gather(r->dev, &(struct rn_gather){.rows = r->rows,
                                                        .cols = rn_count(&m->input),
                                                        .channels = io->channels,
                                                        .from = io->input,
                                                        .index = io->input_index,
                                                        .scale = io->scale,
                                                        .shift = io->shift,
                                                        .out = data_of(r, r->at.act[0]),
                                                        .dtype = io->dtype,
                                                        .start_from = U_INPUT}));
    return r->dev->ops->gather(r->dev, &(struct rn_gather){.rows = r->rows,
                                                           .cols = m->target_width,
                                                           .channels = 1,
                                                           .from = io->target,
                                                           .index = io->index,
                                                           .out = data_of(r, r->at.target),
                                                           .dtype = RN_F32,
                                                           .start_from = U_START});
}

static struct rn_tensor *buffers_of(const struct recorder *r, int layer)
{
    const struct model_layer *l = &r->m->layers[layer];
    struct rn_tensor *t = pool_alloc(r->pool, (size_t)(l->n_buffers + 1) * sizeof *t);

    for (int k = 0; t && k < l->n_buffers; k++)
        t[k] = tensor(l->buffers[k].life == RN_PERSISTENT ? r->m->persistent + l->buffers[k].offset
                                                          : data_of(r, r->at.buffers[layer][k]),
                      l->buffers[k].shape);
    return t;
}

static struct rn_tensor *params_of(const struct recorder *r, int layer, rn_real *flat)
{
    const struct model_layer *l = &r->m->layers[layer];
    struct rn_tensor *t = pool_alloc(r->pool, (size_t)(l->n_params + 1) * sizeof *t);

    for (int k = 0; t && k < l->n_params; k++) {
        const struct model_param *p = &r->m->params[l->first_param + k];
        t[k] = tensor(flat + p->offset, p->shape);
    }
    return t;
}

static int call_layer(const struct recorder *r, int i, bool backward)
{
    const struct model_layer *l = &r->m->layers[i];
    const struct rn_layer_ops *ops = &l->part->plugin->ops.layer;
    const rn_real beta[1] = {0};
    struct rn_tensor in = tensor(data_of(r, r->at.act[i]), l->in);
    struct rn_tensor out = tensor(data_of(r, r->at.act[i + 1]), l->out);
    struct rn_tensor din = tensor(data_of(r, r->at.grad[i]), l->in);
    struct rn_tensor dout = tensor(data_of(r, r->at.grad[i + 1]), l->out);
    struct rn_call c = {.size = sizeof c,
                        .training = r->training,
                        .dparam_beta = r->flags & STEP_ADDS ? 1 : 0,
                        .opts = l->part->opts,
                        .dev = r->dev,
                        .batch = r->rows,
                        .in = &in,
                        .out = &out,
                        .param = params_of(r, i, r->m->param),
                        .buf = buffers_of(r, i),
                        .dout = &dout,
                        .din = &din,
                        .dparam = params_of(r, i, r->m->grad),
                        .din_beta = beta,
                        .draw_from = U_DRAW,
                        .key = rng_key(r->m->experiment->seed, RNG_LAYER, (uint64_t)i)};

    if (!c.param || !c.buf || !c.dparam)
        return RN_ENOMEM;
    if (ops->flags & RN_LAYER_VIEW)
        return RN_OK;
    int status = backward ? ops->backward(&c) : ops->forward(&c);
    return status < 0 ? error_prefix(status, "%s (%s)", l->part->path, l->part->plugin->name)
                      : RN_OK;
}

static int call_loss(const struct recorder *r, bool backward)
{
    const struct model_layer *l = &r->m->layers[r->m->n_layers];
    struct rn_loss_call c = {.size = sizeof c,
                             .opts = l->part->opts,
                             .dev = r->dev,
                             .batch = r->rows,
                             .width = rn_count(&l->in),
                             .target_width = r->m->target_width,
                             .pred = data_of(r, r->at.act[r->m->n_layers]),
                             .target = data_of(r, r->at.target),
                             .loss = data_of(r, r->at.loss),
                             .weight = data_of(r, r->at.weight),
                             .buf = buffers_of(r, r->m->n_layers),
                             .scale = data_of(r, r->at.scale),
                             .dpred = data_of(r, r->at.grad[r->m->n_layers])};

    if (!c.buf)
        return RN_ENOMEM;
    const struct rn_loss_ops *ops = &l->part->plugin->ops.loss;
    int status = backward ? ops->backward(&c) : ops->forward(&c);
    return status < 0 ? error_prefix(status, "loss (%s)", l->part->plugin->name) : RN_OK;
}

/* to[block.u[from]] = the n values at data */
static int keep(const struct recorder *r, const rn_real *data, int64_t n, rn_real *to, uint8_t from)
{
    return rn_apply(
        r->dev, &copy,
        (struct rn_map_call){.rows = 1, .cols = n, .in = {data}, .out = {to}, .out_from = {from}});
}

/* What the epoch's curves are made of: loss, weight and right answers of this step. */
static int sum_step(const struct recorder *r)
{
    const struct step_io *io = r->io;
    rn_real *sum = data_of(r, r->at.sum_weight), *best = data_of(r, r->at.best);
    rn_real *correct = data_of(r, r->at.correct);
    struct rn_reduce all = {
        .rows = 1, .cols = r->rows, .op = RN_SUM, .over = RN_ONE, .out_from = U_STEP};

    TRY(rn_reduce(r->dev, RN_SUM, RN_ONE, 1, r->rows, data_of(r, r->at.weight), 0, sum));
    TRY(rn_apply(r->dev, &inverse,
                 (struct rn_map_call){.rows = 1,
                                      .cols = 1,
                                      .in = {sum},
                                      .out = {data_of(r, r->at.scale)},
                                      .arg = {1},
                                      .arg_from = {r->flags & STEP_SHARES ? F_SHARE : 0}}));
    TRY(keep(r, sum, 1, io->step_weight, U_STEP));
    all.in = data_of(r, r->at.loss);
    all.out = io->step_loss;
    TRY(r->dev->ops->reduce(r->dev, &all));
    if (!io->step_correct)
        return RN_OK;
    TRY(r->dev->ops->argmax(r->dev, r->rows, rn_count(&r->m->layers[r->m->n_layers].in),
                            data_of(r, r->at.act[r->m->n_layers]), best));
    TRY(rn_apply(
        r->dev, &equal,
        (struct rn_map_call){
            .rows = r->rows, .cols = 1, .in = {best, data_of(r, r->at.target)}, .out = {correct}}));
    all.in = correct;
    all.out = io->step_correct;
    return r->dev->ops->reduce(r->dev, &all);
}

static int training_part(const struct recorder *r)
{
    TRY(sum_step(r));
    TRY(call_loss(r, true));
    for (int i = r->m->n_layers - 1; i >= 0 && step_needs_grad(r->m, i + 1); i--)
        TRY(call_layer(r, i, true));
    return r->flags & STEP_UPDATES ? update_record(r->pool, r->m) : RN_OK;
}

static int evaluation_part(const struct recorder *r)
{
    const struct step_io *io = r->io;
    int64_t width = rn_count(&r->m->layers[r->m->n_layers].in);

    TRY(keep(r, data_of(r, r->at.loss), r->rows, io->row_loss, U_ROW));
    TRY(keep(r, data_of(r, r->at.weight), r->rows, io->row_weight, U_ROW));
    return keep(r, data_of(r, r->at.act[r->m->n_layers]), r->rows * width, io->scores, U_SCORE);
}

static int all_calls(const struct recorder *r)
{
    TRY(gather(r));
    for (int i = 0; i < r->m->n_layers; i++)
        TRY(call_layer(r, i, false));
    TRY(call_loss(r, false));
    return r->training ? training_part(r) : evaluation_part(r);
}

int step_record(struct pool *p, const struct model *m, unsigned flags, int64_t rows, void *arena,
                const struct step_io *io, struct rn_recording **out)
{
    struct recorder r = {.pool = p,
                         .m = m,
                         .dev = m->dev,
                         .io = io,
                         .arena = arena,
                         .rows = rows,
                         .flags = flags,
                         .training = flags & STEP_TRAINS};

    TRY(step_layout(p, m, r.training, rows, &r.at));
    TRY(m->dev->ops->capture_begin(m->dev));
    int status = all_calls(&r);
    int ended = m->dev->ops->capture_end(m->dev, out);
    if (status < 0 && ended >= 0) {
        m->dev->ops->discard(m->dev, *out);
        *out = NULL;
    }
    return status < 0 ? status : ended;
}
