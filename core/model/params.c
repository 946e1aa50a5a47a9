/* params.c - the flat parameter, gradient and slot arrays on the device, and the initial values. */
#include "step.h"

#include "base/error.h"
#include "base/rng.h"

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

static int alloc_flat(struct model *m, rn_real **out)
{
    void *p = NULL;
    int status = m->dev->ops->alloc(m->dev, (size_t)(m->flat ? m->flat : 1) * sizeof(rn_real), &p);

    *out = p;
    return status;
}

/* Says no beforehand: an operating system that promises more memory than it has kills later. */
static int check_memory(const struct model *m, int n_slots)
{
    struct rn_device_info info = {.size = sizeof info};
    struct step_layout l;
    double flat = (double)m->flat * (2 + n_slots) * sizeof(rn_real);

    TRY(m->dev->ops->info(m->dev, &info));
    TRY(step_layout(m->pool, m, true, m->experiment->train.batch_size, &l));
    if (!info.memory_bytes || flat + (double)l.bytes <= (double)info.memory_bytes)
        return RN_OK;
    return FAIL(RN_ENOMEM,
                "training needs %.1f GB for parameters and %.1f GB for a batch of %lld, and the "
                "device has %.1f GB: make the model or the batch smaller",
                flat * 1e-9, (double)l.bytes * 1e-9, (long long)m->experiment->train.batch_size,
                (double)info.memory_bytes * 1e-9);
}

int model_open(struct model *m, struct rn_device *dev)
{
    int n_slots = (int)m->experiment->optimizer.plugin->ops.optimizer.n_slots;
    void *p = NULL;

    m->dev = dev;
    m->slots = pool_alloc(m->pool, (size_t)(n_slots + 1) * sizeof *m->slots);
    if (!m->slots)
        return RN_ENOMEM;
    TRY(check_memory(m, n_slots));
    TRY(alloc_flat(m, &m->param));
    TRY(alloc_flat(m, &m->grad));
    for (; m->n_slots < n_slots; m->n_slots++)
        TRY(alloc_flat(m, &m->slots[m->n_slots]));
    if (m->kept) {
        TRY(dev->ops->alloc(dev, (size_t)m->kept * sizeof(rn_real), &p));
        m->persistent = p;
    }
    return m->flat ? draw_parameters(m) : RN_OK;
}

void model_close(struct model *m)
{
    if (!m || !m->dev)
        return;
    m->dev->ops->free(m->dev, m->param);
    m->dev->ops->free(m->dev, m->grad);
    m->dev->ops->free(m->dev, m->persistent);
    for (int i = 0; i < m->n_slots; i++)
        m->dev->ops->free(m->dev, m->slots[i]);
    m->dev = NULL;
}
