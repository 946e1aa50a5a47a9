/* checkpoint.c - writes what is on the device as safetensors files. */
#include "checkpoint.h"

#include "base/error.h"
#include "safetensors.h"

#include <stdio.h>
#include <string.h>

/* The exported array of a stored one: axes permuted as the view says. */
static void permute(const struct rn_view *v, const rn_real *from, float *to)
{
    int64_t stride[RN_MAX_RANK], at[RN_MAX_RANK] = {0}, n = 1;

    for (int i = v->rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= v->dim[i];
    }
    for (int64_t k = 0; k < n; k++) {
        int64_t source = 0;
        for (int i = 0; i < v->rank; i++)
            source += at[i] * stride[v->perm[i]];
        to[k] = (float)from[source];
        for (int i = v->rank - 1; i >= 0 && ++at[i] == v->dim[v->perm[i]]; i--)
            at[i] = 0;
    }
}

static float *exported(struct pool *p, const struct model_param *param, const rn_real *flat)
{
    int64_t n = rn_count(&param->shape);
    float *to = pool_alloc(p, (size_t)n * sizeof *to);

    if (!to)
        return NULL;
    if (param->view.rank)
        permute(&param->view, flat + param->offset, to);
    for (int64_t k = 0; !param->view.rank && k < n; k++)
        to[k] = (float)flat[param->offset + k];
    return to;
}

static rn_real *fetch(struct pool *p, const struct model *m, const rn_real *from)
{
    rn_real *host = pool_alloc(p, (size_t)(m->flat ? m->flat : 1) * sizeof *host);

    if (host && m->dev->ops->download(m->dev, host, from, (size_t)m->flat * sizeof *host) < 0)
        return NULL;
    return host;
}

static int write_weights(struct pool *p, const struct model *m, const char *path,
                         const struct rn_fact *meta, int n_meta)
{
    struct st_tensor *t = pool_alloc(p, (size_t)(m->n_params + 1) * sizeof *t);
    rn_real *flat = fetch(p, m, m->param);

    if (!t || !flat)
        return error_status();
    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *param = &m->params[i];
        const struct rn_shape *shape = param->view.rank ? &param->view.shape : &param->shape;
        t[i] = (struct st_tensor){param->name, shape->rank, shape->dim, exported(p, param, flat)};
        if (!t[i].data)
            return RN_ENOMEM;
    }
    return safetensors_write(path, t, m->n_params, meta, n_meta);
}

int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta)
{
    struct pool *p = pool_new();
    int status = p ? write_weights(p, m, path, meta, n_meta) : RN_ENOMEM;

    pool_free(p);
    return status;
}

/* One tensor for each parameter of each flat array: "param/dense1.weight", "mean/dense1.weight". */
static int add_flat(struct pool *p, const struct model *m, const char *kind, const rn_real *from,
                    struct st_tensor *t)
{
    rn_real *flat = fetch(p, m, from);

    if (!flat)
        return error_status();
    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *param = &m->params[i];
        struct model_param stored = *param;

        stored.view.rank = 0;
        t[i] = (struct st_tensor){pool_printf(p, "%s/%s", kind, param->name), param->shape.rank,
                                  param->shape.dim, exported(p, &stored, flat)};
        if (!t[i].name || !t[i].data)
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int write_state(struct pool *p, const struct model *m, const struct trainer_state *s,
                       const char *path)
{
    const struct experiment *e = m->experiment;
    const struct rn_optimizer_ops *ops = &e->optimizer.plugin->ops.optimizer;
    const struct rn_fact meta[] = {
        {"seed", pool_printf(p, "%llu", (unsigned long long)e->seed)},
        {"step", pool_printf(p, "%lld", (long long)s->step)},
        {"epoch", pool_printf(p, "%lld", (long long)s->epoch)},
        {"step_in_epoch", pool_printf(p, "%lld", (long long)s->step_in_epoch)},
        {"best_epoch", pool_printf(p, "%lld", (long long)s->best_epoch)},
        {"best_val_loss", pool_printf(p, "%.17g", s->best_val_loss)},
    };
    int n_meta = (int)(sizeof meta / sizeof *meta), n = m->n_params;
    struct st_tensor *t = pool_alloc(p, (size_t)(n * (1 + m->n_slots) + 1) * sizeof *t);

    if (!t)
        return RN_ENOMEM;
    for (int i = 0; i < n_meta; i++)
        if (!meta[i].value)
            return RN_ENOMEM;
    TRY(add_flat(p, m, "param", m->param, t));
    for (int i = 0; i < m->n_slots; i++)
        TRY(add_flat(p, m, ops->slot_names[i], m->slots[i], t + (i + 1) * n));
    return safetensors_write(path, t, n * (1 + m->n_slots), meta, n_meta);
}

int checkpoint_state(const struct model *m, const struct trainer_state *state, const char *path)
{
    struct pool *p = pool_new();
    int status = p ? write_state(p, m, state, path) : RN_ENOMEM;

    pool_free(p);
    return status;
}
