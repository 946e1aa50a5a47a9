/* inside.c - the inside of the model, once an epoch: one step is done call by call, as a search for
 * the first bad number does it, and what passes by is measured. The step itself stays the same. */
#include "loop.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

#define LANES 16 /* results that do not wait for each other */

int loop_see(struct trainer *t, const rn_real *data, int64_t n, const rn_real **out)
{
    *out = data;
    if (t->d->host_visible)
        return RN_OK;
    if (n > t->seen_room) {
        t->seen = pool_alloc(t->pool, (size_t)n * sizeof *t->seen);
        t->seen_room = t->seen ? n : 0;
    }
    *out = t->seen;
    return t->seen ? t->dev->ops->download(t->dev, t->seen, data, (size_t)n * sizeof *t->seen)
                   : RN_ENOMEM;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* An image has a unit a channel. */
static int64_t units_of(const struct rn_shape *s)
{
    return s->channels ? s->dim[s->rank - 1] : rn_count(s);
}

/* The last step that updates with as many samples as any. */
static int64_t step_of(struct trainer *t)
{
    int64_t last = t->state.steps_per_epoch - 1;

    for (int64_t step = last; step >= 0 && t->train[0].rows; step--)
        if ((loop_place(t, step) & PHASE_LAST) && loop_phase(t, step) == &t->train[0])
            return step;
    return last;
}

static int name_units(struct trainer *t)
{
    struct inside *in = &t->inside;
    int64_t most = 0;

    for (int i = 0; i < t->m->n_layers; i++) {
        const struct model_layer *l = &t->m->layers[i];
        if (!(l->part->plugin->traits & RN_TRAIT_RECTIFIES))
            continue;
        in->unit_layers[in->shown.n_units] = i;
        in->units[in->shown.n_units++] =
            (struct rn_units_fact){.layer = l->name, .n = units_of(&l->out)};
        most = max64(most, units_of(&l->out));
    }
    in->awake = pool_alloc(t->pool, (size_t)most + 1);
    return in->awake ? RN_OK : RN_ENOMEM;
}

int loop_inside_open(struct trainer *t)
{
    struct inside *in = &t->inside;
    const struct model *m = t->m;
    size_t n = (size_t)m->n_params + 1, layers = (size_t)m->n_layers + 1;

    in->params = pool_alloc(t->pool, n * sizeof *in->params);
    in->bins = pool_alloc(t->pool, n * sizeof *in->bins);
    in->units = pool_alloc(t->pool, layers * sizeof *in->units);
    in->unit_layers = pool_alloc(t->pool, layers * sizeof *in->unit_layers);
    in->before = pool_alloc(t->pool, (size_t)(m->flat + 1) * sizeof *in->before);
    if (!in->params || !in->bins || !in->units || !in->unit_layers || !in->before)
        return RN_ENOMEM;
    for (int i = 0; i < m->n_params; i++)
        in->params[i] = (struct rn_param_fact){
            .name = m->params[i].name, .n = rn_count(&m->params[i].shape), .bins = in->bins[i]};
    in->step = step_of(t);
    in->shown.params = in->params;
    in->shown.units = in->units;
    in->shown.n_params = m->n_params;
    return name_units(t);
}

/* ---- measuring ---------------------------------------------------------------------------- */

/* Sum of the squares of x - y; y NULL: of x. */
static double squares(const rn_real *x, const rn_real *y, int64_t n)
{
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double d = (double)(y ? x[i + l] - y[i + l] : x[i + l]);
            lane[l] += d * d;
        }
    for (; i < n; i++) {
        double d = (double)(y ? x[i] - y[i] : x[i]);
        sum += d * d;
    }
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

/* The least and the most have a loop each: together they were three times as slow. NaN is passed
 * over, infinity is not. */
static rn_real least_of(const rn_real *x, int64_t n)
{
    rn_real lane[LANES];
    int64_t i = 0;

    for (int l = 0; l < LANES; l++)
        lane[l] = INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[i + l] < lane[l] ? x[i + l] : lane[l];
    for (; i < n; i++)
        lane[0] = x[i] < lane[0] ? x[i] : lane[0];
    for (int l = 1; l < LANES; l++)
        lane[0] = lane[l] < lane[0] ? lane[l] : lane[0];
    return lane[0];
}

static rn_real most_of(const rn_real *x, int64_t n)
{
    rn_real lane[LANES];
    int64_t i = 0;

    for (int l = 0; l < LANES; l++)
        lane[l] = -INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    for (; i < n; i++)
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (int l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

enum { BLOCK = 1024, TABLES = 8 }; /* tables: so that equal values do not wait for each other */

/* In pieces that stay near the processor. */
static void measure(struct rn_param_fact *f, const rn_real *x, const rn_real *before)
{
    double weights = 0, update = 0;
    rn_real least = INFINITY, most = -INFINITY;

    for (int64_t i = 0; i < f->n; i += BLOCK) {
        int64_t n = min64(BLOCK, f->n - i);
        weights += squares(x + i, NULL, n);
        update += squares(x + i, before + i, n);
        least = fminf(least, least_of(x + i, n));
        most = fmaxf(most, most_of(x + i, n));
    }
    f->weight_norm = sqrt(weights);
    f->update_norm = sqrt(update);
    f->least = (double)least;
    f->most = (double)most;
}

/* The ends of the finite values, where some are not; NaN without any. */
static void find_ends(struct rn_param_fact *f, const rn_real *x)
{
    f->least = f->most = NAN;
    for (int64_t i = 0; i < f->n; i++)
        if (isfinite(x[i])) {
            f->least = fmin(f->least, (double)x[i]);
            f->most = fmax(f->most, (double)x[i]);
        }
}

static void count_bins(const struct rn_param_fact *f, const rn_real *x, int64_t *bins)
{
    enum { OUTSIDE = RN_BINS + 1 }; /* RN_BINS: the most */
    int64_t table[TABLES][RN_BINS + 2] = {{0}};
    rn_real least = (rn_real)f->least;
    rn_real scale = (rn_real)(f->most > f->least ? RN_BINS / (f->most - f->least) : 0);
    int32_t at[BLOCK];

    for (int64_t i = 0; i < f->n; i += BLOCK) {
        int n = (int)min64(BLOCK, f->n - i);
        for (int j = 0; j < n; j++) {
            rn_real z = fabsf(x[i + j] - least) * scale;  /* of -inf, too, infinite */
            at[j] = (int32_t)(z < OUTSIDE ? z : OUTSIDE); /* NaN is not */
        }
        int k = 0;
        for (; k + TABLES <= n; k += TABLES)
            for (int t = 0; t < TABLES; t++)
                table[t][at[k + t]]++;
        for (; k < n; k++)
            table[0][at[k]]++;
    }
    memset(bins, 0, RN_BINS * sizeof *bins);
    for (int t = 0; t < TABLES; t++)
        for (int b = 0; b <= RN_BINS; b++)
            bins[b < RN_BINS ? b : RN_BINS - 1] += table[t][b];
}

static void count_silent(struct inside *in, struct rn_units_fact *u, const rn_real *x, int64_t n)
{
    u->silent = u->n;
    memset(in->awake, 0, (size_t)u->n);
    for (int64_t i = 0; i < n && u->silent; i += u->n)
        for (int64_t k = 0; k < u->n; k++) {
            bool wakes = x[i + k] != 0 && !in->awake[k];
            in->awake[k] |= wakes;
            u->silent -= wakes;
        }
}

/* Which parameter stands at data in a flat array; NULL: none. */
static struct rn_param_fact *param_at(struct trainer *t, const rn_real *flat, const rn_real *data)
{
    for (int i = 0; i < t->m->n_params; i++)
        if (data == flat + t->m->params[i].offset)
            return &t->inside.params[i];
    return NULL;
}

static int look(void *ctx, const char *layer, const char *phase, const rn_real *data, int64_t n)
{
    struct trainer *t = ctx;
    struct inside *in = &t->inside;
    struct rn_param_fact *f;
    const rn_real *x;

    for (int i = 0; i < in->shown.n_units && !strcmp(phase, "forward"); i++) {
        if (strcmp(layer, t->m->layers[in->unit_layers[i]].part->path) != 0)
            continue;
        TRY(loop_see(t, data, n, &x));
        count_silent(in, &in->units[i], x, n);
    }
    if (!strcmp(phase, "backward") && (f = param_at(t, t->m->grad, data))) {
        TRY(loop_see(t, data, n, &x));
        f->grad_norm = sqrt(squares(x, NULL, n));
    }
    if (!strcmp(phase, "update") && (f = param_at(t, t->m->param, data))) {
        TRY(loop_see(t, data, n, &x));
        measure(f, x, in->before + t->m->params[f - in->params].offset);
        if (!isfinite(f->least) || !isfinite(f->most))
            find_ends(f, x);
        count_bins(f, x, in->bins[f - in->params]);
    }
    return RN_OK;
}

int loop_inside(struct trainer *t)
{
    struct inside *in = &t->inside;
    int64_t step = t->state.step_in_epoch;
    struct pool *p = pool_new();

    in->shown.epoch = t->state.epoch;
    for (int i = 0; i < in->shown.n_params; i++) {
        in->params[i].epoch = t->state.epoch;
        in->params[i].grad_norm = NAN; /* of what nothing depends on */
    }
    for (int i = 0; i < in->shown.n_units; i++)
        in->units[i].epoch = t->state.epoch;
    int status = p ? RN_OK : RN_ENOMEM;
    if (!status)
        status = t->dev->ops->download(t->dev, in->before, t->m->param,
                                       (size_t)t->m->flat * sizeof *in->before);
    if (!status)
        status = step_probe(p, t->m, loop_flags(t, loop_place(t, step)), loop_phase(t, step)->rows,
                            t->arena, &t->train_io, &t->block, look, t);
    pool_free(p);
    profile_pause(t->profile);
    return status;
}
