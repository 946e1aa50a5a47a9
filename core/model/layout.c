/* layout.c - the lifetimes of the tensors of a step, and so their places in the arena.
 *
 * Time counts the calls: forward of layer i is i + 1, the loss forward n + 1 and backward n + 2,
 * backward of layer i n + 3 + (n - 1 - i). A view, or a layer that may work in place, shares the
 * item of its input; several values then have one item, of which the last is alive.
 *
 * A value that several layers read gets its gradient from all of them, in the order of backward
 * calls: the first writes it, the others add to it. */
#include "step.h"

#include "base/error.h"

struct builder {
    struct pool *pool;
    const struct model *m;
    struct step_layout *out;
    bool training;
    int64_t rows;
};

static uint32_t flags_of(const struct model *m, int layer)
{
    return m->layers[layer].part->plugin->ops.layer.flags;
}

static int forward_time(int layer) { return layer + 1; }

static int backward_time(const struct model *m, int layer) { return 2 * m->n_layers + 2 - layer; }

static int last_time(const struct model *m) { return backward_time(m, 0); }

bool step_needs_grad(const struct model *m, int value)
{
    return value && m->layers[value - 1].learns;
}

static int add_item(struct builder *b, int64_t elements, int first, int last)
{
    struct step_layout *l = b->out;

    l->items[l->n_items] =
        (struct memory_item){elements * (int64_t)sizeof(rn_real), first, last, 0};
    return l->n_items++;
}

static void extend(struct builder *b, int item, int first, int last)
{
    struct memory_item *i = &b->out->items[item];

    i->first = first < i->first ? first : i->first;
    i->last = last > i->last ? last : i->last;
}

static bool same_count(const struct model *m, int layer)
{
    return rn_count(&m->layers[layer].in) == rn_count(&m->layers[layer].out);
}

/* Does somebody else still read what layer i would overwrite: a later layer, layer i itself as
 * another input, or the backward pass of an earlier one? */
static bool read_elsewhere(const struct builder *b, int i, int item)
{
    const struct model *m = b->m;

    for (int k = 0; k <= m->n_layers; k++) {
        const struct model_layer *l = &m->layers[k];
        bool saved = b->training && k < i && (flags_of(m, k) & RN_LAYER_READS_IN) &&
                     !(flags_of(m, k) & RN_LAYER_VIEW);
        for (int j = 0; j < l->n_from; j++)
            if (l->from[j] <= i && b->out->act[l->from[j]] == item &&
                (k > i || (k == i && j) || saved))
                return true;
    }
    for (int value = 1; b->training && value <= i; value++)
        if (b->out->act[value] == item && (flags_of(m, value - 1) & RN_LAYER_READS_OUT))
            return true;
    return false;
}

/* May layer i overwrite its input? Not when somebody still reads what it overwrites. */
static bool works_in_place(const struct builder *b, int i)
{
    uint32_t flags = flags_of(b->m, i);

    if (!(flags & RN_LAYER_INPLACE) || !same_count(b->m, i))
        return false;
    if (b->training && (flags & RN_LAYER_READS_IN))
        return false;
    return !read_elsewhere(b, i, b->out->act[b->m->layers[i].from[0]]);
}

/* The last forward call that reads what layer i gives. The loss may read it backward, too. */
static int last_use(const struct model *m, int i)
{
    if (i + 1 == m->n_layers)
        return m->n_layers + 2;
    for (int k = m->n_layers - 1; k > i; k--)
        for (int j = 0; j < m->layers[k].n_from; j++)
            if (m->layers[k].from[j] == i + 1)
                return forward_time(k);
    return forward_time(i);
}

static void place_activations(struct builder *b)
{
    const struct model *m = b->m;
    int *act = b->out->act;

    act[0] = add_item(b, b->rows * rn_count(&m->input), 0, last_use(m, -1));
    for (int i = 0; i < m->n_layers; i++) {
        const struct model_layer *l = &m->layers[i];
        uint32_t flags = flags_of(m, i);

        if ((flags & RN_LAYER_VIEW) || works_in_place(b, i))
            act[i + 1] = act[l->from[0]];
        else
            act[i + 1] = add_item(b, b->rows * rn_count(&l->out), forward_time(i), last_use(m, i));
        extend(b, act[i + 1], forward_time(i), last_use(m, i));
        for (int j = 0; b->training && (flags & RN_LAYER_READS_IN) && j < l->n_from; j++)
            extend(b, act[l->from[j]], forward_time(i), backward_time(m, i));
        if (b->training && (flags & RN_LAYER_READS_OUT))
            extend(b, act[i + 1], forward_time(i), backward_time(m, i));
    }
}

/* Where backward of layer i writes the gradient of its input j. */
static struct step_din place_din(struct builder *b, int i, int j)
{
    const struct model *m = b->m;
    const struct model_layer *l = &m->layers[i];
    int value = l->from[j], *grad = b->out->grad;
    int now = backward_time(m, i), used = backward_time(m, value - 1);
    bool view = flags_of(m, i) & RN_LAYER_VIEW, again = false;

    for (int k = 0; k < j; k++)
        again |= l->from[k] == value;
    if (grad[value] >= 0 && view)
        return (struct step_din){grad[i + 1], false, true};
    if (again)
        return (struct step_din){add_item(b, b->rows * rn_count(model_shape(m, value)), now, now),
                                 false, true};
    if (grad[value] >= 0)
        return (struct step_din){grad[value], true, false};
    bool in_place = !j && (flags_of(m, i) & RN_LAYER_INPLACE) && same_count(m, i);
    grad[value] = view || in_place
                      ? grad[i + 1]
                      : add_item(b, b->rows * rn_count(model_shape(m, value)), now, used);
    extend(b, grad[value], now, used);
    return (struct step_din){grad[value], false, false};
}

static void place_gradients(struct builder *b)
{
    const struct model *m = b->m;
    int n = m->n_layers;

    for (int value = 0; value <= n; value++)
        b->out->grad[value] = -1;
    if (b->training)
        b->out->grad[n] =
            add_item(b, b->rows * rn_count(model_shape(m, n)), n + 2, backward_time(m, n - 1));
    for (int i = n - 1; i >= 0; i--)
        for (int j = 0; j < m->layers[i].n_from; j++) {
            bool wanted = b->training && step_needs_grad(m, m->layers[i].from[j]);
            b->out->din[i][j] = wanted ? place_din(b, i, j) : (struct step_din){-1, false, false};
        }
}

static int place_buffers(struct builder *b)
{
    const struct model *m = b->m;

    for (int i = 0; i <= m->n_layers; i++) {
        const struct model_layer *l = &m->layers[i];
        int first = forward_time(i);
        int last = !b->training ? first : i < m->n_layers ? backward_time(m, i) : first + 1;

        b->out->buffers[i] = pool_alloc(b->pool, (size_t)(l->n_buffers + 1) * sizeof(int));
        if (!b->out->buffers[i])
            return RN_ENOMEM;
        for (int k = 0; k < l->n_buffers; k++) {
            const struct model_buffer *buffer = &l->buffers[k];
            int64_t n = rn_count(&buffer->shape) * (buffer->flags & RN_PER_SAMPLE ? b->rows : 1);
            b->out->buffers[i][k] =
                buffer->life == RN_PERSISTENT ? -1 : add_item(b, n, first, last);
        }
    }
    return RN_OK;
}

int step_layout(struct pool *p, const struct model *m, bool training, int64_t rows,
                struct step_layout *out)
{
    struct builder b = {p, m, out, training, rows};
    int max_items = 2 * (m->n_layers + 1) + 7, end = last_time(m);

    for (int i = 0; i <= m->n_layers; i++)
        max_items += m->layers[i].n_buffers + m->layers[i].n_from;
    *out = (struct step_layout){
        .items = pool_alloc(p, (size_t)max_items * sizeof *out->items),
        .act = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->act),
        .grad = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->grad),
        .din = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->din),
        .buffers = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->buffers)};
    if (!out->items || !out->act || !out->grad || !out->din || !out->buffers)
        return RN_ENOMEM;
    for (int i = 0; i < m->n_layers; i++)
        if (!(out->din[i] = pool_alloc(p, (size_t)m->layers[i].n_from * sizeof **out->din)))
            return RN_ENOMEM;
    place_activations(&b);
    place_gradients(&b);
    TRY(place_buffers(&b));
    out->target = add_item(&b, rows * m->target_width, 0, end);
    out->loss = add_item(&b, rows, 0, end);
    out->weight = add_item(&b, rows, 0, end);
    out->sum_weight = add_item(&b, 1, 0, end);
    out->scale = add_item(&b, 1, 0, end);
    out->best = add_item(&b, rows, 0, end);
    out->correct = add_item(&b, rows, 0, end);
    out->bytes = memory_place(out->items, out->n_items);
    return RN_OK;
}
