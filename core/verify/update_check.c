/* update_check.c - what changes parameters, or what is kept of them: optimizers, and callbacks with
 * slots. */
#include "update_check.h"

#include "ref_device.h"
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { N = 12, STEPS = 20, SLOTS = 16, FROM = 5 };
static const double small_rate = 0.01;

/* A parameter and what belongs to it. */
struct state {
    struct area param, grad, slot[SLOTS];
};

struct result {
    rn_real param[N], slot[SLOTS][N];
    double before, after; /* half the squared distance to the lowest point */
};

struct plan {
    const void *opts;
    double rate;
    int64_t rows, steps;
    bool decays;
    bool outward; /* a small gradient, away from 0, which decay wins against */
};

struct trial {
    const struct check *c;
    struct updates u;
    struct state s;
    struct result first;
    char why[WHY_SIZE];
};

static rn_real start(const struct trial *t, int i)
{
    return (rn_real)made_up(t->c->seed * 1000 + 1, i);
}

static rn_real lowest(const struct trial *t, int i)
{
    return (rn_real)(2 * made_up(t->c->seed * 1000 + 2, i));
}

static enum finding open_state(struct trial *t)
{
    struct rn_device *d = t->c->dev;

    CALL(area_make(d, N, &t->s.param));
    CALL(area_make(d, N, &t->s.grad));
    for (uint32_t i = 0; i < t->u.n_slots; i++)
        CALL(area_make(d, N, &t->s.slot[i]));
    return FINE;
}

static void close_state(struct trial *t)
{
    area_free(t->c->dev, &t->s.param);
    area_free(t->c->dev, &t->s.grad);
    for (uint32_t i = 0; i < t->u.n_slots; i++)
        area_free(t->c->dev, &t->s.slot[i]);
}

static void reset(struct trial *t)
{
    for (int i = 0; i < N; i++)
        t->s.param.at[i] = start(t, i);
    for (uint32_t k = 0; k < t->u.n_slots; k++)
        for (int i = 0; i < N; i++)
            t->s.slot[k].at[i] = t->u.slots_copy ? start(t, i) : 0;
}

static int record(struct trial *t, const struct plan *plan, struct rn_recording **out)
{
    struct rn_device *d = t->c->dev;
    rn_real *slot[SLOTS];
    struct rn_update u = {.size = sizeof u,
                          .decays = plan->decays,
                          .opts = plan->opts,
                          .dev = d,
                          .rows = plan->rows,
                          .cols = N / plan->rows,
                          .param = t->s.param.at,
                          .grad = t->s.grad.at,
                          .slot = slot,
                          .scalar_from = FROM};

    for (uint32_t i = 0; i < t->u.n_slots; i++)
        slot[i] = t->s.slot[i].at;
    area_fill(&t->s.param, (rn_real)NAN); /* what a plain read while recording would see */
    area_fill(&t->s.grad, (rn_real)NAN);
    *out = NULL;
    snprintf(t->c->v->doing, sizeof t->c->v->doing, "record()");
    RN_TRY(d->ops->capture_begin(d));
    int status = t->u.record(&u);
    int ended = d->ops->capture_end(d, out);
    if (status < 0 || ended < 0) {
        d->ops->discard(d, *out);
        *out = NULL;
    }
    return status < 0 ? status : ended;
}

static enum finding call_scalars(struct trial *t, const struct plan *plan, int64_t n,
                                 struct rn_block *b)
{
    double out[RN_SCALARS + 1] = {[RN_SCALARS] = 1234}, again[RN_SCALARS] = {0};

    if (!t->u.scalars)
        return FINE;
    snprintf(t->c->v->doing, sizeof t->c->v->doing, "scalars()");
    error_clear();
    int status = t->u.scalars(plan->opts, n, plan->rate, out);
    EXPECT(status != RN_EINVAL, REFUSES, "%s", error_text());
    CALL(status);
    CALL(t->u.scalars(plan->opts, n, plan->rate, again));
    EXPECT(out[RN_SCALARS] == 1234, OUTSIDE, "scalars() writes more than %d numbers", RN_SCALARS);
    for (int i = 0; i < RN_SCALARS; i++) {
        EXPECT(isfinite(out[i]), NOT_FINITE, "scalars() gives out[%d] = %g for update %lld", i,
               out[i], (long long)n);
        EXPECT(same_bits(&out[i], &again[i], sizeof *out), UNSTEADY,
               "scalars() gives two results for update %lld", (long long)n);
        b->f[FROM + i] = (rn_real)out[i];
    }
    return FINE;
}

static double height(const struct trial *t)
{
    double sum = 0;

    for (int i = 0; i < N; i++) {
        double off = (double)t->s.param.at[i] - (double)lowest(t, i);

        sum += off * off / 2;
    }
    return sum;
}

static enum finding one_update(struct trial *t, const struct plan *plan, int64_t n,
                               struct rn_recording *rec)
{
    struct rn_device *d = t->c->dev;
    struct rn_block b = {0};
    rn_real was[N], grad[N];

    for (int i = 0; i < N; i++)
        grad[i] =
            plan->outward ? (rn_real)-1e-3 * t->s.param.at[i] : t->s.param.at[i] - lowest(t, i);
    area_put(&t->s.grad, grad);
    memcpy(was, t->s.param.at, sizeof was);
    PASS(call_scalars(t, plan, n, &b));
    CALL(d->ops->replay(d, rec, &b));
    CALL(d->ops->sync(d));
    bool intact = area_intact(&t->s.param) && area_intact(&t->s.grad);
    for (uint32_t i = 0; i < t->u.n_slots; i++) {
        intact &= area_intact(&t->s.slot[i]);
        EXPECT(area_finite(&t->s.slot[i]), NOT_FINITE, "update %d: NaN in slot %u", (int)n, i);
    }
    EXPECT(intact, OUTSIDE, "update %d wrote around a tensor of %d values", (int)n, N);
    EXPECT(area_same(&t->s.grad, grad), CHANGES_INPUT, "update %d changes the gradient", (int)n);
    EXPECT(!t->u.slots_copy || area_same(&t->s.param, was), CHANGES_INPUT,
           "update %d changes the parameter", (int)n);
    EXPECT(area_finite(&t->s.param), NOT_FINITE, "update %d: NaN in the parameter", (int)n);
    return FINE;
}

static enum finding go(struct trial *t, const struct plan *plan, struct result *out)
{
    struct rn_recording *rec;
    enum finding f = FINE;

    CALL(record(t, plan, &rec));
    reset(t);
    out->before = height(t);
    for (int64_t n = 1; f == FINE && n <= plan->steps; n++)
        f = one_update(t, plan, n, rec);
    out->after = height(t);
    t->c->dev->ops->discard(t->c->dev, rec);
    memcpy(out->param, t->s.param.at, sizeof out->param);
    for (uint32_t i = 0; i < t->u.n_slots; i++)
        memcpy(out->slot[i], t->s.slot[i].at, sizeof out->slot[i]);
    return f;
}

static struct plan usual(const struct trial *t)
{
    return (struct plan){t->c->opts, small_rate, 3, STEPS, true, false};
}

static bool same(const struct trial *t, const struct result *r)
{
    return same_bits(r->param, t->first.param, sizeof r->param) &&
           same_bits(r->slot, t->first.slot, t->u.n_slots * sizeof *r->slot);
}

/* ---- stages ------------------------------------------------------------------------ */

static enum finding first_results(void *trial)
{
    struct trial *t = trial;
    struct plan plan = usual(t);
    struct rn_block b = {0};

    PASS(open_state(t));
    PASS(call_scalars(t, &plan, 1, &b)); /* may refuse */
    PASS(go(t, &plan, &t->first));
    return call_scalars(t, &plan, 10000000, &b);
}

static enum finding check_steady(void *trial)
{
    struct trial *t = trial;
    struct plan plan = usual(t);
    struct result r;

    PASS(go(t, &plan, &r));
    EXPECT(same(t, &r), UNSTEADY, "the same updates give two results");
    return FINE;
}

static enum finding check_order(void *trial)
{
    struct trial *t = trial;
    struct plan plan = usual(t);
    struct result r;

    plan.rows = 1;
    PASS(go(t, &plan, &r));
    EXPECT(same(t, &r), ORDER, "the parameter as one row gives another result");
    ref_device_pieces(t->c->dev, true);
    enum finding f = go(t, &plan, &r);
    ref_device_pieces(t->c->dev, false);
    PASS(f);
    EXPECT(same(t, &r), ORDER, "in larger pieces the result is another");
    return FINE;
}

static enum finding check_descends(void *trial)
{
    struct trial *t = trial;

    if (t->c->v->variants > 1) /* with odd options it may well be slow, or overshoot */
        return NOT_ASKED;
    EXPECT(t->first.after < t->first.before, DESCENDS,
           "%d updates with lr %g went from %.6g to %.6g", STEPS, small_rate, t->first.before,
           t->first.after);
    return FINE;
}

static enum finding check_rate(void *trial)
{
    struct trial *t = trial;
    struct plan plan = usual(t);
    struct result r;

    plan.rate = 0;
    PASS(go(t, &plan, &r));
    EXPECT(r.after == r.before, RATE, "updates with lr 0 move the parameter");
    return FINE;
}

/* A copy of the options with another weight_decay. */
static void *with_decay(const struct trial *t, const struct rn_option *row, double value)
{
    void *out = mem_alloc(t->c->plugin->options.size);

    if (out) {
        memcpy(out, t->c->opts, t->c->plugin->options.size);
        memcpy((char *)out + row->offset, &value, sizeof value);
    }
    return out;
}

static enum finding compare_decay(struct trial *t, const void *none, const void *some)
{
    struct plan plan = {none, small_rate, 3, STEPS, true, true};
    struct result without, left_alone, decayed;

    PASS(go(t, &plan, &without));
    plan.opts = some;
    PASS(go(t, &plan, &decayed));
    plan.decays = false;
    PASS(go(t, &plan, &left_alone));
    EXPECT(!same_bits(without.param, decayed.param, sizeof without.param), DECAY,
           "weight_decay changes nothing");
    EXPECT(same_bits(without.param, left_alone.param, sizeof without.param), DECAY,
           "a parameter that is to be left alone (decays 0) is decayed");
    return FINE;
}

static enum finding check_decay(void *trial)
{
    struct trial *t = trial;
    const struct rn_option *row = options_row(&t->c->plugin->options, "weight_decay");

    if (!row || row->type != RN_OPT_FLOAT || row->min > 0 || row->max < 0.1)
        return NOT_ASKED;
    void *none = with_decay(t, row, 0), *some = with_decay(t, row, 0.1);
    enum finding f = none && some ? compare_decay(t, none, some) : FAILS;
    mem_free(none);
    mem_free(some);
    return f;
}

static const struct stage stages[] = {
    {NOT_FINITE, first_results}, {UNSTEADY, check_steady},   {ORDER, check_order},
    {RATE, check_rate},          {DESCENDS, check_descends}, {DECAY, check_decay},
};

enum finding check_updates(const struct check *c, const struct updates *u)
{
    struct trial *t = mem_alloc(sizeof *t);
    int n = u->slots_copy ? 3 : (int)(sizeof stages / sizeof *stages);

    if (!t)
        return FAILS;
    t->c = c;
    t->u = *u;
    enum finding f = stages_run(c->v, stages, n, t, t->why);
    close_state(t);
    mem_free(t);
    return f;
}

enum finding check_optimizer(const struct check *c)
{
    const struct rn_optimizer_ops *ops = &c->plugin->ops.optimizer;

    c->v->trials++;
    return check_updates(c, &(struct updates){ops->scalars, ops->record, ops->n_slots, false});
}
