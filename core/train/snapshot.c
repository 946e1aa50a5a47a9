/* snapshot.c - parameters, slots of the optimizer and of callbacks, kept buffers, and gradients
 * that are being added up. */
#include "snapshot.h"

#include "base/error.h"

struct array {
    rn_real *at;
    int64_t n;
};

/* Array i of the model; at is NULL behind the last. */
static struct array array_of(const struct model *m, int i)
{
    if (i == 0)
        return (struct array){m->param, m->flat};
    if (i == 1)
        return (struct array){m->grad, m->experiment->train.accumulate > 1 ? m->flat : 0};
    if (i == 2)
        return (struct array){m->persistent ? m->persistent : m->param, m->kept};
    i -= 3;
    if (i < m->n_slots)
        return (struct array){m->slots[i], m->flat};
    i -= m->n_slots;
    for (int w = 0; w < m->n_watches; i -= m->watches[w++].n_slots)
        if (i < m->watches[w].n_slots)
            return (struct array){m->watches[w].slots[i], m->flat + m->kept};
    return (struct array){0};
}

static int make_room(struct pool *p, const struct model *m, struct snapshot *s)
{
    int n = 0;

    while (array_of(m, n).at)
        n++;
    s->copy = pool_alloc(p, (size_t)(n + 1) * sizeof *s->copy);
    for (int i = 0; s->copy && i < n; i++) {
        s->copy[i] = pool_alloc(p, (size_t)(array_of(m, i).n + 1) * sizeof **s->copy);
        if (!s->copy[i])
            s->copy = NULL;
    }
    return s->copy ? RN_OK : RN_ENOMEM;
}

int snapshot_take(struct pool *p, const struct model *m, struct snapshot *s)
{
    if (!s->copy)
        TRY(make_room(p, m, s));
    for (int i = 0; array_of(m, i).at; i++) {
        struct array a = array_of(m, i);
        if (a.n)
            TRY(m->dev->ops->download(m->dev, s->copy[i], a.at, (size_t)a.n * sizeof *a.at));
    }
    return RN_OK;
}

int snapshot_restore(const struct model *m, const struct snapshot *s)
{
    for (int i = 0; s->copy && array_of(m, i).at; i++) {
        struct array a = array_of(m, i);
        if (a.n)
            TRY(m->dev->ops->upload(m->dev, a.at, s->copy[i], (size_t)a.n * sizeof *a.at));
    }
    return m->dev->ops->sync(m->dev);
}
