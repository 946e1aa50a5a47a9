/* watch.c - one state and one snapshot for each callback. */
#define _XOPEN_SOURCE 700
#include "watch.h"

#include "base/error.h"
#include "model/step.h"

#include <string.h>

struct watcher {
    const struct part *part;
    const struct rn_callback_ops *ops;
    void *state;
    struct snapshot kept;
    struct trainer_state kept_at;
};

struct watch {
    struct pool *pool;
    struct model *m;
    struct watcher *watcher;
    int n;
    bool shown; /* what is evaluated stands in the parameters' place */
};

int watch_open(struct pool *p, const struct experiment *e, struct model *m, struct watch **out)
{
    struct watch *w = *out = pool_alloc(p, sizeof *w);

    if (!w)
        return RN_ENOMEM;
    *w = (struct watch){.pool = p, .m = m};
    w->watcher = pool_alloc(p, (size_t)(e->n_callbacks + 1) * sizeof *w->watcher);
    for (; w->watcher && w->n < e->n_callbacks; w->n++) {
        struct watcher *x = &w->watcher[w->n];
        x->part = &e->callbacks[w->n];
        x->ops = &x->part->plugin->ops.callback;
        if (!(x->state = pool_alloc(p, x->ops->state_size + 1)))
            return RN_ENOMEM;
    }
    return w->watcher ? RN_OK : RN_ENOMEM;
}

bool watch_wants(const struct watch *w, uint32_t when)
{
    for (int i = 0; i < w->n; i++)
        if (w->watcher[i].ops->when & when)
            return true;
    return false;
}

void *watch_state(const struct watch *w, int i, uint32_t *bytes)
{
    if (i >= w->n)
        return NULL;
    *bytes = w->watcher[i].ops->state_size;
    return w->watcher[i].state;
}

struct snapshot *watch_kept(struct watch *w, int i, struct trainer_state **at)
{
    *at = &w->watcher[i].kept_at;
    return &w->watcher[i].kept;
}

/* ---- values for each parameter ---------------------------------------------------------- */

int watch_scalars(const struct watch *w, int64_t step, double lr, struct rn_block *b)
{
    for (int i = 0; i < w->m->n_watches; i++) {
        const struct model_watch *x = &w->m->watches[i];
        double scalars[RN_SCALARS] = {0};

        TRY(x->part->plugin->ops.callback.scalars(x->part->opts, step, lr, scalars));
        for (int k = 0; k < RN_SCALARS; k++)
            b->f[x->scalar_from + (uint32_t)k] = (rn_real)scalars[k];
    }
    return RN_OK;
}

RN_MAP(exchange, 2, 2, 0, y0 = x1; y1 = x0;);

static int swap(const struct model *m, rn_real *a, rn_real *b, int64_t n)
{
    if (!n)
        return RN_OK;
    return rn_apply(m->dev, &exchange,
                    (struct rn_map_call){.rows = 1, .cols = n, .in = {a, b}, .out = {a, b}});
}

int watch_show(struct watch *w, bool evaluated)
{
    const struct model *m = w->m;

    for (int i = 0; i < m->n_watches && evaluated != w->shown; i++) {
        const struct model_watch *x = &m->watches[i];
        if (!(x->part->plugin->ops.callback.flags & RN_CALLBACK_EVALUATES))
            continue;
        TRY(swap(m, m->param, x->slots[0], m->flat));
        TRY(swap(m, m->persistent, x->slots[0] + m->flat, m->kept));
        break;
    }
    w->shown = evaluated;
    return RN_OK;
}

/* ---- what they ask for ------------------------------------------------------------------ */

static int keep(struct watch *w, struct watcher *x, const struct trainer_state *now)
{
    bool good;

    TRY(watch_show(w, false));
    TRY(snapshot_take(w->pool, w->m, &x->kept, &good));
    if (good)
        x->kept_at = *now;
    return RN_OK;
}

static int restore(struct watch *w, const struct watcher *x, const struct rn_moment *m,
                   struct watch_result *out)
{
    if (!x->kept.copy)
        return RN_OK;
    TRY(watch_show(w, false));
    out->restored = true;
    out->kept = x->kept_at;
    out->kept_epoch = m->kept_epoch;
    out->who = (int)(x - w->watcher);
    return snapshot_restore(w->m, &x->kept);
}

int watch_restore(struct watch *w, const struct watch_result *r)
{
    TRY(watch_show(w, false));
    return snapshot_restore(w->m, &w->watcher[r->who].kept);
}

static bool file_good(const char *s, size_t room)
{
    size_t n = strnlen(s, room);

    return n && n < room && *s != '.' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
               '\0';
}

static int files(const struct rn_moment *m, const struct trainer_events *events)
{
    if (((m->want & RN_WANT_SAVE) && !file_good(m->file, sizeof m->file)) ||
        ((m->want & RN_WANT_REMOVE) && !file_good(m->old_file, sizeof m->old_file)))
        return FAIL(RN_EPLUGIN, "asks for a file without a usable name");
    if ((m->want & RN_WANT_SAVE) && events->save)
        TRY(events->save(events->ctx, m->file));
    if ((m->want & RN_WANT_REMOVE) && events->remove)
        TRY(events->remove(events->ctx, m->old_file));
    return RN_OK;
}

static int answer(struct watch *w, struct watcher *x, struct rn_moment *m,
                  const struct trainer_state *now, const struct trainer_events *events,
                  struct watch_result *out)
{
    bool shown = w->shown;

    if (m->want & RN_WANT_KEEP)
        TRY(keep(w, x, now));
    if (m->want & RN_WANT_RESTORE)
        TRY(restore(w, x, m, out));
    TRY(watch_show(w, shown || (m->want & RN_WANT_SAVE)));
    TRY(files(m, events));
    TRY(watch_show(w, shown));
    m->reason[sizeof m->reason - 1] = '\0';
    if ((m->want & (RN_WANT_STOP | RN_WANT_DIVERGED)) && !out->stop && !out->diverged)
        memcpy(out->reason, m->reason, sizeof out->reason);
    out->stop |= (m->want & RN_WANT_STOP) != 0;
    out->diverged |= (m->want & RN_WANT_DIVERGED) != 0;
    return RN_OK;
}

int watch_tell(struct watch *w, const struct rn_moment *told, const struct trainer_state *now,
               const struct trainer_events *events, struct watch_result *out)
{
    for (int i = 0; i < w->n; i++) {
        struct watcher *x = &w->watcher[i];
        struct rn_moment m = *told;

        if (!x->ops->at || !(x->ops->when & m.when))
            continue;
        int status = x->ops->at(x->part->opts, x->state, &m);
        status = status < 0 ? status : answer(w, x, &m, now, events, out);
        if (status < 0)
            return error_prefix(status, "%s (%s)", x->part->path, x->part->plugin->name);
    }
    return RN_OK;
}
