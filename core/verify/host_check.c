/* host_check.c - plugins that work on the host with plain values: schedulers, callbacks,
 * augmentation. */
#include "finding.h"
#include "update_check.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

/* `bytes` zeroed ones and a guard behind them. NULL: out of memory. */
static void *guarded(size_t bytes)
{
    unsigned char *p = mem_alloc(bytes + GUARD);

    if (p)
        memset(p + bytes, GUARD_BYTE, GUARD);
    return p;
}

static bool intact(const void *p, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)p + bytes;

    for (int i = 0; i < GUARD; i++)
        if (at[i] != GUARD_BYTE)
            return false;
    return true;
}

/* ---- schedulers ---------------------------------------------------------------- */

struct schedule {
    const struct check *c;
    const struct rn_scheduler_ops *ops;
    void *state, *other; /* state_size bytes each, with guards */
    char why[WHY_SIZE];
};

static const struct rn_progress_point courses[] = {
    {.steps = 1, .steps_per_epoch = 1, .batch_size = 1},
    {.steps = 60, .steps_per_epoch = 12, .batch_size = 32},
    {.steps = 500, .steps_per_epoch = 100, .batch_size = 7},
    {.steps = 25, .steps_per_epoch = 10, .batch_size = 64}, /* ends within an epoch */
};

static enum finding factor_at(struct schedule *t, const struct rn_progress_point *p, double *out)
{
    const size_t n = t->ops->state_size;

    memcpy(t->other, t->state, n + GUARD);
    *out = t->ops->factor(t->c->opts, t->state, p);
    EXPECT(!memcmp(t->other, t->state, n + GUARD), CHANGES_INPUT, "factor() changes its state");
    EXPECT(isfinite(*out) && *out >= 0, RATE, "factor() gives %g after %lld of %lld steps", *out,
           (long long)p->step, (long long)p->steps);
    return FINE;
}

/* Once through a run, and back: what it says may depend on the place alone. */
static enum finding check_course(struct schedule *t, struct rn_progress_point p)
{
    double there[512], back;

    p.size = sizeof p;
    for (p.step = 0; p.step < p.steps; p.step++)
        PASS(factor_at(t, &p, &there[p.step]));
    while (p.step-- > 0) {
        PASS(factor_at(t, &p, &back));
        EXPECT(same_bits(&there[p.step], &back, sizeof back), UNSTEADY,
               "factor() gives %g and then %g after %lld of %lld steps", there[p.step], back,
               (long long)p.step, (long long)p.steps);
    }
    return FINE;
}

static enum finding check_courses(void *trial)
{
    struct schedule *t = trial;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "factor()");
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
        PASS(check_course(t, courses[i]));
    return FINE;
}

/* Two states that hear the same become the same, whatever the metric is. */
static enum finding check_observe(void *trial)
{
    struct schedule *t = trial;
    const size_t n = t->ops->state_size;
    const double metrics[] = {2.3, 1.1, 1.2, 0.9, (double)NAN, 0.9, 0.95, 1.5, INFINITY, 0.8};

    if (!t->ops->observe)
        return NOT_ASKED;
    void *twin = guarded(n);
    EXPECT(twin, FAILS, "out of memory");
    enum finding f = FINE;
    bool same = true, within = true;
    for (int i = 0; f == FINE && i < 40; i++) {
        double m = metrics[i % (int)(sizeof metrics / sizeof *metrics)];

        snprintf(t->c->v->doing, sizeof t->c->v->doing, "observe()");
        t->ops->observe(t->c->opts, t->state, m);
        t->ops->observe(t->c->opts, twin, m);
        same &= !memcmp(t->state, twin, n);
        within &= intact(t->state, n) && intact(twin, n);
        f = check_courses(t);
    }
    mem_free(twin);
    PASS(f);
    EXPECT(within, OUTSIDE, "observe() writes around its state of %d bytes", (int)n);
    EXPECT(same, UNSTEADY, "the same metrics give two states");
    return FINE;
}

enum finding check_scheduler(const struct check *c)
{
    static const struct stage stages[] = {{RATE, check_courses}, {UNSTEADY, check_observe}};
    struct schedule t = {.c = c, .ops = &c->plugin->ops.scheduler};
    enum finding f = FAILS;

    c->v->trials++;
    t.state = guarded(t.ops->state_size);
    t.other = guarded(t.ops->state_size);
    if (t.state && t.other)
        f = stages_run(c->v, stages, 2, &t, t.why);
    mem_free(t.state);
    mem_free(t.other);
    return f;
}

/* ---- callbacks -------------------------------------------------------------------- */

struct watch {
    const struct check *c;
    const struct rn_callback_ops *ops;
    char why[WHY_SIZE];
};

struct guarded_moment {
    struct rn_moment m;
    unsigned char guard[GUARD];
};

enum { EPOCHS = 6 };

static void make_moment(struct guarded_moment *g, uint32_t when, int64_t epoch,
                        const struct rn_metric *metrics, int n)
{
    memset(g->guard, GUARD_BYTE, GUARD);
    g->m = (struct rn_moment){
        .size = sizeof g->m,
        .when = when,
        .at = {.size = sizeof g->m.at,
               .step = epoch * 10,
               .steps = EPOCHS * 10,
               .steps_per_epoch = 10,
               .batch_size = 32},
        .epoch = epoch,
        .epochs = EPOCHS,
        .seconds = 1.5 * (double)epoch,
        .metrics = when & (RN_AT_EPOCH | RN_AT_END) ? metrics : NULL,
        .n_metrics = when & (RN_AT_EPOCH | RN_AT_END) ? n : 0,
    };
}

static bool ended(const char *s, size_t room) { return memchr(s, '\0', room) != NULL; }

static enum finding check_wants(struct watch *t, const struct rn_moment *m)
{
    const uint32_t known = RN_WANT_KEEP | RN_WANT_RESTORE | RN_WANT_SAVE | RN_WANT_REMOVE |
                           RN_WANT_STOP | RN_WANT_DIVERGED;

    EXPECT(!(m->want & ~known), WANTS, "it wants bits that mean nothing: 0x%x", m->want & ~known);
    EXPECT(ended(m->file, sizeof m->file) && ended(m->old_file, sizeof m->old_file) &&
               ended(m->reason, sizeof m->reason),
           WANTS, "a text in the moment has no end");
    EXPECT(!(m->want & RN_WANT_SAVE) || (*m->file && !strchr(m->file, '/')), WANTS,
           "it wants to save to '%s'", m->file);
    EXPECT(!(m->want & RN_WANT_REMOVE) || (*m->old_file && !strchr(m->old_file, '/')), WANTS,
           "it wants to remove '%s'", m->old_file);
    EXPECT(!(m->want & RN_WANT_STOP) || *m->reason, WANTS, "it wants to stop and gives no reason");
    EXPECT(!(m->want & RN_WANT_RESTORE) || (m->kept_epoch >= 0 && m->kept_epoch <= m->epoch), WANTS,
           "it wants to restore epoch %lld in epoch %lld", (long long)m->kept_epoch,
           (long long)m->epoch);
    return FINE;
}

/* One moment for a state and its twin. */
static enum finding one_moment(struct watch *t, uint32_t when, int64_t epoch,
                               const struct rn_metric *metrics, int n, void *state, void *twin)
{
    struct guarded_moment a, b;
    const size_t bytes = t->ops->state_size;

    snprintf(t->c->v->doing, sizeof t->c->v->doing, "at()");
    make_moment(&a, when, epoch, metrics, n);
    make_moment(&b, when, epoch, metrics, n);
    error_clear();
    int status = t->ops->at(t->c->opts, state, &a.m);
    EXPECT(status >= 0 || *error_text(), FAILS, "at() fails and does not say why");
    EXPECT(t->ops->at(t->c->opts, twin, &b.m) == status, UNSTEADY, "at() gives two results");
    EXPECT(intact(state, bytes) && intact(twin, bytes), OUTSIDE,
           "at() writes around its state of %d bytes", (int)bytes);
    EXPECT(intact(&a, sizeof a.m), OUTSIDE, "at() writes behind the moment");
    EXPECT(a.m.want == b.m.want && !memcmp(state, twin, bytes), UNSTEADY,
           "the same moments give two results");
    return status < 0 ? FINE : check_wants(t, &a.m);
}

static enum finding through_a_run(struct watch *t, void *state, void *twin, bool numbers)
{
    static const double losses[EPOCHS] = {2.3, 1.1, 0.9, 0.95, 0.97, 1.2};

    for (int e = 1; e <= EPOCHS; e++) {
        double loss = numbers ? losses[e - 1] : (double)NAN;
        const struct rn_metric metrics[] = {{"train.loss", loss},     {"train.accuracy", 1 - loss},
                                            {"val.loss", loss},       {"val.accuracy", 1 - loss},
                                            {"loss", loss},           {"accuracy", 1 - loss},
                                            {"train.fit_loss", loss}, {"lr", 0.001}};

        for (uint32_t when = RN_AT_STEP; when <= RN_AT_END; when <<= 1)
            if (t->ops->when & when && (when != RN_AT_END || e == EPOCHS))
                PASS(
                    one_moment(t, when, e, metrics, sizeof metrics / sizeof *metrics, state, twin));
    }
    return FINE;
}

static enum finding check_run(void *trial)
{
    struct watch *t = trial;
    enum finding f = FINE;

    for (int numbers = 1; f == FINE && numbers >= 0; numbers--) {
        void *state = guarded(t->ops->state_size), *twin = guarded(t->ops->state_size);

        f = state && twin ? through_a_run(t, state, twin, numbers) : FAILS;
        mem_free(state);
        mem_free(twin);
    }
    return f;
}

enum finding check_callback(const struct check *c)
{
    static const struct stage stages[] = {{WANTS, check_run}};
    struct watch t = {.c = c, .ops = &c->plugin->ops.callback};

    c->v->trials++;
    enum finding f = stages_run(c->v, stages, 1, &t, t.why);
    if (!t.ops->n_slots)
        return f;
    enum finding g =
        check_updates(c, &(struct updates){t.ops->scalars, t.ops->record, t.ops->n_slots, true});
    return f ? f : g;
}
