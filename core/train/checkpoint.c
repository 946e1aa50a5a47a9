/* checkpoint.c - weights to a safetensors file and back. */
#include "checkpoint.h"

#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* Between a stored array and the exported one, whose axes are permuted as the view says. */
static void permute(const struct rn_view *v, rn_real *stored, float *shown, bool back)
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
        if (back)
            stored[source] = (rn_real)shown[k];
        else
            shown[k] = (float)stored[source];
        for (int i = v->rank - 1; i >= 0 && ++at[i] == v->dim[v->perm[i]]; i--)
            at[i] = 0;
    }
}

/* One tensor of count values: those at from, or what the view makes of them. */
static int add(struct weights *w, const char *name, const struct rn_shape *shape,
               const struct rn_view *view, rn_real *from)
{
    int64_t n = rn_count(shape);
    float *to = pool_alloc(w->pool, (size_t)n * sizeof *to);
    const struct rn_shape *shown = view && view->rank ? &view->shape : shape;

    if (!to)
        return RN_ENOMEM;
    if (view && view->rank)
        permute(view, from, to, false);
    else
        for (int64_t k = 0; k < n; k++)
            to[k] = (float)from[k];
    w->tensors[w->n++] = (struct st_tensor){name, shown->rank, shown->dim, to};
    return RN_OK;
}

static int fetch(struct weights *w, const rn_real *from, int64_t n, rn_real **out)
{
    *out = pool_alloc(w->pool, (size_t)(n ? n : 1) * sizeof **out);
    if (!*out)
        return RN_ENOMEM;
    return n ? w->m->dev->ops->download(w->m->dev, *out, from, (size_t)n * sizeof **out) : RN_OK;
}

static int add_params(struct weights *w)
{
    rn_real *flat;

    TRY(fetch(w, w->m->param, w->m->flat, &flat));
    for (int i = 0; i < w->m->n_params; i++) {
        const struct model_param *p = &w->m->params[i];
        TRY(add(w, p->name, &p->shape, &p->view, flat + p->offset));
    }
    return RN_OK;
}

static int add_buffers(struct weights *w)
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

static int weights_open(struct weights *w, const struct model *m)
{
    size_t n = (size_t)m->n_params + 1;

    for (int i = 0; i <= m->n_layers; i++)
        n += (size_t)m->layers[i].n_buffers;
    *w = (struct weights){.pool = pool_new(), .m = m};
    w->tensors = w->pool ? pool_alloc(w->pool, n * sizeof *w->tensors) : NULL;
    return w->tensors ? RN_OK : RN_ENOMEM;
}

int checkpoint_collect(const struct model *m, struct weights *out)
{
    TRY(weights_open(out, m));
    TRY(add_params(out));
    return add_buffers(out);
}

void weights_free(struct weights *w)
{
    pool_free(w->pool);
    *w = (struct weights){0};
}

int checkpoint_weights(const struct model *m, const char *path, const struct rn_fact *meta,
                       int n_meta)
{
    struct weights w;
    int status = checkpoint_collect(m, &w);

    if (!status)
        status = safetensors_write(path, w.tensors, w.n, meta, n_meta);
    weights_free(&w);
    return status;
}

/* ---- the other way round --------------------------------------------------------------------- */

enum { TOLD_MAX = 24 }; /* tensors that do not fit */

struct reader {
    const struct safetensors *st;
    const char *path;
    rn_real *param, *kept; /* NULL: only whether it fits */
    struct text why;       /* what does not, a line each */
    int wrong;
    bool *used; /* of each tensor of the file */
};

static bool same_shape(const struct st_tensor *t, const struct rn_shape *s)
{
    return t->rank == s->rank && !memcmp(t->dim, s->dim, (size_t)s->rank * sizeof *t->dim);
}

static const char *dims_text(int rank, const int64_t *dim, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? ", " : "", (long long)dim[i]);
    return out;
}

static bool is_told(struct reader *r) { return r->wrong++ < TOLD_MAX; }

static void get(struct reader *r, const char *name, const struct rn_shape *shape,
                const struct rn_view *view, rn_real *to)
{
    const struct rn_shape *shown = view && view->rank ? &view->shape : shape;
    char there[SHAPE_TEXT], here[SHAPE_TEXT];
    const struct st_tensor *t = NULL;

    dims_text(shown->rank, shown->dim, here, sizeof here);
    for (int i = 0; i < r->st->n && !t; i++)
        if (!strcmp(r->st->tensors[i].name, name)) {
            t = &r->st->tensors[i];
            r->used[i] = true;
        }
    if (!t) {
        if (is_told(r))
            text_add(&r->why, "\n  %s [%s] is missing", name, here);
        return;
    }
    if (!same_shape(t, shown)) {
        if (is_told(r))
            text_add(&r->why, "\n  %s is [%s], the model's is [%s]", name,
                     dims_text(t->rank, t->dim, there, sizeof there), here);
        return;
    }
    if (!to)
        return;
    if (view && view->rank)
        permute(view, to, (float *)(uintptr_t)t->data, true);
    else
        for (int64_t k = 0; k < rn_count(shape); k++)
            to[k] = (rn_real)t->data[k];
}

static void get_model(struct reader *r, const struct model *m)
{
    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *p = &m->params[i];
        get(r, p->name, &p->shape, &p->view, r->param ? r->param + p->offset : NULL);
    }
    for (int i = 0; i <= m->n_layers; i++)
        for (int k = 0; k < m->layers[i].n_buffers; k++) {
            const struct model_buffer *b = &m->layers[i].buffers[k];
            if (buffer_is_saved(b))
                get(r, b->name, &b->shape, NULL, r->kept ? r->kept + b->offset : NULL);
        }
}

static bool is_counter(const char *name)
{
    static const char end[] = ".num_batches_tracked";
    size_t n = strlen(name), m = sizeof end - 1;

    return n > m && !strcmp(name + n - m, end);
}

/* Every tensor of the model is in the file, and the other way round. */
static int get_all(struct reader *r, const struct model *m)
{
    char there[SHAPE_TEXT];
    int counters = 0;

    if (!(r->used = mem_array((size_t)r->st->n + 1, sizeof *r->used)))
        return RN_ENOMEM;
    get_model(r, m);
    for (int i = 0; i < r->st->n; i++)
        if (!r->used[i] && is_told(r))
            text_add(&r->why, "\n  %s [%s] is not of the model", r->st->tensors[i].name,
                     dims_text(r->st->tensors[i].rank, r->st->tensors[i].dim, there, sizeof there));
    for (int i = 0; i < r->st->n_counters; i++) {
        counters += is_counter(r->st->counters[i]);
        if (!is_counter(r->st->counters[i]) && is_told(r))
            text_add(&r->why, "\n  %s holds whole numbers and is not of the model",
                     r->st->counters[i]);
    }
    mem_free(r->used);
    if (counters && !r->wrong && r->param)
        log_line(RN_INFO, NULL, "%s: %d counters of batches (num_batches_tracked) are passed over",
                 r->path, counters);
    if (r->wrong > TOLD_MAX)
        text_add(&r->why, "\n  and %d more", r->wrong - TOLD_MAX);
    int status = r->why.status;
    if (!status && r->wrong)
        status = FAIL(RN_EDATA, "%s does not fit the model, by names and shapes of PyTorch:%s",
                      r->path, text_str(&r->why));
    text_free(&r->why);
    return status;
}

/* Only when all is there does the model change. */
static int read_model(struct weights *w, struct reader *r)
{
    const struct model *m = w->m;

    TRY(fetch(w, m->param, m->flat, &r->param));
    TRY(fetch(w, m->persistent, m->kept, &r->kept));
    TRY(get_all(r, m));
    TRY(m->dev->ops->upload(m->dev, m->param, r->param, (size_t)m->flat * sizeof *r->param));
    if (m->kept)
        TRY(m->dev->ops->upload(m->dev, m->persistent, r->kept, (size_t)m->kept * sizeof *r->kept));
    return m->dev->ops->sync(m->dev);
}

int checkpoint_read(const struct model *m, const char *path, bool *verified)
{
    struct safetensors st;
    struct weights w = {0};

    TRY(safetensors_read_foreign(path, &st));
    struct reader r = {.st = &st, .path = path};
    *verified = st.verified;
    int status = weights_open(&w, m);
    status = status ? status : read_model(&w, &r);
    weights_free(&w);
    safetensors_free(&st);
    return status;
}

int checkpoint_fits(const struct model *m, const char *path)
{
    struct safetensors st;

    TRY(safetensors_read_foreign(path, &st));
    struct reader r = {.st = &st, .path = path};
    int status = get_all(&r, m);
    safetensors_free(&st);
    return status;
}
