/* standard.c - asks each layer in turn. */
#include "standard.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define REF_VALUE (1 << 20) /* + the value */

struct asking {
    const struct weights *w;
    struct standard *s;
    const struct model_layer *layer;
    int *of; /* of each value of the model the one here */
    int n;   /* values that this layer made */
};

/* Room for one more than n in an array that grows in a pool; NULL: out of memory. */
static void *grown(struct pool *p, void *old, int n, size_t size)
{
    if (n & (n - 1))
        return old;
    void *out = pool_alloc(p, (size_t)(n ? 2 * n : 1) * size);
    if (out && n)
        memcpy(out, old, (size_t)n * size);
    return out;
}

/* The index of a value, or a status < 0. */
static int add_value(struct standard *s, const char *name, const struct rn_shape *shape,
                     const float *data, int maker)
{
    struct std_value *values = grown(s->pool, s->values, s->n_values, sizeof *values);

    if (!values || !name)
        return RN_ENOMEM;
    s->values = values;
    values[s->n_values] = (struct std_value){name, *shape, data, maker};
    return s->n_values++;
}

static struct rn_shape shown(const struct rn_shape *s)
{
    struct rn_shape out = *s;

    if (s->rank == 3 && s->channels) {
        out.dim[0] = s->dim[2];
        out.dim[1] = s->dim[0];
        out.dim[2] = s->dim[1];
    }
    return out;
}

/* ---- what a layer refers to --------------------------------------------------------------------
 */

/* -1: nobody referred to it before. */
static int known(const struct standard *s, const char *name)
{
    for (int i = 0; i < s->n_values; i++)
        if (s->values[i].data && !strcmp(s->values[i].name, name))
            return i;
    return -1;
}

/* A parameter or a buffer that is saved. */
static int tensor(struct asking *a, const char *name)
{
    struct rn_shape shape = {0};

    if (known(a->s, name) >= 0)
        return known(a->s, name);
    for (int i = 0; i < a->w->n; i++) {
        const struct st_tensor *t = &a->w->tensors[i];
        if (strcmp(t->name, name) != 0)
            continue;
        shape.rank = t->rank;
        memcpy(shape.dim, t->dim, (size_t)t->rank * sizeof *t->dim);
        return add_value(a->s, t->name, &shape, t->data, -1);
    }
    return FAIL(RN_EPLUGIN, "refers to '%s', which is not kept", name);
}

static int constants(struct asking *a, const struct model_buffer *b)
{
    int64_t n = rn_count(&b->shape);
    float *data = pool_alloc(a->s->pool, (size_t)n * sizeof *data);

    if (known(a->s, b->name) >= 0)
        return known(a->s, b->name);
    if (!data)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        data[i] = (float)b->values[i];
    return add_value(a->s, b->name, &b->shape, data, -1);
}

static int resolve(struct asking *a, int32_t ref)
{
    const struct model_layer *l = a->layer;
    int at = ref & (RN_REF_PARAM - 1);

    if (ref < 0)
        return ref;
    if (ref >= REF_VALUE && ref - REF_VALUE < a->s->n_values)
        return ref - REF_VALUE;
    if (ref < RN_REF_PARAM && at < l->n_from)
        return a->of[l->from[at]];
    if (ref >= RN_REF_PARAM && ref < RN_REF_BUFFER && at < l->n_params)
        return tensor(a, a->w->m->params[l->first_param + at].name);
    if (ref >= RN_REF_BUFFER && ref < REF_VALUE && at < l->n_buffers)
        return l->buffers[at].values ? constants(a, &l->buffers[at])
                                     : tensor(a, l->buffers[at].name);
    return FAIL(RN_EPLUGIN, "refers to something that is not there");
}

static char *value_name(struct asking *a)
{
    return pool_printf(a->s->pool, "%s/%d", a->layer->name, ++a->n);
}

static int take_attributes(struct standard *s, const struct rn_node *from, struct std_node *to)
{
    int n = from->attributes ? from->n_attributes : 0;
    size_t bytes = (size_t)n * sizeof *to->attributes;

    to->n_attributes = n;
    to->attributes = pool_alloc(s->pool, bytes + 1);
    if (!to->attributes)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++) {
        struct rn_attribute *a = &to->attributes[i];
        *a = from->attributes[i];
        if (!a->name || a->type < RN_ATTRIBUTE_FLOAT || a->type > RN_ATTRIBUTE_INTS ||
            (a->type == RN_ATTRIBUTE_INTS && (a->n < 0 || a->n > 4)))
            return FAIL(RN_EPLUGIN, "gives %s an attribute that can't be", to->op);
        if (!(a->name = pool_strdup(s->pool, a->name)))
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int take_node(struct asking *a, const struct rn_node *n)
{
    struct standard *s = a->s;
    struct std_node node = {.layer = a->layer->name};

    if (!n->op || n->n_in < 1 || n->n_in > 8 || n->n_attributes < 0)
        return FAIL(RN_EPLUGIN, "gives an operation without a name, or of %d inputs", n->n_in);
    if (!(node.op = pool_strdup(s->pool, n->op)))
        return RN_ENOMEM;
    for (; node.n_in < n->n_in; node.n_in++)
        if ((node.in[node.n_in] = resolve(a, n->in[node.n_in])) < 0)
            return node.in[node.n_in];
    TRY(take_attributes(s, n, &node));
    struct std_node *nodes = grown(s->pool, s->nodes, s->n_nodes, sizeof *nodes);
    if (!nodes)
        return RN_ENOMEM;
    s->nodes = nodes;
    struct rn_shape out = n->out ? shown(n->out) : s->values[node.in[0]].shape;
    node.out = add_value(s, value_name(a), &out, NULL, s->n_nodes);
    if (node.out < 0)
        return node.out;
    nodes[s->n_nodes++] = node;
    return REF_VALUE + node.out;
}

static int on_node(struct rn_standard *s, const struct rn_node *node)
{
    struct rn_node own = {0};
    uint32_t size;

    memcpy(&size, node, sizeof size);
    memcpy(&own, node, size < sizeof own ? size : sizeof own);
    return take_node(s->core, &own);
}

static int on_constant(struct rn_standard *s, struct rn_shape shape, double each)
{
    struct asking *a = s->core;

    TRY(model_check_shape(&shape));
    int64_t n = rn_count(&shape);
    float *data = pool_alloc(a->s->pool, (size_t)n * sizeof *data);
    if (!data)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        data[i] = (float)each;
    int value = add_value(a->s, value_name(a), &shape, data, -1);
    return value < 0 ? value : REF_VALUE + value;
}

/* ---- all layers --------------------------------------------------------------------------------
 */

static int ask(struct asking *a, int i)
{
    const struct model *m = a->w->m;
    const struct model_layer *l = &m->layers[i];
    const struct plugin *plugin = l->part->plugin;
    struct rn_shape *in = pool_alloc(a->s->pool, (size_t)l->n_from * sizeof *in);
    struct rn_standard s = {.size = sizeof s,
                            .n_in = l->n_from,
                            .opts = l->part->opts,
                            .in = in,
                            .out = &l->out,
                            .core = a,
                            .node = on_node,
                            .constant = on_constant};

    if (!in)
        return RN_ENOMEM;
    if (!plugin->ops.layer.standard)
        return FAIL(RN_EUNSUPPORTED,
                    "layer %s: %s does not say what it is in other programs (standard() of its "
                    "plugin): only the weights can be exported, to safetensors or npz",
                    l->name, plugin->name);
    for (int k = 0; k < l->n_from; k++)
        in[k] = *model_shape(m, l->from[k]);
    a->layer = l;
    a->n = 0;
    int ref = plugin->ops.layer.standard(&s), value = ref < 0 ? ref : resolve(a, ref);
    if (value < 0)
        return value == RN_ENOMEM ? value : error_prefix(value, "layer %s", l->name);
    if (rn_count(&a->s->values[value].shape) != rn_count(&l->out))
        return FAIL(RN_EPLUGIN, "layer %s: what it is in other programs has another shape",
                    l->name);
    a->of[i + 1] = value;
    return RN_OK;
}

/* What passes its input on is one operation at least. */
static int end_in_node(struct asking *a)
{
    const int32_t in = REF_VALUE + a->s->result;

    if (a->s->values[a->s->result].maker >= 0)
        return RN_OK;
    int ref = take_node(a, &(struct rn_node){.n_in = 1, .op = "Identity", .in = &in});
    a->s->result = ref < 0 ? 0 : ref - REF_VALUE;
    return ref < 0 ? ref : RN_OK;
}

int standard_of(const struct weights *w, struct standard *out)
{
    const struct model *m = w->m;
    struct rn_shape input = shown(&m->input);
    struct asking a = {.w = w, .s = out};

    *out = (struct standard){.pool = w->pool};
    a.of = pool_alloc(w->pool, (size_t)(m->n_layers + 1) * sizeof *a.of);
    int status = a.of ? add_value(out, "input", &input, NULL, -1) : RN_ENOMEM;
    for (int i = 0; i < m->n_layers && status >= 0; i++)
        status = ask(&a, i);
    if (status < 0)
        return status;
    out->result = a.of[m->n_layers];
    return end_in_node(&a);
}

const struct rn_attribute *standard_attribute(const struct std_node *n, const char *name)
{
    for (int i = 0; i < n->n_attributes; i++)
        if (!strcmp(n->attributes[i].name, name))
            return &n->attributes[i];
    return NULL;
}
