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

struct probe { /* what step_probe() was given, and what came of it */
    const struct rn_block *block;
    step_look *look;
    void *ctx;
    int result;
};

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
    struct probe *probe; /* NULL: recorded as a whole */
};

typedef int step_call(const struct recorder *r, int layer);

static rn_real *data_of(const struct recorder *r, int item)
{
    return item < 0 ? NULL : (rn_real *)(void *)(r->arena + r->at.items[item].offset);
}

static struct rn_tensor tensor(rn_real *data, struct rn_shape shape)
{
    return (struct rn_tensor){data, shape};
}

static int gather(const struct recorder *r, int i)
{
    (void)i;
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

/* The inputs of a layer, or where backward is to write their gradients. */
static struct rn_tensor *inputs_of(const struct recorder *r, int i, bool gradients)
{
    const struct model_layer *l = &r->m->layers[i];
    struct rn_tensor *t = pool_alloc(r->pool, (size_t)l->n_from * sizeof *t);

    for (int j = 0; t && j < l->n_from; j++)
        t[j] = tensor(data_of(r, gradients ? r->at.din[i][j].item : r->at.act[l->from[j]]),
                      *model_shape(r->m, l->from[j]));
    return t;
}

static rn_real *betas_of(const struct recorder *r, int i)
{
    int n = r->m->layers[i].n_from;
    rn_real *beta = pool_alloc(r->pool, (size_t)n * sizeof *beta);

    for (int j = 0; beta && j < n; j++)
        beta[j] = r->at.din[i][j].adds ? 1 : 0;
    return beta;
}

static int call_layer(const struct recorder *r, int i, bool backward)
{
    const struct model_layer *l = &r->m->layers[i];
    const struct rn_layer_ops *ops = &l->part->plugin->ops.layer;
    struct rn_tensor out = tensor(data_of(r, r->at.act[i + 1]), l->out);
    struct rn_tensor dout = tensor(data_of(r, r->at.grad[i + 1]), l->out);

    if (ops->flags & RN_LAYER_VIEW)
        return RN_OK;
    struct rn_call c = {.size = sizeof c,
                        .training = r->training,
                        .dparam_beta = r->flags & STEP_ADDS ? 1 : 0,
                        .opts = l->part->opts,
                        .dev = r->dev,
                        .batch = r->rows,
                        .in = inputs_of(r, i, false),
                        .out = &out,
                        .param = params_of(r, i, r->m->param),
                        .buf = buffers_of(r, i),
                        .dout = &dout,
                        .din = inputs_of(r, i, true),
                        .dparam = params_of(r, i, r->m->grad),
                        .din_beta = betas_of(r, i),
                        .draw_from = U_DRAW,
                        .key = rng_key(r->m->experiment->seed, RNG_LAYER, (uint64_t)i)};

    if (!c.in || !c.param || !c.buf || !c.din || !c.dparam || !c.din_beta)
        return RN_ENOMEM;
    int status = backward ? ops->backward(&c) : ops->forward(&c);
    return status < 0 ? error_prefix(status, "%s (%s)", l->part->path, l->part->plugin->name)
                      : RN_OK;
}

static int forward(const struct recorder *r, int i) { return call_layer(r, i, false); }

static int backward(const struct recorder *r, int i)
{
    const struct model_layer *l = &r->m->layers[i];

    TRY(call_layer(r, i, true));
    for (int j = 0; j < l->n_from; j++) {
        const struct step_din *din = &r->at.din[i][j];
        if (!din->apart)
            continue;
        TRY(rn_apply(r->dev, &copy,
                     (struct rn_map_call){.rows = r->rows,
                                          .cols = rn_count(model_shape(r->m, l->from[j])),
                                          .in = {data_of(r, din->item)},
                                          .out = {data_of(r, r->at.grad[l->from[j]])},
                                          .beta = {1}}));
    }
    return RN_OK;
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

static int loss_forward(const struct recorder *r, int i)
{
    (void)i;
    return call_loss(r, false);
}

static int loss_backward(const struct recorder *r, int i)
{
    (void)i;
    return call_loss(r, true);
}

/* to[block.u[from]] = the n values at data */
static int keep(const struct recorder *r, const rn_real *data, int64_t n, rn_real *to, uint8_t from)
{
    return rn_apply(
        r->dev, &copy,
        (struct rn_map_call){.rows = 1, .cols = n, .in = {data}, .out = {to}, .out_from = {from}});
}

/* What the epoch's curves are made of: loss, weight and right answers of this step. */
static int sum_step(const struct recorder *r, int i)
{
    (void)i;
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

static int update(const struct recorder *r, int i)
{
    (void)i;
    return update_record(r->pool, r->m);
}

static int evaluation_part(const struct recorder *r, int i)
{
    (void)i;
    const struct step_io *io = r->io;
    int64_t width = rn_count(&r->m->layers[r->m->n_layers].in);

    TRY(keep(r, data_of(r, r->at.loss), r->rows, io->row_loss, U_ROW));
    TRY(keep(r, data_of(r, r->at.weight), r->rows, io->row_weight, U_ROW));
    return keep(r, data_of(r, r->at.act[r->m->n_layers]), r->rows * width, io->scores, U_SCORE);
}

/* ---- looking ------------------------------------------------------------------------ */

static int look_at(const struct recorder *r, const char *layer, const char *phase,
                   const rn_real *data, int64_t n)
{
    struct probe *p = r->probe;

    if (!p->result && data && n)
        p->result = p->look(p->ctx, layer, phase, data, n);
    return p->result < 0 ? p->result : RN_OK;
}

static int look_at_params(const struct recorder *r, int layer, const char *phase,
                          const rn_real *flat)
{
    const struct model_layer *l = &r->m->layers[layer];

    for (int k = 0; k < l->n_params; k++) {
        const struct model_param *p = &r->m->params[l->first_param + k];
        TRY(look_at(r, l->part->path, phase, flat + p->offset, rn_count(&p->shape)));
    }
    return RN_OK;
}

static int look_at_value(const struct recorder *r, const char *layer, const char *phase, int item,
                         int value)
{
    return look_at(r, layer, phase, data_of(r, item), r->rows * rn_count(model_shape(r->m, value)));
}

/* What the call wrote. */
static int look_behind(const struct recorder *r, step_call *call, int i)
{
    const struct model *m = r->m;
    const struct model_layer *l = &m->layers[i];

    if (call == gather)
        return look_at_value(r, "data", "forward", r->at.act[0], 0);
    if (call == forward)
        return look_at_value(r, l->part->path, "forward", r->at.act[i + 1], i + 1);
    if (call == loss_forward)
        return look_at(r, "loss", "forward", data_of(r, r->at.loss), r->rows);
    if (call == loss_backward)
        return look_at_value(r, "loss", "backward", r->at.grad[m->n_layers], m->n_layers);
    if (call == backward) {
        for (int j = 0; j < l->n_from; j++)
            TRY(look_at_value(r, l->part->path, "backward", r->at.din[i][j].item, l->from[j]));
        return look_at_params(r, i, "backward", m->grad);
    }
    for (int k = 0; call == update && k < m->n_layers; k++)
        TRY(look_at_params(r, k, "update", m->param));
    return RN_OK;
}

/* ---- all of it ---------------------------------------------------------------------- */

static const struct call_name {
    step_call *call;
    const char *layer, *pass; /* layer NULL: it is a layer's, behind the last the optimizer's */
} call_names[] = {
    {gather, "data", "gather"},
    {forward, NULL, "forward"},
    {loss_forward, "loss", "forward"},
    {sum_step, "loss", "sums"},
    {loss_backward, "loss", "backward"},
    {backward, NULL, "backward"},
    {update, NULL, "update"},
    {evaluation_part, "loss", "scores"},
};
enum { CALLS = sizeof call_names / sizeof *call_names, LAYER_BITS = 24 };

void step_tag_names(const struct model *m, uint32_t tag, const char **layer, const char **pass)
{
    uint32_t call = tag >> LAYER_BITS, i = tag & ((1u << LAYER_BITS) - 1);

    *layer = *pass = "";
    if (call >= CALLS)
        return;
    *layer = call_names[call].layer;
    *pass = call_names[call].pass;
    if (!*layer)
        *layer = i < (uint32_t)m->n_layers ? m->layers[i].name : "optimizer";
}

static void set_tag(struct rn_device *d, step_call *call, int i)
{
    for (uint32_t k = 0; d->ops->tag && k < CALLS; k++)
        if (call_names[k].call == call)
            d->ops->tag(d, k << LAYER_BITS | (uint32_t)i);
}

void step_tag_update(const struct model *m, int layer) { set_tag(m->dev, update, layer); }

/* Records the call; for a probe, also does it and shows what it wrote. */
static int go(const struct recorder *r, step_call *call, int i)
{
    struct rn_recording *recording = NULL;
    const struct rn_device_ops *ops = r->dev->ops;

    set_tag(r->dev, call, i);
    if (!r->probe)
        return call(r, i);
    if (r->probe->result)
        return RN_OK;
    TRY(ops->capture_begin(r->dev));
    int status = call(r, i), ended = ops->capture_end(r->dev, &recording);
    status = status < 0 ? status : ended;
    status = status < 0 ? status : ops->replay(r->dev, recording, r->probe->block);
    status = status < 0 ? status : ops->sync(r->dev);
    if (ended >= 0)
        ops->discard(r->dev, recording);
    return status < 0 ? status : look_behind(r, call, i);
}

static int all_calls(const struct recorder *r)
{
    int n = r->m->n_layers;

    TRY(go(r, gather, 0));
    for (int i = 0; i < n; i++)
        TRY(go(r, forward, i));
    TRY(go(r, loss_forward, n));
    if (!r->training)
        return go(r, evaluation_part, n);
    TRY(go(r, sum_step, n));
    TRY(go(r, loss_backward, n));
    for (int i = n - 1; i >= 0; i--)
        if (step_needs_grad(r->m, i + 1))
            TRY(go(r, backward, i));
    return r->flags & STEP_UPDATES ? go(r, update, n) : RN_OK;
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

int step_probe(struct pool *p, const struct model *m, unsigned flags, int64_t rows, void *arena,
               const struct step_io *io, const struct rn_block *block, step_look *look, void *ctx)
{
    struct probe probe = {block, look, ctx, 0};
    struct recorder r = {.pool = p,
                         .m = m,
                         .dev = m->dev,
                         .io = io,
                         .arena = arena,
                         .rows = rows,
                         .flags = flags,
                         .training = flags & STEP_TRAINS,
                         .probe = &probe};

    TRY(step_layout(p, m, r.training, rows, &r.at));
    int status = all_calls(&r);
    return status < 0 ? status : probe.result;
}
