/* params.c - the flat parameter, gradient and slot arrays on the device, and the initial values. */
#include "step.h"

#include "base/error.h"
#include "base/rng.h"

#define MODEL_ALIGN 512 /* what an array may take beyond its values */

static double initial(const struct rn_init *init, uint64_t key, uint64_t i)
{
    switch (init->rule) {
    case RN_INIT_UNIFORM: return (2.0 * (double)rn_uniform(key, 0, i) - 1.0) * init->scale;
    case RN_INIT_NORMAL: return rng_normal(key, i) * init->scale;
    default: return init->scale;
    }
}

static int draw_parameters(struct model *m)
{
    rn_real *host = mem_array((size_t)m->flat, sizeof *host);

    if (!host)
        return RN_ENOMEM;
    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *p = &m->params[i];
        uint64_t key = rng_key(m->experiment->seed, RNG_INIT, (uint64_t)i);
        for (int64_t k = 0; k < rn_count(&p->shape); k++)
            host[p->offset + k] = (rn_real)initial(&p->init, key, (uint64_t)k);
    }
    int status = m->dev->ops->upload(m->dev, m->param, host, (size_t)m->flat * sizeof *host);
    status = status ? status : m->dev->ops->sync(m->dev);
    mem_free(host);
    return status;
}

/* What buffers hold before the first step: constants their values, others 0 or 1. */
static int start_buffers(struct model *m)
{
    size_t bytes = (size_t)m->kept * sizeof(rn_real);
    rn_real *host = mem_array((size_t)m->kept, sizeof *host);

    if (!host)
        return RN_ENOMEM;
    for (int i = 0; i <= m->n_layers; i++)
        for (int k = 0; k < m->layers[i].n_buffers; k++) {
            const struct model_buffer *b = &m->layers[i].buffers[k];
            for (int64_t j = 0; b->life == RN_PERSISTENT && j < rn_count(&b->shape); j++)
                host[b->offset + j] = b->values            ? (rn_real)b->values[j]
                                      : b->flags & RN_ONES ? 1
                                                           : 0;
        }
    int status = m->dev->ops->upload(m->dev, m->persistent, host, bytes);
    status = status < 0 ? status : m->dev->ops->sync(m->dev);
    mem_free(host);
    return status;
}

static int alloc_flat(struct model *m, rn_real **out)
{
    void *p = NULL;
    int status = m->dev->ops->alloc(m->dev, (size_t)(m->flat ? m->flat : 1) * sizeof(rn_real), &p);

    *out = p;
    return status;
}

RN_MAP(take, 1, 1, 0, y0 = x0;);

static int copy_into(const struct model *m, const rn_real *from, int64_t n, rn_real *to)
{
    if (!n)
        return RN_OK;
    return rn_apply(m->dev, &take,
                    (struct rn_map_call){.rows = 1, .cols = n, .in = {from}, .out = {to}});
}

static int open_watch(struct model *m, const struct part *part)
{
    struct model_watch *w = &m->watches[m->n_watches];
    int n_slots = (int)part->plugin->ops.callback.n_slots;

    *w = (struct model_watch){.part = part,
                              .scalar_from = (uint32_t)(F_WATCH + RN_SCALARS * m->n_watches),
                              .slots = pool_alloc(m->pool, (size_t)n_slots * sizeof *w->slots)};
    if (!w->slots)
        return RN_ENOMEM;
    m->n_watches++;
    for (; w->n_slots < n_slots; w->n_slots++) {
        void *p = NULL;
        TRY(m->dev->ops->alloc(m->dev, (size_t)(m->flat + m->kept) * sizeof(rn_real), &p));
        w->slots[w->n_slots] = p;
        TRY(copy_into(m, m->param, m->flat, p));
        TRY(copy_into(m, m->persistent, m->kept, (rn_real *)p + m->flat));
    }
    return RN_OK;
}

static int open_watches(struct model *m)
{
    const struct experiment *e = m->experiment;

    m->watches = pool_alloc(m->pool, (size_t)(e->n_callbacks + 1) * sizeof *m->watches);
    if (!m->watches)
        return RN_ENOMEM;
    for (int i = 0; i < e->n_callbacks; i++) {
        if (!e->callbacks[i].plugin->ops.callback.n_slots || !(m->flat + m->kept))
            continue;
        if (m->n_watches == WATCHES_MAX)
            return FAIL(RN_EINVAL, "%s: more than %d callbacks that keep values for each parameter",
                        e->callbacks[i].path, (int)WATCHES_MAX);
        TRY(open_watch(m, &e->callbacks[i]));
    }
    return RN_OK;
}

int64_t model_bytes(const struct model *m)
{
    const struct experiment *e = m->experiment;
    int64_t arrays = 2 + (int64_t)e->optimizer.plugin->ops.optimizer.n_slots, watches = 0;
    int64_t norm = e->train.clip_norm > 0 ? update_norm_count(m) : 0;

    for (int i = 0; i < e->n_callbacks; i++)
        watches += (int64_t)e->callbacks[i].plugin->ops.callback.n_slots;
    int64_t values = m->flat * arrays + m->kept + norm + (m->flat + m->kept) * watches;
    return values * (int64_t)sizeof(rn_real) + (arrays + watches + 2) * MODEL_ALIGN;
}

int model_open(struct model *m, struct rn_device *dev)
{
    int n_slots = (int)m->experiment->optimizer.plugin->ops.optimizer.n_slots;
    void *p = NULL;

    m->dev = dev;
    m->slots = pool_alloc(m->pool, (size_t)(n_slots + 1) * sizeof *m->slots);
    if (!m->slots)
        return RN_ENOMEM;
    TRY(alloc_flat(m, &m->param));
    TRY(alloc_flat(m, &m->grad));
    for (; m->n_slots < n_slots; m->n_slots++)
        TRY(alloc_flat(m, &m->slots[m->n_slots]));
    if (m->kept) {
        TRY(dev->ops->alloc(dev, (size_t)m->kept * sizeof(rn_real), &p));
        m->persistent = p;
        TRY(start_buffers(m));
    }
    if (m->experiment->train.clip_norm > 0) {
        TRY(dev->ops->alloc(dev, (size_t)update_norm_count(m) * sizeof(rn_real), &p));
        m->norm = p;
    }
    TRY(m->flat ? draw_parameters(m) : RN_OK);
    return open_watches(m);
}

void model_close(struct model *m)
{
    if (!m || !m->dev)
        return;
    m->dev->ops->free(m->dev, m->param);
    m->dev->ops->free(m->dev, m->grad);
    m->dev->ops->free(m->dev, m->persistent);
    m->dev->ops->free(m->dev, m->norm);
    for (int i = 0; i < m->n_slots; i++)
        m->dev->ops->free(m->dev, m->slots[i]);
    for (int i = 0; i < m->n_watches; i++)
        for (int k = 0; k < m->watches[i].n_slots; k++)
            m->dev->ops->free(m->dev, m->watches[i].slots[k]);
    m->dev = NULL;
}
