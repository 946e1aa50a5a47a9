/* layer_check.c - one layer against finite differences and against the promises of layer.h. */
#include "promises.h"
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"
#include "support/value.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BATCH = 5, FULL = 200, DIRECTIONS = 8 };

/* The values that a trial goes out from and what came of them: copies on the host, one for each
 * area of the rig. */
struct trial {
    struct rig rig;
    struct rn_recording *forward;
    rn_real *x, *dy, *y, *dx, *p[RIG_PARAMS], *dp[RIG_PARAMS];
    struct pool *pool;
    char *why;
};

const char *finding_name(enum finding f)
{
    static const char *const name[] = {"fine",           "refuses",
                                       "fails",          "not finite",
                                       "outside",        "changes its input",
                                       "unsteady",       "wrong gradient",
                                       "ignores beta",   "wrong when skipped",
                                       "wrong in place", "no view"};
    return name[f];
}

bool gradient_close(double n, double a)
{
    return fabs(n - a) <= 1e-7 + 1e-6 * fmax(fabs(n), fabs(a));
}

static enum finding replay(struct trial *t, struct rn_recording *rec, const char *what)
{
    struct rig *r = &t->rig;

    CALL(rig_replay(r, rec));
    for (int i = 0; i < RIG_AREAS; i++)
        EXPECT(area_intact(rig_area(r, i)), OUTSIDE,
               "%s, batch %d: wrote around a tensor of %d values", what, (int)r->batch,
               (int)rig_area(r, i)->n);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(area_same(&r->p[i], t->p[i]), CHANGES_INPUT, "%s changes parameter %s", what,
               r->plan.param[i].name);
    return FINE;
}

/* From x and p to y, with nothing else known. */
static enum finding forward(struct trial *t, struct rn_recording *rec)
{
    struct rig *r = &t->rig;

    rig_poison(r);
    area_put(&r->x, t->x);
    for (int i = 0; i < r->plan.n_param; i++)
        area_put(&r->p[i], t->p[i]);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_PERSISTENT)
            area_fill(&r->b[i], 0);
    PASS(replay(t, rec, "forward"));
    EXPECT(r->alias || area_same(&r->x, t->x), CHANGES_INPUT, "forward changes its input");
    EXPECT(area_finite(r->alias ? &r->x : &r->y), NOT_FINITE,
           "forward, batch %d: NaN in the output", (int)r->batch);
    return FINE;
}

static double prefill(int64_t i) { return 0.5 + (double)(i % 3); }

static void prepare_gradient(struct area *a, rn_real beta)
{
    for (int64_t i = 0; i < a->n; i++)
        a->at[i] = (rn_real)(beta != 0 ? prefill(i) : (double)NAN);
}

/* Forward, then backward with only what the flags promise left in memory. */
static enum finding backward(struct trial *t, const struct rig_pass *pass)
{
    struct rig *r = &t->rig;
    struct area *y = r->alias ? &r->x : &r->y, *dx = r->alias ? &r->dy : &r->dx;
    struct rn_recording *rec;

    CALL(rig_record(r, true, pass, &rec));
    enum finding f = forward(t, t->forward);
    area_put(&r->dy, t->dy);
    if (!r->alias)
        prepare_gradient(&r->dx, pass->beta_x);
    for (int i = 0; i < r->plan.n_param; i++)
        prepare_gradient(&r->dp[i], pass->beta_p);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_SCRATCH)
            area_fill(&r->b[i], (rn_real)NAN);
    if (!r->alias && !(r->ops->flags & RN_LAYER_READS_IN))
        area_fill(&r->x, (rn_real)NAN);
    if (!(r->ops->flags & RN_LAYER_READS_OUT))
        area_fill(y, (rn_real)NAN);
    if (f == FINE)
        f = replay(t, rec, "backward");
    r->dev->ops->discard(r->dev, rec);
    PASS(f);
    EXPECT(r->alias || area_same(&r->dy, t->dy), CHANGES_INPUT, "backward changes dout");
    EXPECT(pass->skip_x || area_finite(dx), NOT_FINITE, "backward, batch %d: NaN in din",
           (int)r->batch);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(pass->skip_p >> i & 1 || area_finite(&r->dp[i]), NOT_FINITE,
               "backward, batch %d: NaN in the gradient of %s", (int)r->batch,
               r->plan.param[i].name);
    return FINE;
}

/* ---- finite differences ---------------------------------------------------- */

static enum finding projection(struct trial *t, double *out)
{
    PASS(forward(t, t->forward));
    *out = 0;
    for (int64_t i = 0; i < t->rig.y.n; i++)
        *out += (double)(t->rig.y.at[i] * t->dy[i]);
    return FINE;
}

/* The slope of the projection when v moves along dir; v is as before afterwards. */
static enum finding slope(struct trial *t, rn_real *v, const double *dir, int64_t n, double *out)
{
    const double eps = 1e-6;
    double up, down;
    enum finding f;

    rn_real *saved = pool_alloc(t->pool, (size_t)n * sizeof *saved);
    EXPECT(saved, FAILS, "out of memory");
    memcpy(saved, v, (size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i] = saved[i] + (rn_real)(eps * dir[i]);
    f = projection(t, &up);
    for (int64_t i = 0; f == FINE && i < n; i++)
        v[i] = saved[i] - (rn_real)(eps * dir[i]);
    f = f ? f : projection(t, &down);
    memcpy(v, saved, (size_t)n * sizeof *v);
    *out = f ? 0 : (up - down) / (2 * eps);
    return f;
}

/* Each element when there are few, else random directions. */
static enum finding differences(struct trial *t, rn_real *v, const rn_real *grad, int64_t n,
                                const char *what)
{
    double *dir = pool_alloc(t->pool, (size_t)n * sizeof *dir);
    int64_t tries = n <= FULL ? n : DIRECTIONS;

    EXPECT(dir, FAILS, "out of memory");
    for (int64_t k = 0; k < tries; k++) {
        double numeric, analytic = 0;

        for (int64_t i = 0; i < n; i++) {
            dir[i] = n > FULL ? test_value(100 + (uint64_t)k, i)
                     : i == k ? fmax(1, fabs((double)v[i]))
                              : 0;
            analytic += dir[i] * (double)grad[i];
        }
        PASS(slope(t, v, dir, n, &numeric));
        EXPECT(gradient_close(numeric, analytic), GRADIENT,
               "gradient of %s, batch %d, %s %d: %.9g by differences, %.9g by backward", what,
               (int)t->rig.batch, n > FULL ? "direction" : "element", (int)k, numeric, analytic);
    }
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
        out[i] = (rn_real)test_value(stream, i);
    return out;
}

/* The gradients that all others are held against. */
static enum finding first_results(struct trial *t)
{
    struct rig *r = &t->rig;

    t->x = values(t, 1, r->x.n);
    t->dy = values(t, 2, r->dy.n);
    EXPECT(t->x && t->dy, FAILS, "out of memory");
    for (int i = 0; i < r->plan.n_param; i++) {
        t->p[i] = values(t, 10 + (uint64_t)i, r->p[i].n);
        EXPECT(t->p[i], FAILS, "out of memory");
    }
    PASS(forward(t, t->forward));
    t->y = copy(t, &r->y);
    PASS(backward(t, &(struct rig_pass){0}));
    t->dx = copy(t, &r->dx);
    for (int i = 0; i < r->plan.n_param; i++) {
        t->dp[i] = copy(t, &r->dp[i]);
        EXPECT(t->dp[i], FAILS, "out of memory");
    }
    EXPECT(t->y && t->dx, FAILS, "out of memory");
    return FINE;
}

static enum finding check_steady(struct trial *t)
{
    struct rig *r = &t->rig;
    struct rn_recording *again;

    CALL(rig_record(r, true, NULL, &again));
    enum finding f = forward(t, again);
    r->dev->ops->discard(r->dev, again);
    PASS(f);
    EXPECT(area_same(&r->y, t->y), UNSTEADY, "forward recorded twice gives two results");
    PASS(forward(t, t->forward));
    EXPECT(area_same(&r->y, t->y), UNSTEADY, "forward replayed twice gives two results");
    PASS(backward(t, &(struct rig_pass){0}));
    EXPECT(area_same(&r->dx, t->dx), UNSTEADY, "backward twice gives two results");
    return FINE;
}

static enum finding check_differences(struct trial *t)
{
    PASS(differences(t, t->x, t->dx, t->rig.x.n, "the input"));
    for (int i = 0; i < t->rig.plan.n_param; i++)
        PASS(differences(t, t->p[i], t->dp[i], t->rig.p[i].n, t->rig.plan.param[i].name));
    return FINE;
}

static bool accumulated(const struct area *a, const rn_real *grad, rn_real beta)
{
    for (int64_t i = 0; i < a->n; i++) {
        double want = (double)grad[i] + (beta != 0 ? prefill(i) : 0);

        if (fabs((double)a->at[i] - want) > 1e-12 * (1 + fabs(want)))
            return false;
    }
    return true;
}

static enum finding check_pass(struct trial *t, struct rig_pass pass, enum finding kind)
{
    struct rig *r = &t->rig;
    struct area *dx = r->alias ? &r->dy : &r->dx;

    enum finding f = backward(t, &pass);
    PASS(f == NOT_FINITE ? kind : f); /* it was finite with nothing added and nothing skipped */
    EXPECT(pass.skip_x || accumulated(dx, t->dx, pass.beta_x), kind,
           "din, batch %d, beta %g for it and %g for parameters", (int)r->batch,
           (double)pass.beta_x, (double)pass.beta_p);
    for (int i = 0; i < r->plan.n_param; i++)
        EXPECT(pass.skip_p >> i & 1 || accumulated(&r->dp[i], t->dp[i], pass.beta_p), kind,
               "gradient of %s, batch %d, beta %g for din and %g for it", r->plan.param[i].name,
               (int)r->batch, (double)pass.beta_x, (double)pass.beta_p);
    return FINE;
}

static enum finding check_passes(struct trial *t)
{
    PASS(check_pass(t, (struct rig_pass){.beta_x = 1}, BETA));
    PASS(check_pass(t, (struct rig_pass){.beta_p = 1}, BETA));
    PASS(check_pass(t, (struct rig_pass){.beta_x = 1, .beta_p = 1}, BETA));
    PASS(check_pass(t, (struct rig_pass){.skip_x = true}, SKIP));
    for (int i = 0; i < t->rig.plan.n_param; i++)
        PASS(check_pass(t, (struct rig_pass){.skip_p = 1u << i}, SKIP));
    PASS(check_pass(t, (struct rig_pass){.skip_p = ~0u}, SKIP));
    return check_pass(t, (struct rig_pass){.skip_x = true, .skip_p = ~0u}, SKIP);
}

static enum finding check_evaluation(struct trial *t)
{
    struct rig *r = &t->rig;
    struct rn_recording *rec;

    CALL(rig_record(r, false, NULL, &rec));
    enum finding f = forward(t, rec);
    r->dev->ops->discard(r->dev, rec);
    PASS(f);
    for (int i = 0; i < r->plan.n_buf; i++)
        for (int64_t k = 0; r->plan.buf[i].life == RN_PERSISTENT && k < r->b[i].n; k++)
            EXPECT(r->b[i].at[k] == 0, CHANGES_INPUT, "evaluation changes %s", r->plan.buf[i].name);
    return FINE;
}

static enum finding check_in_place(struct trial *t)
{
    struct rig *r = &t->rig;

    rig_batch(r, r->batch, true);
    r->dev->ops->discard(r->dev, t->forward);
    CALL(rig_record(r, true, NULL, &t->forward));
    PASS(forward(t, t->forward));
    EXPECT(area_same(&r->x, t->y), INPLACE, "forward in place, batch %d", (int)r->batch);
    return check_pass(t, (struct rig_pass){0}, INPLACE);
}

static enum finding check_batch(struct trial *t, int64_t batch)
{
    rig_batch(&t->rig, batch, false);
    CALL(rig_record(&t->rig, true, NULL, &t->forward));
    PASS(first_results(t));
    PASS(check_steady(t));
    PASS(check_differences(t));
    PASS(check_passes(t));
    PASS(check_evaluation(t));
    return t->rig.ops->flags & RN_LAYER_INPLACE ? check_in_place(t) : FINE;
}

static enum finding check_all(struct trial *t)
{
    static const int64_t batches[] = {MAX_BATCH, 2, 1};
    struct rig *r = &t->rig;

    if (r->ops->flags & RN_LAYER_VIEW) {
        EXPECT(rn_count(&r->in) == rn_count(&r->plan.out), VIEW, "the output has another size");
        EXPECT(!r->ops->forward && !r->ops->backward, VIEW, "it computes something");
        return FINE;
    }
    EXPECT(r->ops->forward && r->ops->backward, FAILS, "a function is missing");
    EXPECT(!(r->ops->flags & RN_LAYER_INPLACE) || rn_count(&r->in) == rn_count(&r->plan.out),
           INPLACE, "the output has another size than the input");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        enum finding f = check_batch(t, batches[i]);

        r->dev->ops->discard(r->dev, t->forward);
        t->forward = NULL;
        PASS(f);
    }
    return FINE;
}

enum finding layer_check(struct rn_device *dev, const struct rn_layer_ops *ops, const void *opts,
                         struct rn_shape in, char why[WHY_SIZE])
{
    struct trial t = {.why = why, .pool = pool_new()};
    enum finding f = FAILS;

    why[0] = '\0';
    int status = t.pool ? rig_open(&t.rig, dev, ops, opts, in, MAX_BATCH) : RN_ENOMEM;
    if (status >= 0)
        f = check_all(&t);
    else
        snprintf(why, WHY_SIZE, "%s", error_text());
    if (t.rig.dev)
        rig_close(&t.rig);
    pool_free(t.pool);
    return status == RN_ESHAPE ? REFUSES : f;
}
