/* model.c - unfolds the layers into one list and calls each one's plan() in turn: shapes,
 * parameters, buffers. */
#include "model.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define ALIGN 16 /* elements: no cache line belongs to two parameters */

struct planning { /* what plan()'s callbacks work on */
    struct model *model;
    int layer;
};

const char *shape_text(const struct rn_shape *s, char out[SHAPE_TEXT])
{
    int n = 0;
    bool image = s->channels && s->rank == 3; /* height, width, channels in memory */

    snprintf(out, SHAPE_TEXT, "1");
    for (int i = 0; i < s->rank && n < SHAPE_TEXT - 24; i++)
        n += snprintf(out + n, (size_t)(SHAPE_TEXT - n), "%s%lld", i ? "x" : "",
                      (long long)s->dim[image ? (i + 2) % 3 : i]);
    return out;
}

int model_check_shape(const struct rn_shape *s)
{
    char text[SHAPE_TEXT];
    int64_t n = 1;

    if (s->rank < 0 || s->rank > RN_MAX_RANK)
        return FAIL(RN_EPLUGIN, "a shape of rank %d, expected 0 to %d", s->rank, RN_MAX_RANK);
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < 1 || __builtin_mul_overflow(n, s->dim[i], &n) || n > INT32_MAX)
            return FAIL(RN_ESHAPE, "a tensor of %s elements, expected 1 to %d", shape_text(s, text),
                        INT32_MAX);
    return RN_OK;
}

/* An export view permutes all of the stored elements. */
static int check_view(const struct rn_view *v, const struct rn_shape *stored)
{
    int64_t n = 1;
    unsigned seen = 0;

    if (!v || !v->rank)
        return RN_OK;
    TRY(model_check_shape(&v->shape));
    for (int i = 0; v->rank > 0 && v->rank <= RN_MAX_RANK && i < v->rank; i++) {
        if (v->dim[i] < 1 || v->perm[i] < 0 || v->perm[i] >= v->rank ||
            __builtin_mul_overflow(n, v->dim[i], &n))
            return FAIL(RN_EPLUGIN, "a view that does not fit its parameter");
        seen |= 1u << v->perm[i];
    }
    if (v->rank < 0 || v->rank > RN_MAX_RANK || seen != (1u << v->rank) - 1 ||
        n != rn_count(stored) || n != rn_count(&v->shape))
        return FAIL(RN_EPLUGIN, "a view that does not fit its parameter");
    return RN_OK;
}

/* Room for one more than n in an array that grows by eights in a pool; NULL: out of memory. */
static void *grown(struct pool *p, void *old, int n, size_t size)
{
    if (n % 8)
        return old;
    void *out = pool_alloc(p, (size_t)(n + 8) * size);
    if (out && n)
        memcpy(out, old, (size_t)n * size);
    return out;
}

static int plan_param(struct rn_plan *p, const char *name, struct rn_shape shape,
                      struct rn_init init, const struct rn_view *view, uint32_t flags)
{
    struct planning *g = p->core;
    struct model *m = g->model;
    struct model_layer *l = &m->layers[g->layer];

    TRY(model_check_shape(&shape));
    TRY(check_view(view, &shape));
    m->params = grown(m->pool, m->params, m->n_params, sizeof *m->params);
    char *full = m->params ? pool_printf(m->pool, "%s.%s", l->name, name) : NULL;
    if (!full)
        return RN_ENOMEM;
    m->params[m->n_params++] = (struct model_param){
        full, shape, init, view ? *view : (struct rn_view){0}, flags, m->flat, g->layer};
    m->flat += (rn_count(&shape) + ALIGN - 1) / ALIGN * ALIGN;
    m->parameters += rn_count(&shape);
    return l->n_params++;
}

static int plan_buffer(struct rn_plan *p, const char *name, uint32_t life, struct rn_shape shape,
                       uint32_t flags)
{
    struct planning *g = p->core;
    struct model *m = g->model;
    struct model_layer *l = &m->layers[g->layer];

    TRY(model_check_shape(&shape));
    if (life < RN_SCRATCH || life > RN_PERSISTENT)
        return FAIL(RN_EPLUGIN, "buffer '%s' has the unknown lifetime %u", name, life);
    l->buffers = grown(m->pool, l->buffers, l->n_buffers, sizeof *l->buffers);
    if (!l->buffers)
        return RN_ENOMEM;
    char *full = pool_printf(m->pool, "%s.%s", l->name, name);
    if (!full)
        return RN_ENOMEM;
    l->buffers[l->n_buffers] = (struct model_buffer){full, shape, life, flags, m->kept, NULL};
    if (life == RN_PERSISTENT)
        m->kept += (rn_count(&shape) + ALIGN - 1) / ALIGN * ALIGN;
    return l->n_buffers++;
}

static int plan_constant(struct rn_plan *p, const char *name, struct rn_shape shape,
                         const double *values)
{
    struct planning *g = p->core;
    int at = plan_buffer(p, name, RN_PERSISTENT, shape, 0);
    size_t bytes = at < 0 ? 0 : (size_t)rn_count(&shape) * sizeof *values;
    double *own = at < 0 ? NULL : pool_alloc(g->model->pool, bytes);

    if (at < 0 || !own)
        return at < 0 ? at : RN_ENOMEM;
    g->model->layers[g->layer].buffers[at].values = memcpy(own, values, bytes);
    return at;
}

/* What layer.h promises the core of a layer, and its numbers did not keep. */
static int check_promises(const struct model_layer *l, const struct rn_shape *out)
{
    if (!(l->part->plugin->ops.layer.flags & RN_LAYER_VIEW))
        return RN_OK;
    if (l->n_from > 1)
        return FAIL(RN_EPLUGIN, "says that it is a view, but has more than one input");
    if (rn_count(out) != rn_count(&l->in))
        return FAIL(RN_EPLUGIN, "says that it is a view, but changes the number of elements");
    return RN_OK;
}

/* Plans layer i (the loss when i is n_layers) on the shapes in[0..n_in-1]. */
static int plan_one(struct model *m, int i, const struct rn_shape *in, int n_in)
{
    struct model_layer *l = &m->layers[i];
    struct planning g = {m, i};
    struct rn_plan p = {.size = sizeof p,
                        .n_in = n_in,
                        .opts = l->part->opts,
                        .in = in,
                        .core = &g,
                        .param = plan_param,
                        .buffer = plan_buffer,
                        .constant = plan_constant};

    l->in = in[0];
    l->first_param = m->n_params;
    TRY(i < m->n_layers ? l->part->plugin->ops.layer.plan(&p) : l->part->plugin->ops.loss.plan(&p));
    TRY(model_check_shape(&p.out));
    if (i < m->n_layers)
        TRY(check_promises(l, &p.out));
    l->out = p.out;
    l->flops = p.flops;
    l->learns = l->n_params > 0;
    for (int k = 0; k < l->n_from; k++)
        l->learns |= l->from[k] && m->layers[l->from[k] - 1].learns;
    m->flops += p.flops;
    return RN_OK;
}

/* "input 1x28x28 -> flatten1 784 -> dense1 256" up to a value, past branches. */
static void chain_text(const struct model *m, int value, struct text *out)
{
    char s[SHAPE_TEXT];

    if (!value) {
        text_add(out, "input %s", shape_text(&m->input, s));
        return;
    }
    chain_text(m, m->layers[value - 1].follows, out);
    text_add(out, " \xE2\x86\x92 %s %s", m->layers[value - 1].name,
             shape_text(&m->layers[value - 1].out, s));
}

static int shape_problem(struct model *m, int i, struct diag *d, int status)
{
    const struct part *part = m->layers[i].part;
    struct text chain = {0};

    if (status == RN_ENOMEM)
        return status;
    chain_text(m, m->layers[i].follows, &chain);
    diag_add(d, DIAG_ERROR, part->mark, part->path, NULL,
             "%s\n      %s \xE2\x86\x92 %s \xE2\x9C\x97", error_text(), text_str(&chain),
             m->layers[i].name);
    text_free(&chain);
    return status == RN_EPLUGIN ? status : RN_ESHAPE;
}

/* ---- the list of layers --------------------------------------------------- */

static int count_layers(const struct part *parts, int n)
{
    int count = n;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < parts[i].n_branches; k++)
            count += count_layers(parts[i].branches[k].layers, parts[i].branches[k].n_layers);
    return count;
}

struct unfolding { /* of the tree of parts into the list */
    struct model *model;
    struct diag *diag;
    int n; /* layers so far */
};

static int plan_branch(struct unfolding *u, const struct part *parts, int n, int *value);

/* *value is what the part hangs on, and then what it gives. */
static int plan_part(struct unfolding *u, const struct part *part, int *value)
{
    static const char root[] = "model.layers.";
    struct model *m = u->model;
    int n = part->n_branches ? part->n_branches : 1;
    int *from = pool_alloc(m->pool, (size_t)n * sizeof *from);
    struct rn_shape *in = pool_alloc(m->pool, (size_t)n * sizeof *in);

    if (!from || !in)
        return RN_ENOMEM;
    for (int k = 0; k < n; k++) {
        from[k] = *value;
        if (part->n_branches)
            TRY(plan_branch(u, part->branches[k].layers, part->branches[k].n_layers, &from[k]));
        in[k] = *model_shape(m, from[k]);
    }
    int i = u->n++;
    m->layers[i] = (struct model_layer){.part = part,
                                        .name = part->path + sizeof root - 1,
                                        .from = from,
                                        .n_from = n,
                                        .follows = *value};
    int status = plan_one(m, i, in, n);
    *value = i + 1;
    return status < 0 ? shape_problem(m, i, u->diag, status) : RN_OK;
}

static int plan_branch(struct unfolding *u, const struct part *parts, int n, int *value)
{
    for (int i = 0; i < n; i++)
        TRY(plan_part(u, &parts[i], value));
    return RN_OK;
}

static int plan_loss(struct model *m, struct diag *d)
{
    const struct part *part = &m->experiment->loss;
    struct rn_shape in[2] = {*model_shape(m, m->n_layers), rn_vec(m->target_width)};
    int *from = pool_alloc(m->pool, sizeof *from);

    if (!from)
        return RN_ENOMEM;
    *from = m->n_layers;
    m->layers[m->n_layers] = (struct model_layer){
        .part = part, .name = part->name, .from = from, .n_from = 1, .follows = *from};
    int status = plan_one(m, m->n_layers, in, 2);
    return status < 0 ? shape_problem(m, m->n_layers, d, status) : RN_OK;
}

/* A class number must have a score: the last width and the classes of the data belong together. */
static int check_classes(const struct model *m, const struct rn_dataset_info *data, struct diag *d)
{
    const struct part *loss = &m->experiment->loss, *last = m->layers[m->n_layers - 1].part;
    int64_t width = rn_count(&m->layers[m->n_layers].in);

    if (!(loss->plugin->traits & RN_TRAIT_CLASSIFIES))
        return RN_OK;
    if (!data->classes) {
        diag_add(d, DIAG_ERROR, loss->mark, loss->path, NULL,
                 "%s needs classes, but the data has numbers as targets", loss->plugin->name);
        return RN_ESHAPE;
    }
    if (width == data->classes)
        return RN_OK;
    diag_add(d, width < data->classes ? DIAG_ERROR : DIAG_WARNING, last->mark, last->path, NULL,
             "the last layer gives %lld scores, but the data has %lld classes", (long long)width,
             (long long)data->classes);
    return width < data->classes ? RN_ESHAPE : RN_OK;
}

int model_plan(struct pool *p, const struct experiment *e, const struct rn_dataset_info *data,
               struct diag *d, struct model **out)
{
    struct model *m = pool_alloc(p, sizeof *m);
    int n = count_layers(e->layers, e->n_layers), value = 0;

    *out = m;
    if (!m || !(m->layers = pool_alloc(p, (size_t)(n + 1) * sizeof *m->layers)))
        return RN_ENOMEM;
    m->pool = p;
    m->experiment = e;
    m->input = data->input;
    m->n_layers = n;
    m->target_width = data->target_width;
    TRY(plan_branch(&(struct unfolding){m, d, 0}, e->layers, e->n_layers, &value));
    TRY(plan_loss(m, d));
    return check_classes(m, data, d);
}
