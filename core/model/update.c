/* update.c - what follows the gradients: clipping, the optimizer, and the slots of callbacks. */
#include "step.h"

#include "base/error.h"

#define NORM_COLS 1024 /* a multiple of the flat arrays' alignment */

/* x0 sum of squares, a0 the largest norm: torch.nn.utils.clip_grad_norm_ */
RN_MAP(clip_factor, 1, 1, 0, const rn_real f = a0 / (sqrtf(x0) + 1e-6f); y0 = f < 1 ? f : 1;);
RN_MAP(times, 2, 1, 0, y0 = x0 * x1;);
RN_MAP(clamp, 1, 1, 0, y0 = x0 > a0 ? a0 : x0 < -a0 ? -a0 : x0;); /* NaN stays */

int64_t update_norm_count(const struct model *m) { return m->flat / NORM_COLS + 3; }

/* Sums of the squares of NORM_COLS values each, which threads share, then of those. */
static int gradient_norm(const struct model *m, rn_real **out)
{
    int64_t rows = m->flat / NORM_COLS, rest = m->flat - rows * NORM_COLS;

    if (rows)
        TRY(rn_reduce(m->dev, RN_SUM_SQUARES, RN_PER_ROW, rows, NORM_COLS, m->grad, 0, m->norm));
    if (rest)
        TRY(rn_reduce(m->dev, RN_SUM_SQUARES, RN_ONE, 1, rest, m->grad + rows * NORM_COLS, 0,
                      m->norm + rows));
    *out = m->norm + rows + 1;
    return rn_reduce(m->dev, RN_SUM, RN_ONE, 1, rows + (rest > 0), m->norm, 0, *out);
}

static int over_gradient(const struct model *m, const struct rn_map *map, const rn_real *factor,
                         double arg)
{
    return rn_apply(m->dev, map,
                    (struct rn_map_call){.rows = 1,
                                         .cols = m->flat,
                                         .in = {m->grad, factor},
                                         .span = {RN_EACH, RN_ONE},
                                         .out = {m->grad},
                                         .arg = {(rn_real)arg}});
}

static int clip(const struct model *m)
{
    double norm = m->experiment->train.clip_norm, value = m->experiment->train.clip_value;
    rn_real *at;

    if (norm > 0) {
        TRY(gradient_norm(m, &at));
        TRY(rn_apply(
            m->dev, &clip_factor,
            (struct rn_map_call){
                .rows = 1, .cols = 1, .in = {at}, .out = {at + 1}, .arg = {(rn_real)norm}}));
        TRY(over_gradient(m, &times, at + 1, 0));
    }
    return value > 0 ? over_gradient(m, &clamp, NULL, value) : RN_OK;
}

/* One long row, whatever the shape: a thread then streams one stretch of the flat arrays, which
 * took a tenth off the epoch of the baseline, where its own columns are short pieces of every row.
 */
static struct rn_update update_of(struct pool *p, const struct model *m, rn_real **slots,
                                  int n_slots, int64_t offset, int64_t n)
{
    rn_real **slot = pool_alloc(p, (size_t)(n_slots + 1) * sizeof *slot);

    for (int k = 0; slot && k < n_slots; k++)
        slot[k] = slots[k] + offset;
    return (struct rn_update){
        .size = sizeof(struct rn_update), .dev = m->dev, .rows = 1, .cols = n, .slot = slot};
}

static int update_params(struct pool *p, const struct model *m)
{
    const struct part *part = &m->experiment->optimizer;

    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *q = &m->params[i];
        struct rn_update u = update_of(p, m, m->slots, m->n_slots, q->offset, rn_count(&q->shape));

        u.decays = !(q->flags & RN_NO_DECAY);
        u.opts = part->opts;
        u.param = m->param + q->offset;
        u.grad = m->grad + q->offset;
        u.scalar_from = F_SCALARS;
        step_tag_update(m, q->layer);
        int status = u.slot ? part->plugin->ops.optimizer.record(&u) : RN_ENOMEM;
        if (status < 0)
            return error_prefix(status, "optimizer (%s)", part->plugin->name);
    }
    return RN_OK;
}

/* The parameters, padding and all, and the kept buffers: one row each. */
static int update_watch(struct pool *p, const struct model *m, const struct model_watch *w)
{
    rn_real *at[2] = {m->param, m->persistent};
    int64_t n[2] = {m->flat, m->kept}, offset = 0;

    for (int i = 0; i < 2; offset += n[i++]) {
        struct rn_update u = update_of(p, m, w->slots, w->n_slots, offset, n[i]);
        if (!n[i])
            continue;
        u.opts = w->part->opts;
        u.param = at[i];
        u.grad = i ? NULL : m->grad;
        u.scalar_from = w->scalar_from;
        int status = u.slot ? w->part->plugin->ops.callback.record(&u) : RN_ENOMEM;
        if (status < 0)
            return error_prefix(status, "%s (%s)", w->part->path, w->part->plugin->name);
    }
    return RN_OK;
}

int update_record(struct pool *p, const struct model *m)
{
    TRY(clip(m));
    TRY(update_params(p, m));
    step_tag_update(m, m->n_layers);
    for (int i = 0; i < m->n_watches; i++)
        TRY(update_watch(p, m, &m->watches[i]));
    return RN_OK;
}
