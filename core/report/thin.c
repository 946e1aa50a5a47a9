/* thin.c - what grows with the run and is kept in part: the points of the training curve, and the
 * inside of the model by epoch. */
#include "facts.h"

#include "base/error.h"

#include <string.h>

/* ---- the training curve --------------------------------------------------- */

static int64_t steps_of(const struct report *r, int64_t i)
{
    int64_t n = r->steps[i].step - (i ? r->steps[i - 1].step : 0);

    return n > 0 ? n : 1;
}

/* Of what stands for n steps and what stands for m. */
static double mean_of(double a, int64_t n, double b, int64_t m)
{
    return nine((a * (double)n + b * (double)m) / (double)(n + m));
}

/* Every two points become one. */
static void halve_steps(struct report *r)
{
    int64_t n = r->view.n_steps / 2, before = 0;

    for (int64_t i = 0; i < n; i++) {
        struct rn_step_fact a = r->steps[2 * i], b = r->steps[2 * i + 1];

        b.loss = mean_of(a.loss, a.step - before, b.loss, b.step - a.step);
        before = b.step;
        r->steps[i] = b;
    }
    r->view.n_steps = n;
    r->steps_span *= 2;
}

int report_step(struct report *r, const struct rn_step_fact *s)
{
    struct rn_step_fact now = {s->step, s->epoch, nine(s->loss), nine(s->lr)};
    int64_t *n = &r->view.n_steps;

    if (!r->steps) {
        r->steps = mem_array(STEPS_KEPT, sizeof *r->steps);
        if (!r->steps)
            return RN_ENOMEM;
        r->view.steps = r->steps;
        r->steps_span = r->steps_open = 1;
    }
    if (*n && r->steps_open < r->steps_span) { /* it still belongs to the last point */
        struct rn_step_fact *last = &r->steps[*n - 1];
        now.loss = mean_of(last->loss, steps_of(r, *n - 1), now.loss, now.step - last->step);
        *last = now;
        r->steps_open++;
        return RN_OK;
    }
    if (*n == STEPS_KEPT)
        halve_steps(r);
    r->steps[(*n)++] = now;
    r->steps_open = 1;
    return RN_OK;
}

struct curve { /* and the steps behind it */
    int64_t n, steps_span, steps_open, insides_span;
};

void *report_curve(struct pool *p, const struct report *r, size_t *bytes)
{
    struct curve c = {r->view.n_steps, r->steps_span, r->steps_open, r->insides_span};
    size_t steps = (size_t)c.n * sizeof *r->steps;
    char *out = pool_alloc(p, sizeof c + steps);

    *bytes = sizeof c + steps;
    if (!out)
        return NULL;
    memcpy(out, &c, sizeof c);
    if (steps)
        memcpy(out + sizeof c, r->steps, steps);
    return out;
}

bool report_take_curve(struct report *r, const void *curve, size_t bytes)
{
    struct curve c;

    if (bytes < sizeof c)
        return false;
    memcpy(&c, curve, sizeof c);
    if (c.n < 0 || c.n > STEPS_KEPT || bytes != sizeof c + (size_t)c.n * sizeof *r->steps)
        return false;
    if (!c.n)
        return true;
    r->steps = mem_array(STEPS_KEPT, sizeof *r->steps);
    if (!r->steps)
        return false;
    memcpy(r->steps, (const char *)curve + sizeof c, (size_t)c.n * sizeof *r->steps);
    r->view.steps = r->steps;
    r->view.n_steps = c.n;
    r->steps_span = c.steps_span;
    r->steps_open = c.steps_open;
    r->insides_span = c.insides_span;
    return true;
}

/* ---- the inside of the model ---------------------------------------------- */

static bool is_kept(const struct report *r, int64_t epoch, int64_t newest)
{
    return (epoch - r->first_inside) % r->insides_span == 0 || epoch == r->view.best_epoch ||
           epoch == newest;
}

static void drop_epochs(struct report *r, int64_t newest)
{
    int64_t *n = &r->view.n_params, all = *n;

    *n = 0;
    for (int64_t i = 0; i < all; i++)
        if (is_kept(r, r->params[i].epoch, newest))
            r->params[(*n)++] = r->params[i];
    n = &r->view.n_units;
    all = *n;
    *n = 0;
    for (int64_t i = 0; i < all; i++)
        if (is_kept(r, r->units[i].epoch, newest))
            r->units[(*n)++] = r->units[i];
}

static int64_t epochs_inside(const struct report *r)
{
    int64_t n = 0;

    for (int64_t i = 0; i < r->view.n_params; i++)
        n += !i || r->params[i].epoch != r->params[i - 1].epoch;
    return n;
}

/* Bins of other epochs than these are forgotten. */
static void drop_bins(struct report *r, int64_t newest)
{
    for (int b = 0; b < BINS_KEPT; b++) {
        int64_t epoch = r->bins[b].epoch;
        if (!epoch || epoch == r->first_inside || epoch == r->view.best_epoch || epoch == newest)
            continue;
        for (int64_t i = 0; i < r->view.n_params; i++)
            if (r->params[i].epoch == epoch)
                r->params[i].bins = NULL;
        mem_free(r->bins[b].at);
        r->bins[b].at = NULL;
        r->bins[b].epoch = 0;
    }
}

/* Names return in every epoch. */
static const char *name_again(struct report *r, const char *name)
{
    for (int64_t i = 0; i < r->view.n_params && r->params[i].epoch == r->first_inside; i++)
        if (!strcmp(r->params[i].name, name))
            return r->params[i].name;
    for (int64_t i = 0; i < r->view.n_units && r->units[i].epoch == r->first_inside; i++)
        if (!strcmp(r->units[i].layer, name))
            return r->units[i].layer;
    return pool_strdup(r->pool, name);
}

static int add_params(struct report *r, const struct rn_param_fact *params, int64_t n)
{
    int64_t *bins = mem_array((size_t)(n * RN_BINS + 1), sizeof *bins);
    int free_place = 0;

    if (!bins)
        return RN_ENOMEM;
    while (r->bins[free_place].epoch)
        free_place++;
    r->bins[free_place].epoch = params[0].epoch;
    r->bins[free_place].at = bins;
    for (int64_t i = 0; i < n; i++) {
        struct rn_param_fact f = params[i];
        double *reals[] = {&f.grad_norm, &f.weight_norm, &f.update_norm, &f.least, &f.most};
        if (!(f.name = name_again(r, f.name)))
            return RN_ENOMEM;
        for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
            *reals[k] = nine(*reals[k]);
        if (f.bins)
            f.bins = memcpy(bins + i * RN_BINS, f.bins, RN_BINS * sizeof *bins);
        r->params[r->view.n_params++] = f;
    }
    return RN_OK;
}

static int add_units(struct report *r, const struct rn_units_fact *units, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct rn_units_fact f = units[i];
        if (!(f.layer = name_again(r, f.layer)))
            return RN_ENOMEM;
        r->units[r->view.n_units++] = f;
    }
    return RN_OK;
}

/* For n more of each. */
static int make_room(struct report *r, int64_t n_params, int64_t n_units)
{
    struct rn_param_fact *p =
        roomy(r->params, r->view.n_params, n_params, &r->params_cap, sizeof *p);
    if (!p)
        return RN_ENOMEM;
    r->view.params = r->params = p;
    if (!n_units)
        return RN_OK;
    struct rn_units_fact *u = roomy(r->units, r->view.n_units, n_units, &r->units_cap, sizeof *u);
    if (!u)
        return RN_ENOMEM;
    r->view.units = r->units = u;
    return RN_OK;
}

int report_inside(struct report *r, const struct rn_param_fact *params, int64_t n_params,
                  const struct rn_units_fact *units, int64_t n_units)
{
    int64_t newest = n_params ? params[0].epoch : 0;

    if (!newest)
        return RN_OK;
    r->first_inside = r->first_inside ? r->first_inside : newest;
    r->insides_span = r->insides_span ? r->insides_span : 1;
    drop_bins(r, newest);
    TRY(make_room(r, n_params, n_units));
    TRY(add_params(r, params, n_params));
    TRY(add_units(r, units, n_units));
    if (r->insides_span > 1)
        drop_epochs(r, newest);
    while (epochs_inside(r) > EPOCHS_INSIDE) {
        r->insides_span *= 2;
        drop_epochs(r, newest);
    }
    return RN_OK;
}

void thin_close(struct report *r)
{
    for (int i = 0; i < BINS_KEPT; i++)
        mem_free(r->bins[i].at);
    mem_free(r->steps);
    mem_free(r->params);
    mem_free(r->units);
}
