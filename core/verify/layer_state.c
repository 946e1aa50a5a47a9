/* layer_state.c - what a layer keeps from step to step, and what it draws. */
#include "trial.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static enum finding with_recording(struct trial *t, bool training,
                                   enum finding (*fn)(struct trial *, struct rn_recording *))
{
    struct rn_recording *rec;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "forward()");
    CALL(rig_record(&t->rig, training, NULL, &rec));
    enum finding f = fn(t, rec);
    t->rig.dev->ops->discard(t->rig.dev, rec);
    return f;
}

/* A copy in memory that is used by one check at a time. */
static rn_real *held(const struct area *a)
{
    rn_real *out = mem_alloc((size_t)(a->n ? a->n : 1) * sizeof *out);

    if (out)
        memcpy(out, a->at, (size_t)a->n * sizeof *out);
    return out;
}

/* ---- evaluation ------------------------------------------------------------------ */

static enum finding keeps_its_values(struct trial *t)
{
    struct rig *r = &t->rig;

    for (int i = 0; i < r->plan.n_buf; i++)
        for (int64_t k = 0; trial_keeps(t, i) && k < r->b[i].n; k++)
            EXPECT(r->b[i].at[k] == (r->plan.buf[i].flags & RN_ONES ? 1 : 0), EVALUATION,
                   "evaluation changes %s", r->plan.buf[i].name);
    return FINE;
}

static enum finding other_draw(struct trial *t, struct rn_recording *rec, const rn_real *y)
{
    t->rig.draw++;
    enum finding f = trial_forward(t, rec);
    t->rig.draw--;
    PASS(f);
    EXPECT(area_same(&t->rig.y, y), EVALUATION, "evaluation draws random numbers");
    return FINE;
}

static enum finding evaluated(struct trial *t, struct rn_recording *rec)
{
    PASS(trial_forward(t, rec));
    PASS(keeps_its_values(t));
    rn_real *y = held(&t->rig.y);
    EXPECT(y, FAILS, "out of memory");
    enum finding f = other_draw(t, rec, y);
    mem_free(y);
    return f;
}

enum finding trial_evaluation(void *trial) { return with_recording(trial, false, evaluated); }

/* ---- what is kept ------------------------------------------------------------------ */

/* A forward pass with other inputs: what is loaded later must not know of it. */
static enum finding trained_otherwise(struct trial *t)
{
    trial_prepare(t);
    for (int64_t k = 0; k < t->rig.x.n; k++)
        t->rig.x.at[k] *= (rn_real)0.75;
    return trial_replay(t, t->forward, "forward()");
}

/* Over what training left in memory, and over memory that holds nothing but what is saved. */
static enum finding loaded(struct trial *t, struct rn_recording *rec, rn_real **kept)
{
    struct rig *r = &t->rig;

    for (int i = 0; i < r->n_in; i++)
        area_put(&r->xs[i], t->x[i]);
    PASS(trial_replay(t, rec, "forward()"));
    rn_real *y = held(&r->y);
    EXPECT(y, FAILS, "out of memory");
    enum finding f = trained_otherwise(t);
    trial_prepare(t);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (kept[i])
            area_put(&r->b[i], kept[i]);
    f = f ? f : trial_replay(t, rec, "forward()");
    bool same = area_same(&r->y, y);
    mem_free(y);
    PASS(f);
    EXPECT(same, STATE,
           "evaluated after training, and after its parameters and kept buffers were saved and "
           "loaded, it gives two results");
    return FINE;
}

static enum finding saved_and_loaded(struct trial *t, struct rn_recording *rec)
{
    struct rig *r = &t->rig;
    rn_real *kept[RIG_BUFFERS] = {0};
    bool all = true;

    PASS(trial_backward(t, &(struct rig_pass){0}));
    for (int i = 0; i < r->plan.n_buf; i++)
        all &= !trial_keeps(t, i) || (kept[i] = held(&r->b[i]));
    enum finding f = all ? loaded(t, rec, kept) : FAILS;
    for (int i = 0; i < RIG_BUFFERS; i++)
        mem_free(kept[i]);
    return f;
}

enum finding trial_state(void *trial) { return with_recording(trial, false, saved_and_loaded); }

/* ---- random numbers ------------------------------------------------------------------ */

enum { DRAWN = 40 };

/* Where another key gives another result there is chance in it: then steps have to differ, too. */
enum finding trial_draws(void *trial)
{
    struct trial *t = trial;
    struct rig *r = &t->rig;

    r->key++;
    enum finding f = trial_once(t, true);
    r->key--;
    PASS(f);
    if (area_same(&r->y, t->y) || r->y.n < DRAWN) /* too few to tell chance from a fault */
        return NOT_ASKED;
    for (int i = 1; i <= DRAWN; i++) {
        r->draw += (uint64_t)i;
        f = trial_forward(t, t->forward);
        r->draw -= (uint64_t)i;
        PASS(f);
        if (!area_same(&r->y, t->y))
            return FINE;
    }
    snprintf(t->why, WHY_SIZE, "what it draws is the same in each step: pass draw_from to the map");
    return DRAWS;
}

/* ---- NaN --------------------------------------------------------------------------------- */

static bool any_nan(const struct area *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (isnan(a->at[i]))
            return true;
    return false;
}

/* The first rows of input i are NaN: none of it may get lost. */
static enum finding nan_passes(struct trial *t, struct rn_recording *rec, int i, int64_t rows)
{
    struct rig *r = &t->rig;
    int64_t width = rn_count(&r->in);

    trial_prepare(t);
    for (int64_t k = 0; k < rows * width; k++)
        r->xs[i].at[k] = (rn_real)NAN;
    PASS(trial_replay(t, rec, "forward()"));
    EXPECT(any_nan(&r->y, rows * rn_count(&r->plan.out)), HIDES_NAN,
           "a sample of nothing but NaN gives an output without any");
    return FINE;
}

static enum finding nan_in_evaluation(struct trial *t, struct rn_recording *rec)
{
    for (int i = 0; i < t->rig.n_in; i++)
        PASS(nan_passes(t, rec, i, 1));
    return FINE;
}

enum finding trial_nan(void *trial)
{
    struct trial *t = trial;

    PASS(with_recording(t, false, nan_in_evaluation));
    for (int i = 0; i < t->rig.n_in && !(t->c->plugin->traits & RN_TRAIT_DROPS); i++)
        PASS(nan_passes(t, t->forward, i, t->rig.batch));
    return FINE;
}
