/* layout.c - the lifetimes of the tensors of a step, and so their places in the arena.
 *
 * Time counts the calls: forward of layer i is i + 1, the loss forward n + 1 and backward n + 2,
 * backward of layer i n + 3 + (n - 1 - i). A view, or a layer that may work in place, shares the
 * item of its input. */
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

bool step_needs_grad(const struct model *m, int act)
{
    for (int i = 0; i < act; i++)
        if (m->layers[i].n_params)
            return true;
    return false;
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

/* May layer i overwrite its input? Not when a backward pass still reads what it overwrites. */
static bool works_in_place(const struct builder *b, int i)
{
    const int *act = b->out->act;

    if (!(flags_of(b->m, i) & RN_LAYER_INPLACE))
        return false;
    if (!b->training)
        return true;
    if (flags_of(b->m, i) & RN_LAYER_READS_IN)
        return false;
    for (int k = i - 1; k >= 0; k--) {
        if (flags_of(b->m, k) & RN_LAYER_READS_OUT)
            return false;
        if (act[k] != act[k + 1])
            break;
    }
    return true;
}

static void place_activations(struct builder *b)
{
    const struct model *m = b->m;
    int n = m->n_layers, *act = b->out->act;

    act[0] = add_item(b, b->rows * rn_count(&m->input), 0, forward_time(0));
    for (int i = 0; i < n; i++) {
        uint32_t flags = flags_of(m, i);
        int use = i + 1 < n ? forward_time(i + 1) : n + 2; /* backward of the loss may read it */

        if ((flags & RN_LAYER_VIEW) || works_in_place(b, i))
            act[i + 1] = act[i];
        else
            act[i + 1] = add_item(b, b->rows * rn_count(&m->layers[i].out), forward_time(i), use);
        extend(b, act[i + 1], forward_time(i), use);
        if (b->training && (flags & RN_LAYER_READS_IN))
            extend(b, act[i], forward_time(i), backward_time(m, i));
        if (b->training && (flags & RN_LAYER_READS_OUT))
            extend(b, act[i + 1], forward_time(i), backward_time(m, i));
    }
}

static void place_gradients(struct builder *b)
{
    const struct model *m = b->m;
    int n = m->n_layers, *grad = b->out->grad;

    for (int i = n; i >= 0; i--) {
        int made = i < n ? backward_time(m, i) : n + 2;
        int used = i ? backward_time(m, i - 1) : made;
        bool shared = i < n && (flags_of(m, i) & (RN_LAYER_VIEW | RN_LAYER_INPLACE));

        grad[i] = -1;
        if (!b->training || (i < n && !step_needs_grad(m, i)))
            continue;
        const struct rn_shape *shape = i ? &m->layers[i - 1].out : &m->input;
        grad[i] = shared ? grad[i + 1] : add_item(b, b->rows * rn_count(shape), made, used);
        extend(b, grad[i], made, used);
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
        max_items += m->layers[i].n_buffers;
    *out = (struct step_layout){
        .items = pool_alloc(p, (size_t)max_items * sizeof *out->items),
        .act = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->act),
        .grad = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->grad),
        .buffers = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *out->buffers)};
    if (!out->items || !out->act || !out->grad || !out->buffers)
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
