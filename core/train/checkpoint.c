/* checkpoint.c - writes the weights as a safetensors file. */
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

    if (!to)
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

static int add_params(struct writer *w)
{
    rn_real *flat;

    TRY(fetch(w, w->m->param, w->m->flat, &flat));
    for (int i = 0; i < w->m->n_params; i++) {
        const struct model_param *p = &w->m->params[i];
        TRY(add(w, p->name, &p->shape, &p->view, flat + p->offset));
    }
    return RN_OK;
}

static int add_buffers(struct writer *w)
{
    rn_real *kept;

    TRY(fetch(w, w->m->persistent, w->m->kept, &kept));
    for (int i = 0; i <= w->m->n_layers; i++)
        for (int k = 0; k < w->m->layers[i].n_buffers; k++) {
            const struct model_buffer *b = &w->m->layers[i].buffers[k];
            if (buffer_is_saved(b))
                TRY(add(w, b->name, &b->shape, NULL, kept + b->offset));
        }
    return RN_OK;
}

static int writer_open(struct writer *w, const struct model *m)
{
    size_t n = (size_t)m->n_params + 1;

    for (int i = 0; i <= m->n_layers; i++)
        n += (size_t)m->layers[i].n_buffers;
    *w = (struct writer){.pool = pool_new(), .m = m};
    w->tensors = w->pool ? pool_alloc(w->pool, n * sizeof *w->tensors) : NULL;
    return w->tensors ? RN_OK : RN_ENOMEM;
}

static int write_weights(struct writer *w, const char *path, const struct rn_fact *meta, int n_meta)
{
    TRY(add_params(w));
    TRY(add_buffers(w));
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
