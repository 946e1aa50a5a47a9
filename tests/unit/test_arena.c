/* test_arena.c - made-up graphs of layers with made-up promises, and a step over their arena call
 * by call: whoever reads a tensor finds what was written there, whoever writes one overwrites
 * nothing that is read later. Knows of addresses and of who reads what, and of no lifetimes. */
#include "base/error.h"
#include "model/step.h"
#include "support/suite.h"

#include <check.h>
#include <runner/random.h>

enum { LAYERS = 14, INPUTS = 3, GRAPHS = 1000, ROWS = 3, ITEMS = 400, GARBAGE = 0 };

/* ---- graphs -------------------------------------------------------------------- */

struct graph {
    struct model m;
    struct model_layer layers[LAYERS + 1];
    struct part parts[LAYERS + 1];
    struct plugin plugins[LAYERS + 1];
    struct model_buffer buffers[LAYERS + 1][2];
    int from[LAYERS + 1][LAYERS + 1];
    int readers[LAYERS + 1]; /* of each value, counted as often as it is read */
    uint32_t number;
    int drawn;
};

static uint32_t dice(struct graph *g, uint32_t sides)
{
    return rn_philox(g->number, 0, (uint64_t)g->drawn++).v[0] % sides;
}

static void add_from(struct graph *g, struct model_layer *l, int value)
{
    l->from[l->n_from++] = value;
    g->readers[value]++;
    l->learns |= value && g->layers[value - 1].learns;
}

/* The last layer reads whatever nobody has read: a value without a reader has no gradient. */
static void make_layer(struct graph *g, int i)
{
    struct model_layer *l = &g->layers[i];
    uint32_t flags = 0;
    int more = dice(g, 3) ? 0 : (int)dice(g, INPUTS);

    *l = (struct model_layer){.part = &g->parts[i], .from = g->from[i], .buffers = g->buffers[i]};
    g->parts[i].plugin = &g->plugins[i];
    l->n_params = dice(g, 3) == 0;
    l->learns = l->n_params > 0;
    add_from(g, l, dice(g, 2) ? i : (int)dice(g, (uint32_t)i + 1));
    for (int k = 0; k < more; k++)
        add_from(g, l, dice(g, 2) ? l->from[0] : (int)dice(g, (uint32_t)i + 1));
    for (int value = 0; i == LAYERS - 1 && value <= i; value++)
        if (!g->readers[value])
            add_from(g, l, value);
    l->in = *model_shape(&g->m, l->from[0]);
    l->out = dice(g, 4) ? l->in : rn_vec(1 + dice(g, 200));
    if (dice(g, 4) == 0 && l->n_from == 1) {
        flags = RN_LAYER_VIEW;
        l->out = l->in;
        l->n_params = 0;
        l->learns = l->from[0] && g->layers[l->from[0] - 1].learns;
    } else {
        flags |= dice(g, 2) ? RN_LAYER_INPLACE : 0;
        flags |= dice(g, 3) ? 0 : RN_LAYER_READS_IN;
        flags |= dice(g, 3) ? 0 : RN_LAYER_READS_OUT;
        l->n_buffers = (int)dice(g, 3);
    }
    g->plugins[i].ops.layer.flags = flags;
    for (int k = 0; k < l->n_buffers; k++)
        g->buffers[i][k] = (struct model_buffer){.shape = rn_vec(1 + dice(g, 100)),
                                                 .life = k ? RN_SCRATCH : RN_SAVED};
}

static void make_graph(struct graph *g, uint32_t number)
{
    *g = (struct graph){.number = number};
    g->m.layers = g->layers;
    g->m.input = rn_vec(1 + dice(g, 200));
    g->m.target_width = 1;
    for (int i = 0; i < LAYERS; i++) {
        make_layer(g, i);
        g->m.n_layers = i + 1;
    }
    struct model_layer *loss = &g->layers[LAYERS];
    *loss = (struct model_layer){.part = &g->parts[LAYERS], .from = g->from[LAYERS]};
    g->parts[LAYERS].plugin = &g->plugins[LAYERS];
    g->plugins[LAYERS].ops.layer.flags = ~0u; /* a loss has no such flags: not to be looked at */
    add_from(g, loss, LAYERS);
    loss->in = loss->out = *model_shape(&g->m, LAYERS);
}

/* ---- the arena ----------------------------------------------------------------------- */

struct machine {
    const struct graph *g;
    struct step_layout l;
    int holds[ITEMS];      /* what was written there and is still whole; GARBAGE */
    int parts[LAYERS + 1]; /* that the gradient of a value has of its readers so far */
    bool training;
};

/* Names of contents. A view holds what it is a view of. */
static int value_name(const struct machine *s, int value)
{
    while (value && (s->g->plugins[value - 1].ops.layer.flags & RN_LAYER_VIEW))
        value = s->g->layers[value - 1].from[0];
    return 1 + value;
}

static int gradient_name(int value, int parts) { return 1000 + 100 * value + parts; }

static int buffer_name(int layer, int k) { return 10000 + 10 * layer + k; }

enum { TARGET = 20000, APART };

static bool overlap(const struct machine *s, int a, int b)
{
    const struct memory_item *x = &s->l.items[a], *y = &s->l.items[b];

    return x->offset < y->offset + y->bytes && y->offset < x->offset + x->bytes;
}

static void write(struct machine *s, int item, int64_t elements, int name)
{
    ck_assert_int_ge(item, 0);
    ck_assert_int_le(elements * (int64_t)sizeof(rn_real), s->l.items[item].bytes);
    ck_assert_int_le(s->l.items[item].offset + s->l.items[item].bytes, s->l.bytes);
    for (int i = 0; i < s->l.n_items; i++)
        if (i != item && overlap(s, i, item))
            s->holds[i] = GARBAGE;
    s->holds[item] = name;
}

#define READ(s, item, name) \
    ck_assert_msg((item) >= 0 && (s)->holds[item] == (name), "graph %u, layer %d: %d, not %d", \
                  (s)->g->number, i, (item) < 0 ? -1 : (s)->holds[item], name)
#define APART_FROM(s, a, b) \
    ck_assert_msg(!overlap(s, a, b), "graph %u, layer %d: two tensors of a call in one place", \
                  (s)->g->number, i)

static int64_t elements(const struct machine *s, int value)
{
    return ROWS * rn_count(model_shape(&s->g->m, value));
}

static void do_forward(struct machine *s, int i)
{
    const struct model_layer *l = &s->g->layers[i];
    uint32_t flags = l->part->plugin->ops.layer.flags;
    int out = s->l.act[i + 1];

    for (int j = 0; j < l->n_from; j++)
        READ(s, s->l.act[l->from[j]], value_name(s, l->from[j]));
    if (flags & RN_LAYER_VIEW) {
        ck_assert_int_eq(out, s->l.act[l->from[0]]);
        return;
    }
    for (int j = 0; j < l->n_from; j++)
        if (j || !(flags & RN_LAYER_INPLACE) || out != s->l.act[l->from[j]])
            APART_FROM(s, out, s->l.act[l->from[j]]);
    for (int k = 0; k < l->n_buffers; k++) {
        APART_FROM(s, s->l.buffers[i][k], out);
        for (int j = 0; j < l->n_from; j++)
            APART_FROM(s, s->l.buffers[i][k], s->l.act[l->from[j]]);
        write(s, s->l.buffers[i][k], rn_count(&l->buffers[k].shape), buffer_name(i, k));
    }
    write(s, out, elements(s, i + 1), value_name(s, i + 1));
}

/* What is there when backward of layer i begins. */
static void begin_backward(struct machine *s, int i)
{
    const struct model_layer *l = &s->g->layers[i];
    uint32_t flags = l->part->plugin->ops.layer.flags;

    READ(s, s->l.grad[i + 1], gradient_name(i + 1, s->g->readers[i + 1]));
    if (flags & RN_LAYER_VIEW)
        return;
    for (int j = 0; j < l->n_from && (flags & RN_LAYER_READS_IN); j++)
        READ(s, s->l.act[l->from[j]], value_name(s, l->from[j]));
    if (flags & RN_LAYER_READS_OUT)
        READ(s, s->l.act[i + 1], value_name(s, i + 1));
    for (int k = 0; k < l->n_buffers; k++) {
        if (l->buffers[k].life == RN_SAVED)
            READ(s, s->l.buffers[i][k], buffer_name(i, k));
        write(s, s->l.buffers[i][k], rn_count(&l->buffers[k].shape), buffer_name(i, k));
    }
}

/* What the gradient of input j must not lie in: all else that backward reads and writes. */
static void check_apart(struct machine *s, int i, int j)
{
    const struct model_layer *l = &s->g->layers[i];
    uint32_t flags = l->part->plugin->ops.layer.flags;
    int item = s->l.din[i][j].item;

    if (j || !(flags & RN_LAYER_INPLACE) || item != s->l.grad[i + 1])
        APART_FROM(s, item, s->l.grad[i + 1]);
    for (int k = 0; k < l->n_from; k++) {
        if (flags & RN_LAYER_READS_IN)
            APART_FROM(s, item, s->l.act[l->from[k]]);
        if (k != j && s->l.din[i][k].item >= 0)
            APART_FROM(s, item, s->l.din[i][k].item);
    }
    if (flags & RN_LAYER_READS_OUT)
        APART_FROM(s, item, s->l.act[i + 1]);
    for (int k = 0; k < l->n_buffers; k++)
        APART_FROM(s, item, s->l.buffers[i][k]);
}

/* Backward writes the gradient of input j; a view's is there already. */
static void do_din(struct machine *s, int i, int j)
{
    const struct model_layer *l = &s->g->layers[i];
    const struct step_din *din = &s->l.din[i][j];
    bool view = l->part->plugin->ops.layer.flags & RN_LAYER_VIEW;
    int value = l->from[j], *parts = &s->parts[value];

    if (!step_needs_grad(&s->g->m, value)) {
        ck_assert_int_eq(din->item, -1);
        return;
    }
    if (!view)
        check_apart(s, i, j);
    else
        ck_assert_int_eq(din->item, s->l.grad[i + 1]);
    ck_assert(!din->adds || !din->apart);
    if (din->adds)
        READ(s, din->item, gradient_name(value, *parts));
    if (din->apart) {
        if (!view)
            write(s, din->item, elements(s, value), APART);
        return;
    }
    ck_assert_int_eq(din->item, s->l.grad[value]);
    ck_assert(din->adds == (*parts > 0));
    write(s, din->item, elements(s, value), gradient_name(value, ++*parts));
}

/* The core adds what was written apart. */
static void do_add(struct machine *s, int i, int j)
{
    int value = s->g->layers[i].from[j], *parts = &s->parts[value], grad = s->l.grad[value];

    if (!s->l.din[i][j].apart)
        return;
    ck_assert_int_gt(*parts, 0);
    ck_assert_int_ne(s->holds[s->l.din[i][j].item], GARBAGE);
    APART_FROM(s, s->l.din[i][j].item, grad);
    READ(s, grad, gradient_name(value, *parts));
    write(s, grad, elements(s, value), gradient_name(value, ++*parts));
}

static void do_step(struct machine *s)
{
    const struct graph *g = s->g;
    int i = LAYERS; /* for READ */

    write(s, s->l.act[0], elements(s, 0), value_name(s, 0));
    write(s, s->l.target, ROWS, TARGET);
    for (int k = 0; k < LAYERS; k++)
        do_forward(s, k);
    READ(s, s->l.act[LAYERS], value_name(s, LAYERS));
    READ(s, s->l.target, TARGET);
    write(s, s->l.loss, ROWS, TARGET);
    READ(s, s->l.act[LAYERS], value_name(s, LAYERS));
    if (!s->training)
        return;
    APART_FROM(s, s->l.grad[LAYERS], s->l.act[LAYERS]);
    s->parts[LAYERS] = 1;
    write(s, s->l.grad[LAYERS], elements(s, LAYERS), gradient_name(LAYERS, 1));
    for (int k = LAYERS - 1; k >= 0; k--) {
        if (!step_needs_grad(&g->m, k + 1))
            continue;
        begin_backward(s, k);
        for (int j = g->layers[k].n_from - 1; j >= 0; j--)
            do_din(s, k, j);
        for (int j = 0; j < g->layers[k].n_from; j++)
            do_add(s, k, j);
    }
    READ(s, s->l.target, TARGET);
    for (int value = 0; value <= LAYERS; value++)
        if (step_needs_grad(&g->m, value))
            ck_assert_int_eq(s->parts[value], g->readers[value]);
}

static int64_t run(struct pool *p, const struct graph *g, bool training)
{
    struct machine s = {.g = g, .training = training};

    ck_assert_int_eq(step_layout(p, &g->m, training, ROWS, &s.l), RN_OK);
    ck_assert_int_le(s.l.n_items, ITEMS);
    do_step(&s);
    return s.l.bytes;
}

START_TEST(whoever_reads_finds_what_was_written)
{
    static struct graph g;
    int64_t train = 0, eval = 0;

    for (uint32_t number = 0; number < GRAPHS; number++) {
        struct pool *p = pool_new();
        make_graph(&g, number);
        train += run(p, &g, true);
        eval += run(p, &g, false);
        pool_free(p);
    }
    ck_assert_int_lt(eval, train);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");

    tcase_add_test(t, whoever_reads_finds_what_was_written);
    suite_add_tcase(s, t);
    return suite_run(s);
}
