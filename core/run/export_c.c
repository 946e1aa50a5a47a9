/* export_c.c - a model as one C file: its weights as arrays, a function for each kind of operation
 * that occurs, and one that calls them in order. Values that are not needed at the same time share
 * memory. */
#include "export_c_parts.h"
#include "export_model.h"

#include "base/error.h"
#include "train/data.h"
#include "train/standard.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

struct writing {
    const struct trained *t;
    const struct standard *s;
    struct text *out;
    char name[64], upper[64]; /* as C knows it */
    int *root;                /* of each value the one whose memory it is */
    int *last;                /* of each root the last node that reads it */
    int *slot;                /* of each root */
    int64_t *room;            /* of each slot, in values */
    int n_slots;
};

static const struct std_value *value(const struct writing *w, int i) { return &w->s->values[i]; }

static int64_t count(const struct writing *w, int i) { return rn_count(&value(w, i)->shape); }

/* ---- memory ------------------------------------------------------------------------------------
 */

static bool passes(const struct std_node *n)
{
    return !strcmp(n->op, "Flatten") || !strcmp(n->op, "Identity");
}

static int take_slot(struct writing *w, bool *taken, int64_t n)
{
    int at = 0;

    while (at < w->n_slots && taken[at])
        at++;
    w->n_slots += at == w->n_slots;
    taken[at] = true;
    w->room[at] = w->room[at] > n ? w->room[at] : n;
    return at;
}

static int plan_memory(struct writing *w)
{
    const struct standard *s = w->s;
    size_t n = (size_t)s->n_values + 1;
    bool *taken = pool_alloc(s->pool, n);

    w->root = pool_alloc(s->pool, n * sizeof *w->root);
    w->last = pool_alloc(s->pool, n * sizeof *w->last);
    w->slot = pool_alloc(s->pool, n * sizeof *w->slot);
    w->room = pool_alloc(s->pool, n * sizeof *w->room);
    if (!taken || !w->root || !w->last || !w->slot || !w->room)
        return RN_ENOMEM;
    for (int i = 0; i < s->n_values; i++)
        w->root[i] = i;
    for (int k = 0; k < s->n_nodes; k++) {
        const struct std_node *node = &s->nodes[k];
        if (passes(node))
            w->root[node->out] = w->root[node->in[0]];
        for (int i = 0; i < node->n_in; i++)
            w->last[w->root[node->in[i]]] = k;
    }
    w->last[w->root[s->result]] = s->n_nodes;
    w->slot[0] = take_slot(w, taken, count(w, 0));
    for (int k = 0; k < s->n_nodes; k++) {
        const struct std_node *node = &s->nodes[k];
        if (!passes(node))
            w->slot[node->out] = take_slot(w, taken, count(w, node->out));
        for (int i = 0; i < node->n_in; i++) {
            int root = w->root[node->in[i]];
            if (!s->values[root].data && w->last[root] == k)
                taken[w->slot[root]] = false;
        }
    }
    return RN_OK;
}

/* How a value is called: an array of the file, or memory; "0" for none. */
static const char *word(const struct writing *w, int v)
{
    const char *s = v < 0               ? "0"
                    : value(w, v)->data ? pool_printf(w->s->pool, "data%d", v)
                                        : pool_printf(w->s->pool, "v%d", w->slot[w->root[v]]);

    if (!s)
        w->out->status = RN_ENOMEM;
    return s ? s : "";
}

/* ---- operations --------------------------------------------------------------------------------
 */

typedef int write_fn(struct writing *w, const struct std_node *n);

static const char *arg(const struct writing *w, const struct std_node *n, int i)
{
    return word(w, i < n->n_in ? n->in[i] : -1);
}

static int whole_attribute(const struct std_node *n, const char *name, int i, int fallback)
{
    const struct rn_attribute *a = standard_attribute(n, name);

    return a && a->type != RN_ATTRIBUTE_FLOAT ? (int)a->at[i] : fallback;
}

static double real_attribute(const struct std_node *n, const char *name, double fallback)
{
    const struct rn_attribute *a = standard_attribute(n, name);

    return a && a->type == RN_ATTRIBUTE_FLOAT ? a->value : fallback;
}

/* As a float of C. */
static void put_real(struct text *t, double v)
{
    size_t from = t->n;

    text_add(t, "%.9g", v);
    text_add(t, t->status || strpbrk(t->s + from, ".e") ? "f" : ".0f");
}

static int wrong(const struct std_node *n, const char *why)
{
    return FAIL(RN_EUNSUPPORTED, "layer %s: an operation %s %s is more than the C export knows",
                n->layer, n->op, why);
}

static int put_window(struct writing *w, const struct std_node *n)
{
    const struct rn_shape *x = &value(w, n->in[0])->shape, *y = &value(w, n->out)->shape;

    if (x->rank != 3 || y->rank != 3)
        return wrong(n, "of what is no image");
    text_add(w->out, "&(const struct window){%d, %d, %d, %d, %d", (int)x->dim[0], (int)x->dim[1],
             (int)x->dim[2], (int)y->dim[1], (int)y->dim[2]);
    for (int i = 0; i < 2; i++)
        text_add(w->out, ", %d", whole_attribute(n, "kernel_shape", i, 1));
    for (int i = 0; i < 2; i++)
        text_add(w->out, ", %d", whole_attribute(n, "strides", i, 1));
    for (int i = 0; i < 2; i++)
        text_add(w->out, ", %d", whole_attribute(n, "pads", i, 0));
    for (int i = 0; i < 2; i++)
        text_add(w->out, ", %d", whole_attribute(n, "dilations", i, 1));
    text_add(w->out, "}");
    return RN_OK;
}

static int put_conv(struct writing *w, const struct std_node *n)
{
    text_add(w->out, "    conv(%s, %s, %s, %s,\n         ", arg(w, n, 0), arg(w, n, 1),
             arg(w, n, 2), word(w, n->out));
    TRY(put_window(w, n));
    text_add(w->out, ", %d, %d);\n", (int)value(w, n->out)->shape.dim[0],
             whole_attribute(n, "group", 0, 1));
    return RN_OK;
}

static int put_gemm(struct writing *w, const struct std_node *n)
{
    if (whole_attribute(n, "transB", 0, 0) != 1 || whole_attribute(n, "transA", 0, 0) ||
        value(w, n->in[0])->shape.rank != 1)
        return wrong(n, "without transB 1 alone");
    text_add(w->out, "    gemm(%s, %s, %s, %s, %lld, %lld);\n", arg(w, n, 0), arg(w, n, 1),
             arg(w, n, 2), word(w, n->out), (long long)count(w, n->in[0]),
             (long long)count(w, n->out));
    return RN_OK;
}

static int put_batchnorm(struct writing *w, const struct std_node *n)
{
    if (n->n_in != 5)
        return wrong(n, "without five inputs");
    int64_t channels = count(w, n->in[3]);
    text_add(w->out, "    normalize_batch(%s, %s, %s, %s, %s, %s, %lld, %lld, ", arg(w, n, 0),
             arg(w, n, 1), arg(w, n, 2), arg(w, n, 3), arg(w, n, 4), word(w, n->out),
             (long long)channels, (long long)(count(w, n->out) / channels));
    put_real(w->out, real_attribute(n, "epsilon", 1e-5));
    text_add(w->out, ");\n");
    return RN_OK;
}

static int put_layernorm(struct writing *w, const struct std_node *n)
{
    text_add(w->out, "    normalize_layer(%s, %s, %s, %s, %lld, ", arg(w, n, 0), arg(w, n, 1),
             arg(w, n, 2), word(w, n->out), (long long)count(w, n->out));
    put_real(w->out, real_attribute(n, "epsilon", 1e-5));
    text_add(w->out, ");\n");
    return RN_OK;
}

static int put_maxpool(struct writing *w, const struct std_node *n)
{
    text_add(w->out, "    max_pool(%s, %s, ", arg(w, n, 0), word(w, n->out));
    TRY(put_window(w, n));
    text_add(w->out, ");\n");
    return RN_OK;
}

static int put_averagepool(struct writing *w, const struct std_node *n)
{
    text_add(w->out, "    average_pool(%s, %s, ", arg(w, n, 0), word(w, n->out));
    TRY(put_window(w, n));
    text_add(w->out, ", %d);\n", whole_attribute(n, "count_include_pad", 0, 0));
    return RN_OK;
}

static int put_globalpool(struct writing *w, const struct std_node *n)
{
    int64_t channels = count(w, n->out);

    text_add(w->out, "    average_planes(%s, %s, %lld, %lld);\n", arg(w, n, 0), word(w, n->out),
             (long long)channels, (long long)(count(w, n->in[0]) / channels));
    return RN_OK;
}

static int put_softmax(struct writing *w, const struct std_node *n)
{
    if (value(w, n->in[0])->shape.rank != 1)
        return wrong(n, "of more than one dimension");
    text_add(w->out, "    softmax(%s, %s, %lld);\n", arg(w, n, 0), word(w, n->out),
             (long long)count(w, n->out));
    return RN_OK;
}

static int put_nothing(struct writing *w, const struct std_node *n)
{
    (void)w, (void)n;
    return RN_OK;
}

/* Of each value for itself. */
static const struct {
    const char *op, *formula; /* of x, and of a: an attribute */
    const char *attribute;
    double fallback;
} each[] = {
    {"Relu", "x < 0 ? 0 : x", NULL, 0},
    {"LeakyRelu", "x > 0 ? x : a * x", "alpha", 0.01},
    {"Elu", "x > 0 ? x : a * expm1f(x)", "alpha", 1},
    {"Sigmoid", "1 / (1 + expf(-x))", NULL, 0},
    {"Tanh", "tanhf(x)", NULL, 0},
    {"Softplus", "(x > 0 ? x : 0) + log1pf(expf(-fabsf(x)))", NULL, 0},
    {"Softsign", "x / (1 + fabsf(x))", NULL, 0},
    {"Erf", "erff(x)", NULL, 0},
    {"Exp", "expf(x)", NULL, 0},
    {"Log", "logf(x)", NULL, 0},
    {"Sqrt", "sqrtf(x)", NULL, 0},
    {"Abs", "fabsf(x)", NULL, 0},
    {"Neg", "-x", NULL, 0},
};

static int put_each(struct writing *w, const struct std_node *n)
{
    size_t k = 0;

    while (strcmp(each[k].op, n->op) != 0)
        k++;
    text_add(w->out, "    for (int i = 0; i < %lld; i++) {\n        const float x = %s[i]",
             (long long)count(w, n->out), arg(w, n, 0));
    if (each[k].attribute) {
        text_add(w->out, ", a = ");
        put_real(w->out, real_attribute(n, each[k].attribute, each[k].fallback));
    }
    text_add(w->out, ";\n        %s[i] = %s;\n    }\n", word(w, n->out), each[k].formula);
    return RN_OK;
}

static int put_pair(struct writing *w, const struct std_node *n)
{
    static const char signs[][4] = {"Add", "Sub", "Mul", "Div"};
    int64_t all = count(w, n->out);
    int k = 0;

    while (strcmp(signs[k], n->op) != 0)
        k++;
    for (int i = 0; i < 2; i++)
        if (n->n_in != 2 || (count(w, n->in[i]) != all && count(w, n->in[i]) != 1))
            return wrong(n, "of arrays of different sizes");
    text_add(w->out, "    for (int i = 0; i < %lld; i++)\n        %s[i] = %s[%s] %c %s[%s];\n",
             (long long)all, word(w, n->out), arg(w, n, 0), count(w, n->in[0]) == all ? "i" : "0",
             "+-*/"[k], arg(w, n, 1), count(w, n->in[1]) == all ? "i" : "0");
    return RN_OK;
}

static const struct operation {
    const char *op;
    write_fn *write;
    const char *part; /* what it calls */
    bool window;
} operations[] = {
    {"Conv", put_conv, CONV_PART, true},
    {"Gemm", put_gemm, GEMM_PART, false},
    {"BatchNormalization", put_batchnorm, BATCHNORM_PART, false},
    {"LayerNormalization", put_layernorm, LAYERNORM_PART, false},
    {"MaxPool", put_maxpool, MAXPOOL_PART, true},
    {"AveragePool", put_averagepool, AVERAGEPOOL_PART, true},
    {"GlobalAveragePool", put_globalpool, GLOBALPOOL_PART, false},
    {"Softmax", put_softmax, SOFTMAX_PART, false},
    {"Flatten", put_nothing, "", false},
    {"Identity", put_nothing, "", false},
    {"Add", put_pair, "", false},
    {"Sub", put_pair, "", false},
    {"Mul", put_pair, "", false},
    {"Div", put_pair, "", false},
};

/* NULL: not known. */
static write_fn *writer_of(const char *op)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (!strcmp(operations[i].op, op))
            return operations[i].write;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        if (!strcmp(each[i].op, op))
            return put_each;
    return NULL;
}

/* ---- the file ----------------------------------------------------------------------------------
 */

static void make_name(struct writing *w)
{
    const char *from = w->t->session.experiment->name;
    size_t n = 0;

    if (!isalpha((unsigned char)*from))
        w->name[n++] = 'm';
    for (; *from && n < sizeof w->name - 1; from++)
        w->name[n++] = isalnum((unsigned char)*from) ? *from : '_';
    for (size_t i = 0; i < n; i++)
        w->upper[i] = (char)toupper((unsigned char)w->name[i]);
}

static const char *input_type(const struct writing *w)
{
    return w->t->info.dtype == RN_U8 ? "unsigned char" : "float";
}

static void put_head(struct writing *w)
{
    const struct rn_shape *in = &w->t->info.input;
    const char *n = w->name, *N = w->upper;
    bool image = in->rank == 3 && in->channels;

    text_add(w->out,
             "/* The model of run %s, written by runner %s.\n *\n"
             " *   void %s_predict(const %s *input, float *scores);\n *\n"
             " * input: %s_INPUTS values of one sample, %s",
             w->t->run.id, RUNNER_VERSION, n, input_type(w), N,
             w->t->info.dtype == RN_U8 ? "bytes from 0 to 255" : "as the training data had them");
    if (image)
        text_add(w->out,
                 ":\n * %lld rows of %lld pixels of %lld channels, as image files have them",
                 (long long)in->dim[0], (long long)in->dim[1], (long long)in->dim[2]);
    text_add(w->out,
             ". They are normalised here.\n * scores: %s_SCORES values, what the last layer gives"
             "%s.\n *\n",
             N, w->t->info.classes ? ": one a class, the largest is the answer" : "");
    text_add(
        w->out,
        " * C99 and its maths library, nothing else: cc -O3 -c FILE.c. One call at a time; "
        "with\n * -D%s_STORAGE='static _Thread_local' one in each thread.\n *\n"
        " *   cc -O3 -D%s_MAIN FILE.c -o %s -lm && ./%s <samples\n *\n"
        " * is a program that reads samples, nothing between them, and prints a line of scores "
        "each. */\n",
        N, N, n, n);
    text_add(w->out,
             "#include <math.h>\n\n#define %s_INPUTS  %lld\n#define %s_SCORES  %lld\n"
             "#define %s_CLASSES %lld\n\n"
             "#ifndef %s_STORAGE\n#define %s_STORAGE static\n#endif\n\n"
             "void %s_predict(const %s *input, float *scores);\n",
             N, (long long)count(w, 0), N, (long long)count(w, w->s->result), N,
             (long long)w->t->info.classes, N, N, n, input_type(w));
}

/* As a text of C, whatever is in it. */
static void put_text(struct text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || strchr(" -_.,:;()+/", *s))
            text_put(t, s, 1);
        else
            text_add(t, "\\%03o", (unsigned)(unsigned char)*s);
    text_add(t, "\"");
}

static void put_classes(struct writing *w)
{
    if (!w->t->info.classes)
        return;
    text_add(w->out,
             "extern const char *const %s_classes[%s_CLASSES];\n\n"
             "const char *const %s_classes[%s_CLASSES] = {\n",
             w->name, w->upper, w->name, w->upper);
    for (int64_t i = 0; i < w->t->info.classes; i++) {
        text_add(w->out, "    ");
        put_text(w->out, w->t->class_names[i]);
        text_add(w->out, ",\n");
    }
    text_add(w->out, "};\n");
}

static bool is_used(const struct standard *s, int v)
{
    for (int k = 0; k < s->n_nodes; k++)
        for (int i = 0; i < s->nodes[k].n_in; i++)
            if (s->nodes[k].in[i] == v)
                return true;
    return false;
}

static int put_data(struct writing *w)
{
    for (int v = 0; v < w->s->n_values; v++) {
        const float *data = value(w, v)->data;
        int64_t n = count(w, v);
        if (!data || !is_used(w->s, v))
            continue;
        text_add(w->out, "\n/* %s */\nstatic const float data%d[%lld] = {", value(w, v)->name, v,
                 (long long)n);
        for (int64_t i = 0; i < n; i++) {
            if (!isfinite(data[i]))
                return FAIL(RN_ENUMERIC, "%s holds NaN or infinite values, which C can't write",
                            value(w, v)->name);
            text_add(w->out, i % 8 ? ", " : "\n    ");
            put_real(w->out, (double)data[i]);
            text_add(w->out, i % 8 == 7 && i + 1 < n ? "," : "");
        }
        text_add(w->out, "\n};\n");
    }
    return RN_OK;
}

static void put_parts(struct writing *w)
{
    bool window = false;

    text_add(w->out, "\n");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        for (int k = 0; k < w->s->n_nodes; k++) {
            if (strcmp(w->s->nodes[k].op, operations[i].op) != 0)
                continue;
            if (operations[i].window && !window)
                text_add(w->out, "%s", WINDOW_PART);
            window |= operations[i].window;
            text_add(w->out, "%s", operations[i].part);
            break;
        }
}

/* From the order of the data set to channels first, and normalised as it was in training. */
static void put_input(struct writing *w)
{
    const struct rn_shape *in = &w->t->info.input;
    rn_real scale[CHANNELS_MAX], shift[CHANNELS_MAX];
    int64_t n = data_normalization(w->t->session.experiment, w->t->info.dtype, scale, shift);
    int64_t channels = in->rank == 3 && in->channels ? in->dim[2] : 1;

    for (int k = 0; k < 2; k++) {
        text_add(w->out, "    static const float %s[%lld] = {", k ? "shift" : "scale",
                 (long long)n);
        for (int64_t i = 0; i < n; i++) {
            text_add(w->out, i ? ", " : "");
            put_real(w->out, (double)(k ? shift : scale)[i]);
        }
        text_add(w->out, "};\n");
    }
    text_add(w->out, "\n    for (int i = 0; i < %s_INPUTS; i++)\n        %s[", w->upper,
             word(w, 0));
    if (channels > 1)
        text_add(w->out, "i %% %lld * %lld + i / %lld", (long long)channels,
                 (long long)(count(w, 0) / channels), (long long)channels);
    else
        text_add(w->out, "i");
    text_add(w->out,
             n > 1 ? "] = (float)input[i] * scale[i %% %lld] + shift[i %% %lld];\n"
                   : "] = (float)input[i] * scale[0] + shift[0];\n",
             (long long)n, (long long)n);
}

static int put_predict(struct writing *w)
{
    const char *layer = "";

    text_add(w->out, "void %s_predict(const %s *input, float *scores)\n{\n", w->name,
             input_type(w));
    for (int i = 0; i < w->n_slots; i++)
        text_add(w->out, "    %s_STORAGE float v%d[%lld];\n", w->upper, i, (long long)w->room[i]);
    put_input(w);
    for (int k = 0; k < w->s->n_nodes; k++) {
        const struct std_node *n = &w->s->nodes[k];
        write_fn *write = writer_of(n->op);
        if (!write)
            return FAIL(RN_EUNSUPPORTED,
                        "layer %s is an operation %s, which the C export does not know", n->layer,
                        n->op);
        if (strcmp(layer, n->layer) != 0 && !passes(n))
            text_add(w->out, "    /* %s */\n", layer = n->layer);
        TRY(write(w, n));
    }
    text_add(w->out, "    for (int i = 0; i < %s_SCORES; i++)\n        scores[i] = %s[i];\n}\n",
             w->upper, word(w, w->s->result));
    return RN_OK;
}

static void put_main(struct writing *w)
{
    const char *n = w->name, *N = w->upper;

    text_add(
        w->out,
        "\n#ifdef %s_MAIN\n#include <stdio.h>\n\nint main(void)\n{\n"
        "    static %s input[%s_INPUTS];\n    static float scores[%s_SCORES];\n\n"
        "    while (fread(input, sizeof *input, %s_INPUTS, stdin) == %s_INPUTS) {\n"
        "        %s_predict(input, scores);\n"
        "        for (int i = 0; i < %s_SCORES; i++)\n"
        "            printf(\"%%.9g%%c\", (double)scores[i], i + 1 < %s_SCORES ? ' ' : '\\n');\n"
        "    }\n    return ferror(stdin) || fflush(stdout);\n}\n#endif\n",
        N, input_type(w), N, N, N, N, n, N, N);
}

int export_c(const struct trained *t, const struct weights *weights, struct text *out)
{
    struct standard s;
    struct writing w = {.t = t, .s = &s, .out = out};

    TRY(standard_of(weights, &s));
    TRY(plan_memory(&w));
    make_name(&w);
    put_head(&w);
    put_classes(&w);
    TRY(put_data(&w));
    put_parts(&w);
    TRY(put_predict(&w));
    put_main(&w);
    return out->status;
}
