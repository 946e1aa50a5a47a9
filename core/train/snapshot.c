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

static rn_real **make_room(struct pool *p, const struct model *m)
{
    int n = 0;

    while (array_of(m, n).at)
        n++;
    rn_real **copy = pool_alloc(p, (size_t)(n + 1) * sizeof *copy);
    for (int i = 0; copy && i < n; i++) {
        copy[i] = pool_alloc(p, (size_t)(array_of(m, i).n + 1) * sizeof **copy);
        if (!copy[i])
            return NULL;
    }
    return copy;
}

int64_t snapshot_size(const struct model *m, int i)
{
    struct array a = array_of(m, i);

    return a.at ? a.n : -1;
}

int snapshot_make(struct pool *p, const struct model *m, struct snapshot *s)
{
    s->copy = make_room(p, m);
    return s->copy ? RN_OK : RN_ENOMEM;
}

#define LANES 16 /* sums that do not wait for each other */

static bool all_finite(const rn_real *x, int64_t n)
{
    rn_real lane[LANES] = {0}, sum = 0; /* of zeros, but for infinity and NaN */
    int64_t i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[i + l] * 0;
    for (; i < n; i++)
        sum += x[i] * 0;
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum == 0;
}

int snapshot_take(struct pool *p, const struct model *m, struct snapshot *s, bool *good)
{
    rn_real **to = s->spare ? s->spare : make_room(p, m);

    *good = false;
    if (!to)
        return RN_ENOMEM;
    s->spare = to;
    for (int i = 0; array_of(m, i).at; i++) {
        struct array a = array_of(m, i);
        if (a.n)
            TRY(m->dev->ops->download(m->dev, to[i], a.at, (size_t)a.n * sizeof *a.at));
        if (i == 0 && !all_finite(to[0], a.n))
            return RN_OK;
    }
    *good = true;
    s->spare = s->copy;
    s->copy = to;
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
