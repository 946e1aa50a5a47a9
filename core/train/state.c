/* state.c - where training stands, as a file: what there is, in one list for writing and reading.
 */
#include "state.h"

#include "base/error.h"
#include "base/hex.h"
#include "loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- arrays -------------------------------------------------------------------------------- */

/* One tensor of the file, and where its values are: on the device, or here. */
struct entry {
    const char *name;
    int rank;
    const int64_t *dim;
    int64_t n;
    rn_real *dev, *host;
};

struct list {
    struct pool *pool;
    struct trainer *t;
    struct entry *at; /* NULL: they are only counted */
    int n;
    bool bad; /* out of memory */
};

static void put(struct list *l, const char *kind, const char *name, const struct rn_shape *shape,
                rn_real *dev)
{
    struct entry *e = l->at ? &l->at[l->n] : NULL;

    l->n++;
    if (!e)
        return;
    *e = (struct entry){.name = pool_printf(l->pool, "%s/%s", kind, name),
                        .rank = shape->rank,
                        .dim = shape->dim,
                        .n = rn_count(shape),
                        .dev = dev};
    l->bad |= !e->name;
}

/* n values that are here. */
static void put_host(struct list *l, const char *kind, const char *name, rn_real *host, int64_t n)
{
    struct entry *e = l->at ? &l->at[l->n] : NULL;

    l->n++;
    if (!e)
        return;
    int64_t *dim = pool_alloc(l->pool, sizeof *dim);
    *e = (struct entry){.name = pool_printf(l->pool, "%s/%s", kind, name),
                        .rank = 1,
                        .dim = dim,
                        .n = n,
                        .host = host};
    l->bad |= !dim || !e->name;
    if (dim)
        *dim = n;
}

static void put_params(struct list *l, const char *kind, rn_real *flat)
{
    const struct model *m = l->t->m;

    for (int i = 0; i < m->n_params; i++)
        put(l, kind, m->params[i].name, &m->params[i].shape, flat + m->params[i].offset);
}

static void put_buffers(struct list *l, const char *kind, rn_real *kept)
{
    const struct model *m = l->t->m;

    for (int i = 0; i <= m->n_layers; i++)
        for (int k = 0; k < m->layers[i].n_buffers; k++) {
            const struct model_buffer *b = &m->layers[i].buffers[k];
            if (buffer_is_saved(b))
                put(l, kind, b->name, &b->shape, kept + b->offset);
        }
}

/* Slots of callbacks: of parameters and of kept buffers. */
static void put_watches(struct list *l)
{
    const struct model *m = l->t->m;

    for (int i = 0; i < m->n_watches; i++)
        for (int k = 0; k < m->watches[i].n_slots; k++) {
            const struct model_watch *x = &m->watches[i];
            const char *slot = x->part->plugin->ops.callback.slot_names[k];
            const char *kind = pool_printf(l->pool, "%s.%s", x->part->name, slot);
            l->bad |= !kind;
            if (!kind)
                return;
            put_params(l, kind, x->slots[k]);
            put_buffers(l, kind, x->slots[k] + m->flat);
        }
}

/* What callback i keeps is what the model is now: its place in the file is left out. */
static bool kept_is_now(const struct trainer *t, const struct trainer_state *at)
{
    return at->step == t->state.step;
}

static void put_kept(struct list *l, int i)
{
    struct trainer_state *at;
    const struct snapshot *s = watch_kept(l->t->watch, i, &at);
    const char *kind = pool_printf(l->pool, "kept.%s", l->t->e->callbacks[i].name);
    char number[16];

    l->bad |= !kind;
    if (!kind || !s->copy || kept_is_now(l->t, at))
        return;
    for (int k = 0; snapshot_size(l->t->m, k) >= 0; k++) {
        snprintf(number, sizeof number, "%d", k);
        if (snapshot_size(l->t->m, k))
            put_host(l, kind, number, s->copy[k], snapshot_size(l->t->m, k));
    }
}

static void put_all(struct list *l)
{
    static const char *const histories[HISTORIES] = {"loss", "weight", "correct"};
    struct trainer *t = l->t;
    const struct rn_optimizer_ops *ops = &t->e->optimizer.plugin->ops.optimizer;

    put_params(l, "param", t->m->param);
    for (int i = 0; i < t->m->n_slots; i++)
        put_params(l, ops->slot_names[i], t->m->slots[i]);
    if (t->e->train.accumulate > 1)
        put_params(l, "grad", t->m->grad);
    put_buffers(l, "buffer", t->m->persistent);
    put_watches(l);
    for (int i = 0; i < HISTORIES && !t->over && t->state.step_in_epoch; i++)
        if (i != CORRECT || t->classifies)
            put_host(l, "history", histories[i], t->history[i].host, t->state.step_in_epoch);
    for (int i = 0; i < t->e->n_callbacks; i++)
        put_kept(l, i);
}

static int list_all(struct pool *p, struct trainer *t, struct list *l)
{
    *l = (struct list){.pool = p, .t = t};
    put_all(l);
    l->at = pool_alloc(p, (size_t)(l->n + 1) * sizeof *l->at);
    if (!l->at)
        return RN_ENOMEM;
    l->n = 0;
    put_all(l);
    return l->bad ? RN_ENOMEM : RN_OK;
}

/* ---- numbers ------------------------------------------------------------------------------- */

struct field { /* one of the two */
    char key[48];
    int64_t *whole;
    double *real;
};
enum { FIELDS_MAX = 32 + 2 * EXTRA_METRICS_MAX };

static void add_whole(struct field *f, int *n, const char *key, int64_t *at)
{
    f[*n] = (struct field){.whole = at};
    snprintf(f[(*n)++].key, sizeof f->key, "%s", key);
}

static void add_real(struct field *f, int *n, const char *split, const char *key, double *at)
{
    f[*n] = (struct field){.real = at};
    snprintf(f[(*n)++].key, sizeof f->key, "%s%s", split, key);
}

static void add_evaluation(const struct trainer *t, struct field *f, int *n, const char *split,
                           struct evaluation *e)
{
    char key[16];

    snprintf(key, sizeof key, "%sn", split);
    add_whole(f, n, key, &e->n);
    add_real(f, n, split, "loss", &e->loss);
    add_real(f, n, split, "accuracy", &e->accuracy);
    add_real(f, n, split, "seconds", &e->seconds);
    for (int i = 0; i < t->n_metrics; i++) {
        e->extra[i].name = t->metrics[i]->name;
        add_real(f, n, split, e->extra[i].name, &e->extra[i].value);
    }
}

/* Where training stands. seconds and over stand outside of the trainer in this form. */
static int fields(struct trainer *t, double *seconds, int64_t *over, struct field *f)
{
    struct trainer_state *s = &t->state;
    int n = 0;

    add_whole(f, &n, "step", &s->step);
    add_whole(f, &n, "epoch", &s->epoch);
    add_whole(f, &n, "step_in_epoch", &s->step_in_epoch);
    add_whole(f, &n, "epoch_is_over", over);
    add_whole(f, &n, "updates", &s->updates);
    add_whole(f, &n, "steps_per_epoch", &s->steps_per_epoch);
    add_whole(f, &n, "best_epoch", &s->best_epoch);
    add_real(f, &n, "", "best_val_loss", &s->best_val_loss);
    add_real(f, &n, "", "train_s", &s->train_s);
    add_real(f, &n, "", "epoch_train_s", &t->train_s);
    add_real(f, &n, "", "seconds", seconds);
    add_whole(f, &n, "told_to", &t->told_to);
    add_real(f, &n, "", "lr", &t->lr);
    add_real(f, &n, "", "train.loss", &t->train_loss);
    add_real(f, &n, "", "train.accuracy", &t->train_accuracy);
    add_evaluation(t, f, &n, "fit.", &t->fit);
    add_evaluation(t, f, &n, "val.", &t->val);
    return n;
}

/* ---- the inside of the model, of an epoch that is not over --------------------------------- */

enum { PARAM_NUMBERS = 5 + RN_BINS };

static size_t inside_numbers(const struct trainer *t)
{
    const struct trainer_inside *in = &t->inside.shown;

    return (size_t)in->n_params * PARAM_NUMBERS + (size_t)in->n_units;
}

static bool inside_is_open(const struct trainer *t)
{
    return !t->over && t->inside.shown.epoch == t->state.epoch;
}

/* To and from a list of numbers: counts below 2^53 are whole in a double. */
static void inside_move(struct trainer *t, double *v, bool reading)
{
    struct inside *in = &t->inside;

    for (int i = 0; i < in->shown.n_params; i++) {
        struct rn_param_fact *f = &in->params[i];
        double *reals[] = {&f->grad_norm, &f->weight_norm, &f->update_norm, &f->least, &f->most};
        for (int k = 0; k < 5; k++, v++)
            *(reading ? reals[k] : v) = *(reading ? v : reals[k]);
        for (int b = 0; b < RN_BINS; b++, v++)
            if (reading)
                in->bins[i][b] = (int64_t)*v;
            else
                *v = (double)in->bins[i][b];
    }
    for (int i = 0; i < in->shown.n_units; i++, v++)
        if (reading)
            in->units[i].silent = (int64_t)*v;
        else
            *v = (double)in->units[i].silent;
}

/* ---- writing ------------------------------------------------------------------------------- */

struct facts {
    struct pool *pool;
    struct rn_fact *at;
    int n;
    bool bad;
};

static void add_fact(struct facts *f, const char *key, const char *value)
{
    f->bad |= !key || !value;
    f->at[f->n++] = (struct rn_fact){key, value};
}

static void add_parts(struct facts *f, struct trainer *t)
{
    struct pool *p = f->pool;
    const struct part *scheduler = &t->e->scheduler;
    uint32_t bytes = scheduler->plugin ? scheduler->plugin->ops.scheduler.state_size : 0;
    const void *state;

    if (bytes)
        add_fact(f, "state/scheduler", hex_text(p, t->rate.state, bytes));
    for (int i = 0; (state = watch_state(t->watch, i, &bytes)); i++) {
        const char *path = t->e->callbacks[i].path;
        struct trainer_state *at;
        if (bytes)
            add_fact(f, pool_printf(p, "state/%s", path), hex_text(p, state, bytes));
        if (watch_kept(t->watch, i, &at)->copy)
            add_fact(f, pool_printf(p, "kept/%s", path), hex_text(p, at, sizeof *at));
    }
}

static void add_numbers(struct facts *f, struct trainer *t)
{
    struct field list[FIELDS_MAX];
    double seconds = loop_seconds(t);
    int64_t over = t->over;
    int n = fields(t, &seconds, &over, list);

    add_fact(f, "seed", pool_printf(f->pool, "%llu", (unsigned long long)t->e->seed));
    for (int i = 0; i < n; i++) {
        const char *key = pool_strdup(f->pool, list[i].key);
        add_fact(f, key,
                 list[i].whole ? pool_printf(f->pool, "%lld", (long long)*list[i].whole)
                               : pool_printf(f->pool, "%.17g", *list[i].real));
    }
}

static int gather_facts(struct pool *p, struct trainer *t, const struct rn_fact *more, int n_more,
                        struct facts *f)
{
    size_t room = FIELDS_MAX + 8 + 2 * (size_t)t->e->n_callbacks + (size_t)n_more;

    *f = (struct facts){.pool = p, .at = pool_alloc(p, room * sizeof *f->at)};
    if (!f->at)
        return RN_ENOMEM;
    add_numbers(f, t);
    add_parts(f, t);
    if (t->wanted.stop)
        add_fact(f, "ended", pool_strdup(p, t->wanted.reason));
    if (inside_is_open(t)) {
        double *v = pool_alloc(p, (inside_numbers(t) + 1) * sizeof *v);
        if (!v)
            return RN_ENOMEM;
        inside_move(t, v, false);
        add_fact(f, "inside", hex_text(p, v, inside_numbers(t) * sizeof *v));
    }
    for (int i = 0; i < n_more; i++)
        add_fact(f, more[i].key, more[i].value);
    return f->bad ? RN_ENOMEM : RN_OK;
}

/* The values of an entry as floats, here. */
static int fetch(struct pool *p, struct trainer *t, struct entry *e, float **out)
{
    rn_real *host = e->host;
    float *to = pool_alloc(p, (size_t)(e->n + 1) * sizeof *to);

    if (e->dev) {
        host = pool_alloc(p, (size_t)(e->n + 1) * sizeof *host);
        if (!host)
            return RN_ENOMEM;
        TRY(t->dev->ops->download(t->dev, host, e->dev, (size_t)e->n * sizeof *host));
    }
    if (!to)
        return RN_ENOMEM;
    for (int64_t i = 0; i < e->n; i++)
        to[i] = (float)host[i];
    *out = to;
    return RN_OK;
}

static int write_all(struct pool *p, struct trainer *t, const char *path,
                     const struct rn_fact *more, int n_more)
{
    struct facts facts;
    struct list l;

    if (t->read_to < t->state.step_in_epoch)
        TRY(loop_read_history(t));
    TRY(list_all(p, t, &l));
    TRY(gather_facts(p, t, more, n_more, &facts));
    struct st_tensor *tensors = pool_alloc(p, (size_t)(l.n + 1) * sizeof *tensors);
    if (!tensors)
        return RN_ENOMEM;
    for (int i = 0; i < l.n; i++) {
        float *data;
        TRY(fetch(p, t, &l.at[i], &data));
        tensors[i] = (struct st_tensor){l.at[i].name, l.at[i].rank, l.at[i].dim, data};
    }
    return safetensors_write(path, tensors, l.n, facts.at, facts.n);
}

int state_write(struct trainer *t, const char *path, const struct rn_fact *more, int n_more)
{
    struct pool *p = pool_new();
    int status = p ? write_all(p, t, path, more, n_more) : RN_ENOMEM;

    pool_free(p);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------- */

#define ADVICE "; put a copy of it there, or remove it, and the run begins anew"

int state_read(const char *path, struct safetensors *out)
{
    int status = safetensors_read(path, out);

    if (status == RN_EDATA) {
        struct error why = error_save();
        return FAIL(RN_EDATA, "%s" ADVICE, why.text);
    }
    if (status < 0)
        return status;
    if (out->verified && state_fact(out, "told_to"))
        return RN_OK;
    safetensors_free(out);
    return FAIL(RN_EDATA, "%s: not the state of a run, or of another version of runner" ADVICE,
                path);
}

const char *state_fact(const struct safetensors *st, const char *key)
{
    for (int i = 0; i < st->n_meta; i++)
        if (!strcmp(st->meta[i].key, key))
            return st->meta[i].value;
    return NULL;
}

static int unfit(const char *path, const char *what)
{
    return FAIL(RN_EDATA, "%s: %s does not fit: it is of another experiment, or other data" ADVICE,
                path, what);
}

static bool number(const struct safetensors *st, const struct field *f)
{
    const char *s = state_fact(st, f->key);
    char *end = NULL;

    if (s && f->whole)
        *f->whole = strtoll(s, &end, 10);
    else if (s)
        *f->real = strtod(s, &end);
    return s && end != s && !*end && (!f->whole || *f->whole >= 0);
}

static int read_numbers(struct trainer *t, const struct safetensors *st, const char *path)
{
    struct field list[FIELDS_MAX];
    int64_t over = 0, steps = t->state.steps_per_epoch;
    int n = fields(t, &t->before_s, &over, list);
    const struct trainer_state *s = &t->state;

    for (int i = 0; i < n; i++)
        if (!number(st, &list[i]))
            return unfit(path, list[i].key);
    if (s->steps_per_epoch != steps)
        return unfit(path, "steps_per_epoch");
    if (s->step_in_epoch > steps || t->told_to > s->step_in_epoch || !s->epoch)
        return unfit(path, "step_in_epoch");
    t->over = over != 0;
    t->fit.n_extra = t->val.n_extra = t->n_metrics;
    return RN_OK;
}

static int read_parts(struct trainer *t, const struct safetensors *st, const char *path)
{
    const struct part *scheduler = &t->e->scheduler;
    uint32_t bytes = scheduler->plugin ? scheduler->plugin->ops.scheduler.state_size : 0;
    void *state;

    if (bytes && !hex_bytes(state_fact(st, "state/scheduler"), t->rate.state, bytes))
        return unfit(path, "state/scheduler");
    for (int i = 0; (state = watch_state(t->watch, i, &bytes)); i++) {
        struct trainer_state *at;
        struct snapshot *s = watch_kept(t->watch, i, &at);
        char key[512];
        snprintf(key, sizeof key, "state/%s", t->e->callbacks[i].path);
        if (bytes && !hex_bytes(state_fact(st, key), state, bytes))
            return unfit(path, key);
        snprintf(key, sizeof key, "kept/%s", t->e->callbacks[i].path);
        if (!state_fact(st, key))
            continue;
        if (!hex_bytes(state_fact(st, key), at, sizeof *at))
            return unfit(path, key);
        TRY(snapshot_make(t->pool, t->m, s));
    }
    return RN_OK;
}

static int read_inside(struct pool *p, struct trainer *t, const struct safetensors *st,
                       const char *path)
{
    const char *s = state_fact(st, "inside");
    double *v = pool_alloc(p, (inside_numbers(t) + 1) * sizeof *v);

    if (!v)
        return RN_ENOMEM;
    if (!s)
        return RN_OK;
    if (!hex_bytes(s, v, inside_numbers(t) * sizeof *v))
        return unfit(path, "inside");
    inside_move(t, v, true);
    t->inside.shown.epoch = t->state.epoch;
    for (int i = 0; i < t->inside.shown.n_params; i++)
        t->inside.params[i].epoch = t->state.epoch;
    for (int i = 0; i < t->inside.shown.n_units; i++)
        t->inside.units[i].epoch = t->state.epoch;
    return RN_OK;
}

static const struct st_tensor *find(const struct safetensors *st, const struct entry *e)
{
    for (int i = 0; i < st->n; i++) {
        const struct st_tensor *x = &st->tensors[i];
        if (!strcmp(x->name, e->name))
            return x->rank == e->rank && !memcmp(x->dim, e->dim, (size_t)e->rank * sizeof *e->dim)
                       ? x
                       : NULL;
    }
    return NULL;
}

static int read_arrays(struct pool *p, struct trainer *t, const struct safetensors *st,
                       const char *path)
{
    struct list l;

    TRY(list_all(p, t, &l));
    for (int i = 0; i < l.n; i++) {
        const struct entry *e = &l.at[i];
        const struct st_tensor *x = find(st, e);
        rn_real *host = e->host ? e->host : pool_alloc(p, (size_t)(e->n + 1) * sizeof *host);
        if (!x)
            return unfit(path, e->name);
        if (!host)
            return RN_ENOMEM;
        for (int64_t k = 0; k < e->n; k++)
            host[k] = x->data[k];
        if (e->dev)
            TRY(t->dev->ops->upload(t->dev, e->dev, host, (size_t)e->n * sizeof *host));
    }
    return t->dev->ops->sync(t->dev);
}

/* What stands in the file once, and in the trainer twice. */
static int copy_kept(struct trainer *t)
{
    for (int i = 0; i < t->e->n_callbacks; i++) {
        struct trainer_state *at;
        struct snapshot *s = watch_kept(t->watch, i, &at);
        bool good;
        if (s->copy && kept_is_now(t, at))
            TRY(snapshot_take(t->pool, t->m, s, &good));
    }
    return RN_OK;
}

static void read_end(struct trainer *t, const struct safetensors *st)
{
    const char *reason = state_fact(st, "ended");

    t->wanted.stop = reason != NULL;
    snprintf(t->wanted.reason, sizeof t->wanted.reason, "%s", reason ? reason : "");
}

static int restore(struct pool *p, struct trainer *t, const struct safetensors *st,
                   const char *path)
{
    TRY(read_numbers(t, st, path));
    TRY(read_parts(t, st, path));
    TRY(read_inside(p, t, st, path));
    TRY(read_arrays(p, t, st, path));
    TRY(copy_kept(t));
    read_end(t, st);
    t->read_to = t->over ? 0 : t->state.step_in_epoch;
    for (int64_t i = 0; i < t->read_to && t->bad < 0; i++)
        if (!isfinite(t->history[LOSS].host[i]))
            t->bad = i;
    return RN_OK;
}

int state_restore(struct trainer *t, const struct safetensors *st, const char *path)
{
    struct pool *p = pool_new();
    int status = p ? restore(p, t, st, path) : RN_ENOMEM;

    pool_free(p);
    return status;
}

void state_forget_end(struct trainer *t)
{
    t->wanted.stop = false;
    t->wanted.reason[0] = '\0';
}
