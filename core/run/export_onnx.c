/* export_onnx.c - a model as ONNX, opset 13: protocol buffers written by hand. Field numbers are
 * those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, the encoding is
 * https://protobuf.dev/programming-guides/encoding. */
#include "export_model.h"

#include "base/error.h"
#include "train/standard.h"

#include <stdio.h>
#include <string.h>

enum { IR_VERSION = 7, OPSET = 13, FLOATS = 1 /* TensorProto.FLOAT */ };

/* ---- fields ------------------------------------------------------------------------------------
 */

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

static void varint(struct text *t, uint64_t v)
{
    for (; v > 127; v >>= 7)
        text_put(t, &(char){(char)(v | 128)}, 1);
    text_put(t, &(char){(char)v}, 1);
}

static void put_key(struct text *t, unsigned field, unsigned wire) { varint(t, field << 3 | wire); }

static void put_whole(struct text *t, unsigned field, int64_t v)
{
    put_key(t, field, VARINT);
    varint(t, (uint64_t)v);
}

static void put_float(struct text *t, unsigned field, double v)
{
    float f = (float)v;

    put_key(t, field, FIXED32);
    text_put(t, (const char *)&f, sizeof f);
}

static void put_bytes(struct text *t, unsigned field, const void *data, size_t n)
{
    put_key(t, field, BYTES);
    varint(t, n);
    text_put(t, data, n);
}

static void put_string(struct text *t, unsigned field, const char *s)
{
    put_bytes(t, field, s, strlen(s));
}

/* A message within one; it is freed. */
static void put_message(struct text *t, unsigned field, struct text *m)
{
    put_bytes(t, field, text_str(m), m->n);
    t->status = t->status ? t->status : m->status;
    text_free(m);
}

/* ---- the graph ---------------------------------------------------------------------------------
 */

struct graph {
    const struct trained *t;
    const struct standard *s;
    struct text *out;
    int n; /* names that were made */
};

static const char *value_name(const struct graph *g, int v)
{
    bool normalized = !v && g->t->session.experiment->split.std.count;

    return v == g->s->result ? "scores" : normalized ? "normalized" : g->s->values[v].name;
}

static const char *new_name(struct graph *g)
{
    const char *s = pool_printf(g->s->pool, "value%d", ++g->n);

    if (!s)
        g->out->status = RN_ENOMEM;
    return s ? s : "";
}

static void put_attribute(struct text *node, const struct rn_attribute *a)
{
    static const int types[] = {
        [RN_ATTRIBUTE_FLOAT] = 1, [RN_ATTRIBUTE_INT] = 2, [RN_ATTRIBUTE_INTS] = 7};
    struct text t = {0};

    put_string(&t, 1, a->name);
    if (a->type == RN_ATTRIBUTE_FLOAT)
        put_float(&t, 2, a->value);
    if (a->type == RN_ATTRIBUTE_INT)
        put_whole(&t, 3, a->at[0]);
    for (int i = 0; a->type == RN_ATTRIBUTE_INTS && i < a->n; i++)
        put_whole(&t, 8, a->at[i]);
    put_whole(&t, 20, types[a->type]);
    put_message(node, 5, &t);
}

static void put_node(struct graph *g, const char *op, const char *const *in, int n_in,
                     const char *out, const struct rn_attribute *attributes, int n_attributes)
{
    struct text t = {0};

    for (int i = 0; i < n_in; i++)
        put_string(&t, 1, in[i]);
    put_string(&t, 2, out);
    put_string(&t, 3, out);
    put_string(&t, 4, op);
    for (int i = 0; i < n_attributes; i++)
        put_attribute(&t, &attributes[i]);
    put_message(g->out, 1, &t);
}

static const char *put_pair(struct graph *g, const char *op, const char *a, const char *b,
                            const char *out)
{
    put_node(g, op, (const char *const[]){a, b}, 2, out, NULL, 0);
    return out;
}

static const char *put_tensor(struct graph *g, const char *name, const struct rn_shape *shape,
                              const float *data)
{
    struct text t = {0};

    for (int i = 0; i < shape->rank; i++)
        put_whole(&t, 1, shape->dim[i]);
    put_whole(&t, 2, FLOATS);
    put_string(&t, 8, name);
    put_bytes(&t, 9, data, (size_t)rn_count(shape) * sizeof *data);
    put_message(g->out, 5, &t);
    return name;
}

/* [batch, ...] */
static void put_value(struct graph *g, unsigned field, const char *name,
                      const struct rn_shape *shape)
{
    struct text dims = {0}, tensor = {0}, type = {0}, value = {0}, batch = {0};

    put_string(&batch, 2, "batch");
    put_message(&dims, 1, &batch);
    for (int i = 0; i < shape->rank; i++) {
        struct text dim = {0};
        put_whole(&dim, 1, shape->dim[i]);
        put_message(&dims, 1, &dim);
    }
    put_whole(&tensor, 1, FLOATS);
    put_message(&tensor, 2, &dims);
    put_message(&type, 1, &tensor);
    put_string(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(g->out, field, &value);
}

/* ---- operations --------------------------------------------------------------------------------
 */

/* One a channel, or one of all. */
static int put_normalization(struct graph *g)
{
    const struct experiment *e = g->t->session.experiment;
    const struct rn_floats *both[] = {&e->split.mean, &e->split.std};
    const struct rn_shape *x = &g->s->values[0].shape;
    const char *name = "input";

    for (int k = 0; k < 2; k++) {
        int64_t n = both[k]->count;
        struct rn_shape shape = rn_vec(n);
        float *values = pool_alloc(g->s->pool, (size_t)(n + 1) * sizeof *values);
        if (!values || !n)
            return values ? RN_OK : RN_ENOMEM;
        for (int64_t i = 0; i < n; i++)
            values[i] = (float)both[k]->at[i];
        if (x->channels && x->rank == 3) /* channels first */
            shape = (struct rn_shape){.rank = 3, .dim = {n, 1, 1}};
        else if (n > 1 && n != x->dim[x->rank - 1])
            return FAIL(RN_EUNSUPPORTED,
                        "data.normalize has %lld means for an input that is no image of so many "
                        "channels: ONNX has nothing like it",
                        (long long)n);
        put_tensor(g, k ? "normalize.std" : "normalize.mean", &shape, values);
        name = put_pair(g, k ? "Div" : "Sub", name, k ? "normalize.std" : "normalize.mean",
                        k ? "normalized" : "centred");
    }
    return RN_OK;
}

static const char *put_mean(struct graph *g, const char *x, int rank)
{
    const char *out = new_name(g);
    struct rn_attribute a[] = {
        {.name = "axes", .type = RN_ATTRIBUTE_INTS, .n = rank, .at = {1, 2, 3, 4}},
        {.name = "keepdims", .type = RN_ATTRIBUTE_INT, .at = {1}}};

    put_node(g, "ReduceMean", &x, 1, out, a, 2);
    return out;
}

/* What opset 13 has no operation for. */
static int put_layernorm(struct graph *g, const struct std_node *n)
{
    const struct rn_attribute *eps = standard_attribute(n, "epsilon");
    const struct rn_shape one = {.rank = 0};
    const char *x = value_name(g, n->in[0]), *out = value_name(g, n->out);
    int rank = g->s->values[n->in[0]].shape.rank;
    float least = eps ? (float)eps->value : 1e-5F;

    if (rank > 4)
        return FAIL(RN_EUNSUPPORTED, "layer %s: %d dimensions, the ONNX export takes 4", n->layer,
                    rank);
    const char *centred = put_pair(g, "Sub", x, put_mean(g, x, rank), new_name(g));
    const char *square = put_pair(g, "Mul", centred, centred, new_name(g));
    const char *var = put_pair(g, "Add", put_mean(g, square, rank),
                               put_tensor(g, new_name(g), &one, &least), new_name(g));
    const char *deviation = new_name(g);
    put_node(g, "Sqrt", &var, 1, deviation, NULL, 0);
    const char *y = put_pair(g, "Div", centred, deviation, n->n_in > 1 ? new_name(g) : out);
    if (n->n_in > 1)
        y = put_pair(g, "Mul", y, value_name(g, n->in[1]), n->n_in > 2 ? new_name(g) : out);
    if (n->n_in > 2)
        put_pair(g, "Add", y, value_name(g, n->in[2]), out);
    return RN_OK;
}

static bool is_known(const char *op)
{
    static const char *const known[] = {"Conv",
                                        "Gemm",
                                        "BatchNormalization",
                                        "MaxPool",
                                        "AveragePool",
                                        "Relu",
                                        "GlobalAveragePool",
                                        "Flatten",
                                        "Softmax",
                                        "Add",
                                        "Sub",
                                        "Mul",
                                        "Div",
                                        "Elu",
                                        "LeakyRelu",
                                        "Sigmoid",
                                        "Tanh",
                                        "Softplus",
                                        "Softsign",
                                        "Erf",
                                        "Exp",
                                        "Log",
                                        "Sqrt",
                                        "Abs",
                                        "Neg",
                                        "Identity"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i], op))
            return true;
    return false;
}

static int put_operation(struct graph *g, const struct std_node *n)
{
    const char *in[8];

    if (!strcmp(n->op, "LayerNormalization"))
        return put_layernorm(g, n);
    if (!is_known(n->op))
        return FAIL(RN_EUNSUPPORTED,
                    "layer %s is an operation %s, which the ONNX export does not "
                    "know",
                    n->layer, n->op);
    for (int i = 0; i < n->n_in; i++)
        in[i] = value_name(g, n->in[i]);
    put_node(g, n->op, in, n->n_in, value_name(g, n->out), n->attributes, n->n_attributes);
    return RN_OK;
}

static int put_graph(struct graph *g)
{
    const struct standard *s = g->s;

    put_string(g->out, 2, g->t->session.experiment->name);
    put_value(g, 11, "input", &s->values[0].shape);
    put_value(g, 12, "scores", &s->values[s->result].shape);
    for (int v = 0; v < s->n_values; v++)
        if (s->values[v].data)
            put_tensor(g, s->values[v].name, &s->values[v].shape, s->values[v].data);
    TRY(put_normalization(g));
    for (int k = 0; k < s->n_nodes; k++)
        TRY(put_operation(g, &s->nodes[k]));
    return RN_OK;
}

/* ---- the model ---------------------------------------------------------------------------------
 */

static int put_facts(const struct trained *t, struct pool *p, struct text *out)
{
    struct export_facts f;

    TRY(export_tell(t, p, &f));
    for (int i = 0; i < f.n; i++) {
        struct text one = {0};
        put_string(&one, 1, f.fact[i].key);
        put_string(&one, 2, f.fact[i].value);
        put_message(out, 14, &one);
    }
    return RN_OK;
}

static int put_model(const struct trained *t, const struct standard *s, struct text *out)
{
    struct text graph = {0}, opset = {0};
    struct graph g = {.t = t, .s = s, .out = &graph};

    int status = put_graph(&g);
    if (!status && graph.n > INT32_MAX)
        status = FAIL(RN_EUNSUPPORTED, "more than 2 GiB, which no protocol buffer holds");
    put_whole(out, 1, IR_VERSION);
    put_string(out, 2, "runner");
    put_string(out, 3, RUNNER_VERSION);
    put_message(out, 7, &graph);
    put_string(&opset, 1, "");
    put_whole(&opset, 2, OPSET);
    put_message(out, 8, &opset);
    return status ? status : put_facts(t, s->pool, out);
}

int export_onnx(const struct trained *t, const struct weights *w, struct text *out)
{
    struct standard s;

    TRY(standard_of(w, &s));
    TRY(put_model(t, &s, out));
    return out->status;
}
