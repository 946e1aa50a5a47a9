/* agree.c - two sessions of one experiment, step by step, and what each layer gave on both. Device
 * 0 does a step and what it gave is kept; then device 1 does it and is compared. */
#include "agree.h"

#include "base/error.h"
#include "session.h"
#include "train/trainer.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct given { /* what a call gave on device 0 */
    struct given *next;
    int64_t n;
    rn_real values[];
};

struct side { /* one device */
    struct agreement *all;
    struct session s;
    struct trainer *trainer;
    int number;
};

struct agreement {
    const struct agree_plan *plan;
    struct agree *a;
    struct side side[2];
    enum agree_moment moment;
    struct given *first, **end, *now; /* of the step under way; now: what device 1 gives next */
    rn_real *room;                    /* for a tensor of device 1 */
    int64_t room_n;
};

/* ---- figures ------------------------------------------------------------------------------ */

static struct agree_figure compare(const rn_real *a, const rn_real *b, int64_t n)
{
    double apart = 0, most = 0, off = 0, all = 0;
    bool alone = false; /* something that is no number, and something else beside it */

    for (int64_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i], d = x - y;
        if (!isfinite(x) || !isfinite(y)) {
            alone = alone || !(x == y || (isnan(x) && isnan(y)));
            continue;
        }
        apart = fmax(apart, fabs(d));
        most = fmax(most, fabs(y));
        off += d * d;
        all += y * y;
    }
    return (struct agree_figure){.values = n,
                                 .relative = alone || (apart > 0 && most <= 0) ? INFINITY
                                             : apart > 0                       ? apart / most
                                                                               : 0,
                                 .nmse = alone || (off > 0 && all <= 0) ? INFINITY
                                         : off > 0                      ? off / all
                                                                        : 0};
}

static void take_worse(struct agree_figure *f, struct agree_figure other)
{
    int64_t values = f->values + other.values;

    if (!f->values || other.relative > f->relative) {
        other.nmse = fmax(f->nmse, other.nmse);
        *f = other;
    }
    f->nmse = fmax(f->nmse, other.nmse);
    f->values = values;
}

/* ---- looking ------------------------------------------------------------------------------ */

static const struct model_param *param_at(const struct model *m, const rn_real *flat,
                                          const rn_real *data)
{
    for (int i = 0; i < m->n_params; i++)
        if (data == flat + m->params[i].offset)
            return &m->params[i];
    return NULL;
}

/* Where what a call gave belongs. */
static struct agree_figure *place_of(struct agreement *all, const char *layer, const char *phase,
                                     const struct model_param **param, const rn_real *data)
{
    const struct model *m = all->side[1].s.model;
    struct agree *a = all->a;
    enum agree_part part = AGREE_OUT;
    int i = 0;

    *param = NULL;
    if (!strcmp(phase, "backward")) {
        *param = param_at(m, m->grad, data);
        part = *param ? AGREE_DPARAM : AGREE_DINPUT;
    } else if (!strcmp(phase, "update")) {
        *param = param_at(m, m->param, data);
        part = AGREE_PARAM;
    }
    if (!strcmp(layer, "loss"))
        i = m->n_layers + 1;
    for (int k = 0; k < m->n_layers; k++)
        if (!strcmp(layer, m->layers[k].part->path))
            i = k + 1;
    return &a->layers[i].at[all->moment][part];
}

static int keep(void *ctx, const char *layer, const char *phase, const rn_real *data, int64_t n)
{
    struct side *side = ctx;
    struct rn_device *d = side->s.device;
    struct given *g = mem_alloc(sizeof *g + (size_t)n * sizeof *g->values);

    (void)layer, (void)phase;
    if (!g)
        return RN_ENOMEM;
    g->n = n;
    *side->all->end = g;
    side->all->end = &g->next;
    return d->ops->download(d, g->values, data, (size_t)n * sizeof *data);
}

static int make_room(struct agreement *all, int64_t n)
{
    if (n <= all->room_n)
        return RN_OK;
    mem_free(all->room);
    all->room = mem_array((size_t)n, sizeof *all->room);
    all->room_n = all->room ? n : 0;
    return all->room ? RN_OK : RN_ENOMEM;
}

static int match(void *ctx, const char *layer, const char *phase, const rn_real *data, int64_t n)
{
    struct side *side = ctx;
    struct agreement *all = side->all;
    struct rn_device *d = side->s.device;
    const struct model_param *param;
    struct given *g = all->now;

    if (!g || g->n != n)
        return FAIL(RN_EPLUGIN, "%s: %s gives %lld values, on the other device %lld", layer, phase,
                    (long long)n, (long long)(g ? g->n : 0));
    all->now = g->next;
    TRY(make_room(all, n));
    TRY(d->ops->download(d, all->room, data, (size_t)n * sizeof *data));
    struct agree_figure *f = place_of(all, layer, phase, &param, data);
    struct agree_figure figure = compare(g->values, all->room, n);
    figure.tensor = param ? pool_strdup(all->a->pool, param->name) : NULL;
    take_worse(f, figure);
    return RN_OK;
}

static void forget(struct agreement *all)
{
    for (struct given *g = all->first, *next; g; g = next) {
        next = g->next;
        mem_free(g);
    }
    all->first = NULL;
    all->end = &all->first;
}

/* ---- steps -------------------------------------------------------------------------------- */

static int in_words(const struct side *side, int status)
{
    const char *device = side->all->plan->device[side->number];

    return error_prefix(status, "on device %s", device ? device : "of the experiment");
}

static void gap(struct agree *a, int64_t i)
{
    double x = a->loss[0][i], y = a->loss[1][i];
    double d = isfinite(x) && isfinite(y) ? fabs(x - y) / fmax(fabs(y), 1)
               : isnan(x)                 ? (isnan(y) ? 0 : INFINITY)
               : x == y                   ? 0
                                          : INFINITY;

    a->loss_gap = fmax(a->loss_gap, d);
}

/* seen: what layers give is compared. */
static int one_step(struct agreement *all, int64_t i, bool seen)
{
    step_look *const looks[] = {keep, match};
    int status = RN_OK;

    for (int k = 0; k < 2 && status >= 0; k++) {
        struct side *side = &all->side[k];
        all->now = all->first;
        status = trainer_step(side->trainer, seen ? looks[k] : NULL, side, &all->a->loss[k][i]);
        if (status < 0)
            in_words(side, status);
    }
    forget(all);
    if (status >= 0)
        gap(all->a, i);
    if (all->plan->progress)
        all->plan->progress(all->plan->ctx, i + 1, all->plan->steps);
    return status;
}

static int compare_weights(struct agreement *all)
{
    struct agree *a = all->a;

    for (int i = 0; i < all->side[0].s.model->n_params; i++) {
        const struct model_param *p = &all->side[0].s.model->params[i];
        int64_t n = rn_count(&p->shape);
        TRY(make_room(all, 2 * n));
        for (int k = 0; k < 2; k++) {
            struct rn_device *d = all->side[k].s.device;
            TRY(d->ops->download(d, all->room + k * n, all->side[k].s.model->param + p->offset,
                                 (size_t)n * sizeof(rn_real)));
        }
        struct agree_figure f = compare(all->room, all->room + n, n);
        f.tensor = pool_strdup(a->pool, p->name);
        take_worse(&a->weights, f);
    }
    return RN_OK;
}

/* What is not looked at twice: with one step, the first is the last. */
static int all_steps(struct agreement *all)
{
    int64_t n = all->plan->steps;

    for (int64_t i = 0; i < n; i++) {
        all->moment = i ? AGREE_LAST : AGREE_FIRST;
        TRY(one_step(all, i, !i || i == n - 1));
    }
    for (int i = 0; i < all->a->n_layers && n == 1; i++)
        memcpy(all->a->layers[i].at[AGREE_LAST], all->a->layers[i].at[AGREE_FIRST],
               sizeof all->a->layers[i].at[AGREE_FIRST]);
    return compare_weights(all);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* The mistakes of the file are in the session's diag: into the error, which outlives it. */
static int say_mistakes(const struct session *s, int status)
{
    struct text t = {0};

    if (!s->diag || !diag_errors(s->diag))
        return status;
    diag_text(s->diag, false, &t);
    FAIL(status, "%s", text_str(&t));
    text_free(&t);
    return status;
}

static int open_side(struct side *side)
{
    const struct agree_plan *p = side->all->plan;
    struct pool *pool = side->all->a->pool;
    const char *device = p->device[side->number];
    const char **overrides = pool_alloc(pool, (size_t)(p->n_overrides + 1) * sizeof *overrides);
    int n = 0;

    if (!overrides)
        return RN_ENOMEM;
    for (; n < p->n_overrides; n++)
        overrides[n] = p->overrides[n];
    if (device && !(overrides[n++] = pool_printf(pool, "device=%s", device)))
        return RN_ENOMEM;
    int status = session_load(&side->s, p->file, overrides, n, p->plugin_dirs, p->n_plugin_dirs);
    status = status < 0 ? status : session_plan(&side->s);
    if (status < 0)
        return say_mistakes(&side->s, status);
    TRY(session_open(&side->s));
    return trainer_open(side->s.experiment, side->s.model, &side->s.data, &side->trainer);
}

static int name_device(struct agree *a, struct side *side)
{
    struct rn_device_info info = {.size = sizeof info};

    TRY(side->s.device->ops->info(side->s.device, &info));
    a->device[side->number] = pool_strdup(a->pool, info.name);
    a->detail[side->number] = pool_strdup(a->pool, info.detail);
    return a->device[side->number] && a->detail[side->number] ? RN_OK : RN_ENOMEM;
}

static int name_layers(struct agree *a, const struct model *m)
{
    a->n_layers = m->n_layers + 2;
    a->layers = pool_alloc(a->pool, (size_t)a->n_layers * sizeof *a->layers);
    if (!a->layers)
        return RN_ENOMEM;
    a->layers[0].name = "data";
    a->layers[0].type = pool_strdup(a->pool, m->experiment->data.plugin->name);
    a->layers[m->n_layers + 1].name = "loss";
    a->layers[m->n_layers + 1].type = pool_strdup(a->pool, m->experiment->loss.plugin->name);
    for (int i = 0; i < m->n_layers; i++) {
        a->layers[i + 1].name = pool_strdup(a->pool, m->layers[i].name);
        a->layers[i + 1].type = pool_strdup(a->pool, m->layers[i].part->plugin->name);
    }
    for (int i = 0; i < a->n_layers; i++)
        if (!a->layers[i].name || !a->layers[i].type)
            return RN_ENOMEM;
    return RN_OK;
}

static int do_all(struct agreement *all)
{
    struct agree *a = all->a;

    if (all->plan->steps < 1)
        return FAIL(RN_EINVAL, "at least one step is to be compared, not %lld",
                    (long long)all->plan->steps);
    for (int k = 0; k < 2; k++) {
        struct side *side = &all->side[k];
        a->loss[k] = pool_alloc(a->pool, (size_t)all->plan->steps * sizeof *a->loss[k]);
        int status = a->loss[k] ? open_side(side) : RN_ENOMEM;
        status = status < 0 ? status : name_device(a, side);
        if (status < 0)
            return in_words(side, status);
    }
    TRY(name_layers(a, all->side[1].s.model));
    return all_steps(all);
}

int agree_run(const struct agree_plan *p, struct agree **out)
{
    struct pool *pool = pool_new();
    struct agreement all = {.plan = p, .end = &all.first};

    *out = all.a = pool ? pool_alloc(pool, sizeof *all.a) : NULL;
    if (!all.a) {
        pool_free(pool);
        return RN_ENOMEM;
    }
    *all.a = (struct agree){.pool = pool, .steps = p->steps};
    for (int k = 0; k < 2; k++)
        all.side[k] = (struct side){.all = &all, .number = k};
    int status = do_all(&all);
    forget(&all);
    mem_free(all.room);
    for (int k = 0; k < 2; k++) {
        trainer_close(all.side[k].trainer);
        session_close(&all.side[k].s);
    }
    if (status < 0) {
        agree_free(all.a);
        *out = NULL;
    }
    return status;
}

void agree_free(struct agree *a) { pool_free(a ? a->pool : NULL); }

/* ---- reading ------------------------------------------------------------------------------ */

static bool is_apart(const struct agree *a, enum agree_moment at, double relative, int layer,
                     enum agree_part part)
{
    return a->layers[layer].at[at][part].relative > relative;
}

bool agree_first(const struct agree *a, enum agree_moment at, double relative, int *layer,
                 enum agree_part *part)
{
    static const enum agree_part back[] = {AGREE_DINPUT, AGREE_DPARAM};

    for (*layer = 0, *part = AGREE_OUT; *layer < a->n_layers; ++*layer)
        if (is_apart(a, at, relative, *layer, AGREE_OUT))
            return true;
    for (*layer = a->n_layers - 1; *layer >= 0; --*layer)
        for (int k = 0; k < 2; k++)
            if (is_apart(a, at, relative, *layer, *part = back[k]))
                return true;
    for (*layer = 0, *part = AGREE_PARAM; *layer < a->n_layers; ++*layer)
        if (is_apart(a, at, relative, *layer, AGREE_PARAM))
            return true;
    return false;
}

const char *agree_part_name(enum agree_part part)
{
    static const char *const names[] = {"output", "gradient of its input",
                                        "gradient of its parameters", "parameters"};

    return names[part];
}
