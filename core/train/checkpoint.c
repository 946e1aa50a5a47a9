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

struct writer {
    struct pool *pool;
    const struct model *m;
    struct st_tensor *tensors;
    int n;
};

/* One tensor of count values: those at from, or what the view makes of them. */
static int add(struct writer *w, const char *name, const struct rn_shape *shape,
               const struct rn_view *view, const rn_real *from)
{
    int64_t n = rn_count(shape);
    float *to = pool_alloc(w->pool, (size_t)n * sizeof *to);
    const struct rn_shape *shown = view && view->rank ? &view->shape : shape;

    if (!to || !name)
        return RN_ENOMEM;
    if (view && view->rank)
        permute(view, from, to);
    else
        for (int64_t k = 0; k < n; k++)
            to[k] = (float)from[k];
    w->tensors[w->n++] = (struct st_tensor){name, shown->rank, shown->dim, to};
    return RN_OK;
}

static int fetch(struct writer *w, const rn_real *from, int64_t n, rn_real **out)
{
    *out = pool_alloc(w->pool, (size_t)(n ? n : 1) * sizeof **out);
    if (!*out)
        return RN_ENOMEM;
    return n ? w->m->dev->ops->download(w->m->dev, *out, from, (size_t)n * sizeof **out) : RN_OK;
}

/* "kind/dense1.weight", or "dense1.weight" when kind is NULL. */
static const char *tensor_name(struct writer *w, const char *kind, const char *name)
{
    return kind ? pool_printf(w->pool, "%s/%s", kind, name) : name;
}

/* Every parameter out of one of the flat arrays; shown: in the layout of exports. */
static int add_flat(struct writer *w, const char *kind, const rn_real *from, bool shown)
{
    rn_real *flat;

    TRY(fetch(w, from, w->m->flat, &flat));
    for (int i = 0; i < w->m->n_params; i++) {
        const struct model_param *p = &w->m->params[i];
        TRY(add(w, tensor_name(w, kind, p->name), &p->shape, shown ? &p->view : NULL,
                flat + p->offset));
    }
    return RN_OK;
}

static int add_buffers(struct writer *w, const char *kind, const rn_real *from)
{
    rn_real *kept;

    TRY(fetch(w, from, w->m->kept, &kept));
    for (int i = 0; i <= w->m->n_layers; i++)
        for (int k = 0; k < w->m->layers[i].n_buffers; k++) {
            const struct model_buffer *b = &w->m->layers[i].buffers[k];
            if (buffer_is_saved(b))
                TRY(add(w, tensor_name(w, kind, b->name), &b->shape, NULL, kept + b->offset));
        }
    return RN_OK;
}

static int writer_open(struct writer *w, const struct model *m)
{
    size_t buffers = 0, slots = 0;

    for (int i = 0; i <= m->n_layers; i++)
        buffers += (size_t)m->layers[i].n_buffers;
    for (int i = 0; i < m->n_watches; i++)
        slots += (size_t)m->watches[i].n_slots;
    size_t n = (size_t)m->n_params * (size_t)(1 + m->n_slots) + buffers + 1 +
               slots * ((size_t)m->n_params + buffers);
    *w = (struct writer){.pool = pool_new(), .m = m};
    w->tensors = w->pool ? pool_alloc(w->pool, n * sizeof *w->tensors) : NULL;
    return w->tensors ? RN_OK : RN_ENOMEM;
}

static int write_weights(struct writer *w, const char *path, const struct rn_fact *meta, int n_meta)
{
    TRY(add_flat(w, NULL, w->m->param, true));
    TRY(add_buffers(w, NULL, w->m->persistent));
    return safetensors_write(path, w->tensors, w->n, meta, n_meta);
}

int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta)
{
    struct writer w;
    int status = writer_open(&w, m);

    status = status ? status : write_weights(&w, path, meta, n_meta);
    pool_free(w.pool);
    return status;
}

/* Slot k of callback w: of parameters and of kept buffers. */
static int add_watch(struct writer *w, const struct model_watch *x, int k)
{
    const char *slot = x->part->plugin->ops.callback.slot_names[k];
    const char *kind = pool_printf(w->pool, "%s.%s", x->part->name, slot);

    if (!kind)
        return RN_ENOMEM;
    TRY(add_flat(w, kind, x->slots[k], false));
    return add_buffers(w, kind, x->slots[k] + w->m->flat);
}

static const char *hex(struct pool *p, const unsigned char *bytes, uint32_t n)
{
    char *s = pool_alloc(p, 2 * (size_t)n + 1);

    for (uint32_t i = 0; s && i < n; i++)
        snprintf(s + 2 * (size_t)i, 3, "%02x", bytes[i]);
    return s;
}

/* Those with a state, behind the n that are there; returns how many there are then. */
static int part_states(struct writer *w, const struct trainer *t, struct rn_fact *meta, int n)
{
    const void *state;
    const char *path;
    uint32_t bytes;

    for (int i = 0; (state = trainer_part_state(t, i, &path, &bytes)); i++) {
        if (!bytes)
            continue;
        meta[n].key = pool_printf(w->pool, "state/%s", path);
        meta[n].value = hex(w->pool, state, bytes);
        if (!meta[n].key || !meta[n].value)
            return RN_ENOMEM;
        n++;
    }
    return n;
}

static int position(struct writer *w, const struct trainer *t, struct rn_fact *meta)
{
    const struct trainer_state *s = trainer_state(t);
    const struct rn_fact facts[] = {
        {"seed", pool_printf(w->pool, "%llu", (unsigned long long)w->m->experiment->seed)},
        {"step", pool_printf(w->pool, "%lld", (long long)s->step)},
        {"epoch", pool_printf(w->pool, "%lld", (long long)s->epoch)},
        {"step_in_epoch", pool_printf(w->pool, "%lld", (long long)s->step_in_epoch)},
        {"updates", pool_printf(w->pool, "%lld", (long long)s->updates)},
        {"best_epoch", pool_printf(w->pool, "%lld", (long long)s->best_epoch)},
        {"best_val_loss", pool_printf(w->pool, "%.17g", s->best_val_loss)},
    };
    int n = (int)(sizeof facts / sizeof *facts);

    for (int i = 0; i < n; i++)
        if (!facts[i].value)
            return RN_ENOMEM;
    memcpy(meta, facts, sizeof facts);
    return part_states(w, t, meta, n);
}

static int write_state(struct writer *w, const struct trainer *t, const char *path)
{
    const struct experiment *e = w->m->experiment;
    const struct rn_optimizer_ops *ops = &e->optimizer.plugin->ops.optimizer;
    struct rn_fact *meta = pool_alloc(w->pool, (size_t)(10 + e->n_callbacks) * sizeof *meta);
    int n_meta = meta ? position(w, t, meta) : RN_ENOMEM;

    TRY(n_meta);
    TRY(add_flat(w, "param", w->m->param, false));
    for (int i = 0; i < w->m->n_slots; i++)
        TRY(add_flat(w, ops->slot_names[i], w->m->slots[i], false));
    TRY(add_buffers(w, "buffer", w->m->persistent));
    for (int i = 0; i < w->m->n_watches; i++)
        for (int k = 0; k < w->m->watches[i].n_slots; k++)
            TRY(add_watch(w, &w->m->watches[i], k));
    return safetensors_write(path, w->tensors, w->n, meta, n_meta);
}

int checkpoint_state(const struct model *m, const struct trainer *t, const char *path)
{
    struct writer w;
    int status = writer_open(&w, m);

    status = status ? status : write_state(&w, t, path);
    pool_free(w.pool);
    return status;
}
