/* layer_check.c - one layer against finite differences and against the promises of layer.h. */
#include "differences.h"
#include "ref_device.h"
#include "trial.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BATCH = 5 };

enum finding trial_replay(struct trial *t, struct rn_recording *rec, const char *what)
{
    struct rig *r = &t->rig;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "%s", what);
    CALL(rig_replay(r, rec));
    for (int i = 0; i < RIG_AREAS; i++)
        EXPECT(area_intact(rig_area(r, i)), OUTSIDE, "%s wrote around a tensor of %d values", what,
               (int)rig_area(r, i)->n);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(area_same(&r->p[i], t->p[i]), CHANGES_INPUT, "%s changes parameter %s", what,
               r->plan.param[i].name);
    for (int i = 0; i < r->plan.n_buf; i++)
        for (int64_t k = 0; r->plan.buf[i].constant && k < r->b[i].n; k++)
            EXPECT(r->b[i].at[k] == (rn_real)r->plan.constants[r->plan.buf[i].constant - 1 + k],
                   CHANGES_INPUT, "%s changes the constant %s", what, r->plan.buf[i].name);
    return FINE;
}

/* Poison, then what forward may read. */
void trial_prepare(struct trial *t)
{
    struct rig *r = &t->rig;

    rig_poison(r);
    for (int i = 0; i < r->n_in; i++)
        area_put(&r->xs[i], t->x[i]);
    for (int i = 0; i < r->plan.n_param; i++)
        area_put(&r->p[i], t->p[i]);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_PERSISTENT)
            rig_start(&r->plan, i, &r->b[i]);
}

enum finding trial_forward(struct trial *t, struct rn_recording *rec)
{
    struct rig *r = &t->rig;

    trial_prepare(t);
    PASS(trial_replay(t, rec, "forward()"));
    for (int i = r->alias ? 1 : 0; i < r->n_in; i++)
        EXPECT(area_same(&r->xs[i], t->x[i]), CHANGES_INPUT, "forward() changes its input");
    EXPECT(area_finite(r->alias ? &r->x : &r->y), NOT_FINITE, "forward(): NaN in the output");
    for (int i = 0; i < r->plan.n_buf; i++)
        EXPECT(!trial_keeps(t, i) || area_finite(&r->b[i]), NOT_FINITE, "forward(): NaN in %s",
               r->plan.buf[i].name);
    return FINE;
}

enum finding trial_once(struct trial *t, bool training)
{
    struct rig *r = &t->rig;
    struct rn_recording *rec;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "forward()");
    CALL(rig_record(r, training, NULL, &rec));
    enum finding f = trial_forward(t, rec);
    r->dev->ops->discard(r->dev, rec);
    return f;
}

static double prefill(int64_t i) { return 0.5 + (double)(i % 3); }

static void prepare_gradient(struct area *a, bool add, rn_real poison)
{
    for (int64_t i = 0; i < a->n; i++)
        a->at[i] = add ? (rn_real)prefill(i) : poison;
}

/* Leaves of forward's memory what the flags promise. */
static void prepare_backward(struct trial *t, const struct rig_pass *pass)
{
    struct rig *r = &t->rig;

    area_put(&r->dy, t->dy);
    for (int i = r->alias ? 1 : 0; i < r->n_in; i++)
        prepare_gradient(&r->dxs[i], pass->add_x >> i & 1, r->poison);
    for (int i = 0; i < r->plan.n_param; i++)
        prepare_gradient(&r->dp[i], pass->add_p, r->poison);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_SCRATCH)
            area_fill(&r->b[i], r->poison);
    for (int i = r->alias ? 1 : 0; i < r->n_in && !(r->ops->flags & RN_LAYER_READS_IN); i++)
        area_fill(&r->xs[i], r->poison);
    if (!(r->ops->flags & RN_LAYER_READS_OUT))
        area_fill(r->alias ? &r->x : &r->y, r->poison);
}

static struct area *input_gradient(struct rig *r, int i)
{
    return r->alias && !i ? &r->dy : &r->dxs[i];
}

enum finding trial_backward(struct trial *t, const struct rig_pass *pass)
{
    struct rig *r = &t->rig;
    struct rn_recording *rec;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "backward()");
    CALL(rig_record(r, true, pass, &rec));
    enum finding f = trial_forward(t, t->forward);
    prepare_backward(t, pass);
    if (f == FINE)
        f = trial_replay(t, rec, "backward()");
    r->dev->ops->discard(r->dev, rec);
    PASS(f);
    EXPECT(r->alias || area_same(&r->dy, t->dy), CHANGES_INPUT, "backward() changes dout");
    for (int i = 0; i < r->n_in; i++)
        EXPECT(pass->skip_x >> i & 1 || area_finite(input_gradient(r, i)), NOT_FINITE,
               "backward(): NaN in din[%d]", i);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(pass->skip_p >> i & 1 || area_finite(&r->dp[i]), NOT_FINITE,
               "backward(): NaN in the gradient of %s", r->plan.param[i].name);
    return FINE;
}

/* ---- the checks of one batch ------------------------------------------------ */

static rn_real *copy(struct trial *t, const struct area *a)
{
    rn_real *out = pool_alloc(t->pool, (size_t)a->n * sizeof *out);

    if (out)
        memcpy(out, a->at, (size_t)a->n * sizeof *out);
    return out;
}

static rn_real *values(struct trial *t, uint64_t stream, int64_t n)
{
    rn_real *out = pool_alloc(t->pool, (size_t)n * sizeof *out);

    for (int64_t i = 0; out && i < n; i++)
        out[i] = (rn_real)made_up(t->c->seed * 1000 + stream, i);
    return out;
}

static enum finding draw_values(struct trial *t)
{
    struct rig *r = &t->rig;
    int64_t most = r->x.n;

    t->dy = values(t, 2, r->dy.n);
    for (int i = 0; i < r->n_in; i++) {
        t->x[i] = values(t, 20 + (uint64_t)i, r->xs[i].n);
        EXPECT(t->x[i], FAILS, "out of memory");
    }
    for (int i = 0; i < r->plan.n_param; i++) {
        t->p[i] = values(t, 10 + (uint64_t)i, r->p[i].n);
        EXPECT(t->p[i], FAILS, "out of memory");
        most = r->p[i].n > most ? r->p[i].n : most;
    }
    t->room = pool_alloc(t->pool, (size_t)most * sizeof *t->room);
    EXPECT(t->dy && t->room, FAILS, "out of memory");
    return FINE;
}

/* The results that all others are held against. */
static enum finding first_results(void *trial)
{
    struct trial *t = trial;
    struct rig *r = &t->rig;
    bool all = true;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "forward()");
    PASS(draw_values(t));
    CALL(rig_record(r, true, NULL, &t->forward));
    PASS(trial_forward(t, t->forward));
    t->y = copy(t, &r->y);
    for (int i = 0; i < r->plan.n_buf; i++)
        all &= !trial_keeps(t, i) || (t->kept[i] = copy(t, &r->b[i]));
    PASS(trial_backward(t, &(struct rig_pass){0}));
    for (int i = 0; i < r->n_in; i++)
        all &= (t->dx[i] = copy(t, &r->dxs[i])) != NULL;
    for (int i = 0; i < r->plan.n_param; i++)
        all &= (t->dp[i] = copy(t, &r->dp[i])) != NULL;
    EXPECT(all && t->y, FAILS, "out of memory");
    return FINE;
}

/* Whether forward and backward give again what they gave first. */
static enum finding same_again(struct trial *t, enum finding kind, const char *when)
{
    struct rig *r = &t->rig;

    PASS(trial_forward(t, t->forward));
    EXPECT(area_same(&r->y, t->y), kind, "forward() %s gives another result", when);
    for (int i = 0; i < r->plan.n_buf; i++)
        EXPECT(!t->kept[i] || area_same(&r->b[i], t->kept[i]), kind,
               "forward() %s gives another %s", when, r->plan.buf[i].name);
    PASS(trial_backward(t, &(struct rig_pass){0}));
    for (int i = 0; i < r->n_in; i++)
        EXPECT(area_same(&r->dxs[i], t->dx[i]), kind, "backward() %s gives another din[%d]", when,
               i);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(area_same(&r->dp[i], t->dp[i]), kind, "backward() %s gives another gradient of %s",
               when, r->plan.param[i].name);
    return FINE;
}

static enum finding check_steady(void *trial)
{
    struct trial *t = trial;
    struct rig *r = &t->rig;

    PASS(trial_once(t, true));
    EXPECT(area_same(&r->y, t->y), UNSTEADY, "forward() recorded twice gives two results");
    PASS(same_again(t, UNSTEADY, "done twice"));
    r->poison = 3; /* what nobody wrote must not count, NaN or not */
    enum finding f = same_again(t, UNSTEADY, "with other values in fresh memory");
    r->poison = (rn_real)NAN;
    return f;
}

static enum finding check_order(void *trial)
{
    struct trial *t = trial;

    ref_device_pieces(t->c->dev, true);
    enum finding f = same_again(t, ORDER, "in larger pieces, from the first to the last,");
    ref_device_pieces(t->c->dev, false);
    return f;
}

/* ---- gradients ---------------------------------------------------------------- */

static enum finding projection(void *trial, double *out, double *size)
{
    struct trial *t = trial;
    double squares = 0;

    PASS(trial_forward(t, t->forward));
    *out = 0;
    for (int64_t i = 0; i < t->rig.y.n; i++) {
        double term = (double)t->rig.y.at[i] * (double)t->dy[i];

        *out += term;
        squares += term * term;
    }
    *size = sqrt(squares);
    return FINE;
}

static enum finding check_differences(void *trial)
{
    struct trial *t = trial;
    struct rig *r = &t->rig;
    struct differences d = {
        .value = projection, .trial = t, .seed = t->c->seed * 1000, .why = t->why};
    char name[64];

    d.row = (int)rn_count(&r->in);
    for (int i = 0; i < r->n_in; i++) {
        snprintf(name, sizeof name, r->n_in > 1 ? "input %d" : "the input", i);
        d.of = name;
        PASS(differences_check(&d, t->x[i], t->dx[i], r->xs[i].n, t->room));
    }
    d.row = 0;
    for (int i = 0; i < r->plan.n_param; i++) {
        d.of = r->plan.param[i].name;
        PASS(differences_check(&d, t->p[i], t->dp[i], r->p[i].n, t->room));
    }
    return FINE;
}

static bool accumulated(const struct area *a, const rn_real *grad, bool add)
{
    const double unsure = sizeof(rn_real) == 8 ? 1e-12 : 1e-4;

    for (int64_t i = 0; i < a->n; i++) {
        double want = (double)grad[i] + (add ? prefill(i) : 0);

        if (!(fabs((double)a->at[i] - want) <= unsure * (1 + fabs(want))))
            return false;
    }
    return true;
}

static enum finding check_pass(struct trial *t, struct rig_pass pass, enum finding kind)
{
    struct rig *r = &t->rig;
    char what[96];

    snprintf(what, sizeof what, "with beta %d for din and %d for parameters%s", pass.add_x ? 1 : 0,
             pass.add_p, pass.skip_x || pass.skip_p ? ", some not wanted" : "");
    enum finding f = trial_backward(t, &pass);
    PASS(f == NOT_FINITE ? kind : f); /* it was finite with nothing added and nothing skipped */
    for (int i = 0; i < r->n_in; i++)
        EXPECT(pass.skip_x >> i & 1 ||
                   accumulated(input_gradient(r, i), t->dx[i], pass.add_x >> i & 1),
               kind, "%s din[%d] is not what it should be", what, i);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(pass.skip_p >> i & 1 || accumulated(&r->dp[i], t->dp[i], pass.add_p), kind,
               "%s the gradient of %s is not what it should be", what, r->plan.param[i].name);
    return FINE;
}

static enum finding check_beta(void *trial)
{
    struct trial *t = trial;

    for (int i = 0; i < t->rig.n_in; i++)
        PASS(check_pass(t, (struct rig_pass){.add_x = 1u << i}, BETA));
    PASS(check_pass(t, (struct rig_pass){.add_p = true}, BETA));
    return check_pass(t, (struct rig_pass){.add_x = ~0u, .add_p = true}, BETA);
}

static enum finding check_skip(void *trial)
{
    struct trial *t = trial;

    for (int i = 0; i < t->rig.n_in; i++)
        PASS(check_pass(t, (struct rig_pass){.skip_x = 1u << i}, SKIP));
    PASS(check_pass(t, (struct rig_pass){.skip_x = ~0u}, SKIP));
    for (int i = 0; i < t->rig.plan.n_param; i++)
        PASS(check_pass(t, (struct rig_pass){.skip_p = 1u << i}, SKIP));
    PASS(check_pass(t, (struct rig_pass){.skip_p = ~0u}, SKIP));
    return check_pass(t, (struct rig_pass){.skip_x = ~0u, .skip_p = ~0u}, SKIP);
}

/* The last of a batch: afterwards the results lie elsewhere. */
static enum finding check_in_place(void *trial)
{
    struct trial *t = trial;
    struct rig *r = &t->rig;

    if (!(r->ops->flags & RN_LAYER_INPLACE))
        return NOT_ASKED;
    rig_batch(r, r->batch, true);
    r->dev->ops->discard(r->dev, t->forward);
    CALL(rig_record(r, true, NULL, &t->forward));
    PASS(trial_forward(t, t->forward));
    EXPECT(area_same(&r->x, t->y), INPLACE, "forward() in place gives another result");
    return check_pass(t, (struct rig_pass){0}, INPLACE);
}

/* ---- all ------------------------------------------------------------------------ */

static const struct stage stages[] = {
    {NOT_FINITE, first_results},    {UNSTEADY, check_steady},  {ORDER, check_order},
    {GRADIENT, check_differences},  {BETA, check_beta},        {SKIP, check_skip},
    {EVALUATION, trial_evaluation}, {STATE, trial_state},      {DRAWS, trial_draws},
    {HIDES_NAN, trial_nan},         {INPLACE, check_in_place},
};

static enum finding check_flags(struct trial *t)
{
    const struct rig *r = &t->rig;
    bool same = rn_count(&r->in) == rn_count(&r->plan.out);

    if (!(r->ops->flags & RN_LAYER_VIEW)) {
        EXPECT(same || !(r->ops->flags & RN_LAYER_INPLACE), INPLACE,
               "the output has another size than the input");
        return FINE;
    }
    EXPECT(same, VIEW, "the output has another size");
    EXPECT(!r->ops->forward && !r->ops->backward, VIEW, "it computes something");
    return FINE;
}

static enum finding check_batches(struct trial *t)
{
    static const int64_t batches[] = {MAX_BATCH, 2, 1};
    struct rig *r = &t->rig;
    struct verdict *v = t->c->v;
    size_t known = strlen(v->where);
    enum finding first = check_flags(t);

    if (first != FINE)
        verdict_broken(v, first, t->why);
    if (first != FINE || r->ops->flags & RN_LAYER_VIEW) {
        verdict_held(v, VIEW);
        return first;
    }
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        snprintf(v->where + known, sizeof v->where - known, ", batch of %d", (int)batches[i]);
        rig_batch(r, batches[i], false);
        enum finding f = stages_run(v, stages, sizeof stages / sizeof *stages, t, t->why);
        r->dev->ops->discard(r->dev, t->forward);
        t->forward = NULL;
        first = first ? first : f;
    }
    v->where[known] = '\0';
    return first;
}

int check_inputs(const struct plugin *p)
{
    int n = 0;

    for (int i = 0; i < p->options.n; i++)
        n += p->options.rows[i].type == RN_OPT_LAYERS;
    return n ? n : 1;
}

/* plan() twice; the second is the one that counts. */
static enum finding check_plan(struct trial *t)
{
    const struct check *c = t->c;
    const struct rn_layer_ops *ops = &c->plugin->ops.layer;
    struct rig_plan *first = pool_alloc(t->pool, sizeof *first);
    char why[128];

    EXPECT(first, FAILS, "out of memory");
    error_clear();
    snprintf(c->v->doing, sizeof c->v->doing, "plan()");
    int status =
        rig_open_inputs(&t->rig, c->dev, ops, c->opts, c->in, check_inputs(c->plugin), MAX_BATCH);
    EXPECT(status != RN_ESHAPE && status != RN_EINVAL, REFUSES, "%s", error_text());
    CALL(status);
    *first = t->rig.plan;
    rig_close(&t->rig);
    CALL(rig_open_inputs(&t->rig, c->dev, ops, c->opts, c->in, check_inputs(c->plugin), MAX_BATCH));
    EXPECT(rig_plan_same(first, &t->rig.plan), DECLARES,
           "plan() declares other things when it is called again");
    EXPECT(rig_plan_good(first, why, sizeof why), DECLARES, "%s", why);
    return FINE;
}

enum finding check_layer(const struct check *c)
{
    struct trial *t = mem_alloc(sizeof *t);
    enum finding f = FAILS;

    c->v->trials++;
    if (t && (t->pool = pool_new())) {
        t->c = c;
        f = check_plan(t);
        if (f == FINE) {
            verdict_held(c->v, DECLARES);
            f = check_batches(t);
        } else
            verdict_broken(c->v, f, t->why);
        if (t->rig.dev)
            rig_close(&t->rig);
        pool_free(t->pool);
    }
    mem_free(t);
    return f;
}
