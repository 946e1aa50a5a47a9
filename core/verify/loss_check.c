/* loss_check.c - one loss against finite differences and against the promises of loss.h. */
#include "differences.h"
#include "ref_device.h"
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BATCH = 5, SAMPLES = 1024 };

struct trial {
    const struct check *c;
    const struct rn_loss_ops *ops;
    struct rig_plan plan;
    struct rn_shape in[2]; /* prediction, target */
    int64_t batch;
    struct area pred, target, loss, weight, scale, dpred, buf[RIG_BUFFERS];
    rn_real pred0[SAMPLES], target0[SAMPLES], dpred0[SAMPLES], room[SAMPLES];
    rn_real loss0[MAX_BATCH], weight0[MAX_BATCH];
    rn_real poison;
    bool bounded; /* predictions between 0 and 1 */
    struct rn_recording *forward, *backward;
    char why[WHY_SIZE];
};

static const rn_real scale = (rn_real)0.37;

enum { SINGLE = 6, AREAS = SINGLE + RIG_BUFFERS };
static struct area *area_of(struct trial *t, int i)
{
    struct area *const single[] = {&t->pred,   &t->target, &t->loss,
                                   &t->weight, &t->scale,  &t->dpred};

    return i < SINGLE ? single[i] : &t->buf[i - SINGLE];
}

static int64_t count_of(const struct trial *t, int i, int64_t batch)
{
    const int64_t width = rn_count(&t->in[0]), target = rn_count(&t->in[1]);
    const int64_t single[] = {batch * width, batch * target, batch, batch, 1, batch * width};

    return i < SINGLE                   ? single[i]
           : i - SINGLE < t->plan.n_buf ? rig_buffer_count(&t->plan.buf[i - SINGLE], batch)
                                        : 0;
}

static void set_batch(struct trial *t, int64_t batch)
{
    t->batch = batch;
    for (int i = 0; i < SINGLE + t->plan.n_buf; i++)
        area_size(area_of(t, i), count_of(t, i, batch));
}

static void poison(struct trial *t)
{
    for (int i = 0; i < AREAS; i++)
        area_fill(area_of(t, i), t->poison);
}

static int record(struct trial *t, bool backward, struct rn_recording **out)
{
    struct rn_device *d = t->c->dev;
    struct rn_tensor buf[RIG_BUFFERS];
    struct rn_loss_call c = {.size = sizeof c,
                             .opts = t->c->opts,
                             .dev = d,
                             .batch = t->batch,
                             .width = rn_count(&t->in[0]),
                             .target_width = rn_count(&t->in[1]),
                             .pred = t->pred.at,
                             .target = t->target.at,
                             .loss = t->loss.at,
                             .weight = t->weight.at,
                             .buf = buf,
                             .scale = backward ? t->scale.at : NULL,
                             .dpred = backward ? t->dpred.at : NULL};

    for (int i = 0; i < t->plan.n_buf; i++)
        buf[i] = (struct rn_tensor){t->buf[i].at, t->plan.buf[i].shape};
    poison(t);
    *out = NULL;
    snprintf(t->c->v->doing, sizeof t->c->v->doing, backward ? "backward()" : "forward()");
    RN_TRY(d->ops->capture_begin(d));
    int status = backward ? t->ops->backward(&c) : t->ops->forward(&c);
    int ended = d->ops->capture_end(d, out);
    if (status < 0 || ended < 0) {
        d->ops->discard(d, *out);
        *out = NULL;
    }
    return status < 0 ? status : ended;
}

static enum finding replay(struct trial *t, struct rn_recording *rec, const char *what)
{
    static const struct rn_block block;
    struct rn_device *d = t->c->dev;

    CALL(d->ops->replay(d, rec, &block));
    CALL(d->ops->sync(d));
    for (int i = 0; i < AREAS; i++)
        EXPECT(area_intact(area_of(t, i)), OUTSIDE, "%s wrote around a tensor of %d values", what,
               (int)area_of(t, i)->n);
    EXPECT(area_same(&t->target, t->target0), CHANGES_INPUT, "%s changes the target", what);
    return FINE;
}

static enum finding forward(struct trial *t)
{
    poison(t);
    area_put(&t->pred, t->pred0);
    area_put(&t->target, t->target0);
    for (int i = 0; i < t->plan.n_buf; i++)
        if (t->plan.buf[i].life == RN_PERSISTENT)
            rig_start(&t->plan, i, &t->buf[i]);
    PASS(replay(t, t->forward, "forward()"));
    EXPECT(area_same(&t->pred, t->pred0), CHANGES_INPUT, "forward() changes the prediction");
    return FINE;
}

static enum finding forward_finite(struct trial *t)
{
    PASS(forward(t));
    EXPECT(area_finite(&t->loss) && area_finite(&t->weight), NOT_FINITE,
           "forward(): NaN in loss or weight");
    return FINE;
}

static enum finding backward(struct trial *t)
{
    PASS(forward_finite(t));
    for (int i = 0; i < t->plan.n_buf; i++)
        if (t->plan.buf[i].life == RN_SCRATCH)
            area_fill(&t->buf[i], t->poison);
    area_fill(&t->scale, scale);
    PASS(replay(t, t->backward, "backward()"));
    EXPECT(area_finite(&t->dpred), NOT_FINITE, "backward(): NaN in dpred");
    return FINE;
}

/* ---- the stages ------------------------------------------------------------------ */

static void draw_values(struct trial *t)
{
    const uint64_t seed = t->c->seed * 1000;
    bool classes = t->c->plugin->traits & RN_TRAIT_CLASSIFIES;

    for (int64_t i = 0; i < t->pred.n; i++) {
        double x = made_up(seed + 1, i);

        t->pred0[i] = (rn_real)(t->bounded ? 0.5 + 0.25 * x : x);
    }
    for (int64_t i = 0; i < t->target.n; i++)
        t->target0[i] = classes ? (rn_real)((3 * i + 1 + (int64_t)t->c->seed) % rn_count(&t->in[0]))
                                : (rn_real)(0.5 + made_up(seed + 2, i) / 3);
}

static enum finding first_results(void *trial)
{
    struct trial *t = trial;

    draw_values(t);
    CALL(record(t, false, &t->forward));
    CALL(record(t, true, &t->backward));
    PASS(backward(t));
    memcpy(t->dpred0, t->dpred.at, (size_t)t->dpred.n * sizeof *t->dpred0);
    memcpy(t->loss0, t->loss.at, (size_t)t->batch * sizeof *t->loss0);
    memcpy(t->weight0, t->weight.at, (size_t)t->batch * sizeof *t->weight0);
    return FINE;
}

static enum finding same_again(struct trial *t, enum finding kind, const char *when)
{
    PASS(backward(t));
    EXPECT(area_same(&t->loss, t->loss0) && area_same(&t->weight, t->weight0), kind,
           "forward() %s gives another result", when);
    EXPECT(area_same(&t->dpred, t->dpred0), kind, "backward() %s gives another result", when);
    return FINE;
}

static enum finding check_steady(void *trial)
{
    struct trial *t = trial;

    PASS(same_again(t, UNSTEADY, "done twice"));
    t->poison = 3;
    enum finding f = same_again(t, UNSTEADY, "with other values in fresh memory");
    t->poison = (rn_real)NAN;
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

static enum finding total(void *trial, double *out, double *size)
{
    struct trial *t = trial;
    double squares = 0;

    PASS(forward_finite(t));
    *out = 0;
    for (int64_t i = 0; i < t->batch; i++) {
        double term = (double)scale * (double)t->loss.at[i];

        *out += term;
        squares += term * term;
    }
    *size = sqrt(squares);
    return FINE;
}

static enum finding check_differences(void *trial)
{
    struct trial *t = trial;
    struct differences d = {.value = total,
                            .trial = t,
                            .seed = t->c->seed * 1000,
                            .of = "the prediction",
                            .row = (int)rn_count(&t->in[0]),
                            .why = t->why};

    return differences_check(&d, t->pred0, t->dpred0, t->pred.n, t->room);
}

/* The core divides by the sum of the weights, and takes it for a constant. */
static enum finding check_weight(void *trial)
{
    struct trial *t = trial;

    for (int64_t i = 0; i < t->batch; i++)
        EXPECT(t->weight0[i] >= 0, WEIGHT, "weight %d is %g", (int)i, (double)t->weight0[i]);
    for (int64_t i = 0; i < t->pred.n; i++)
        t->pred0[i] *= (rn_real)0.75;
    PASS(forward_finite(t));
    EXPECT(area_same(&t->weight, t->weight0), WEIGHT, "another prediction gives another weight");
    draw_values(t);
    return FINE;
}

static enum finding check_nan(void *trial)
{
    struct trial *t = trial;

    for (int64_t i = 0; i < rn_count(&t->in[0]); i++)
        t->pred0[i] = (rn_real)NAN;
    PASS(forward(t));
    EXPECT(isnan(t->loss.at[0]), HIDES_NAN, "a prediction of NaN has the loss %g",
           (double)t->loss.at[0]);
    draw_values(t);
    return FINE;
}

static const struct stage stages[] = {
    {NOT_FINITE, first_results},   {UNSTEADY, check_steady}, {ORDER, check_order},
    {GRADIENT, check_differences}, {WEIGHT, check_weight},   {HIDES_NAN, check_nan},
};

static enum finding check_batches(struct trial *t)
{
    static const int64_t batches[] = {MAX_BATCH, 2, 1};
    struct verdict *v = t->c->v;
    struct rn_device *d = t->c->dev;
    size_t known = strlen(v->where);
    enum finding first = FINE;

    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        snprintf(v->where + known, sizeof v->where - known, ", batch of %d%s", (int)batches[i],
                 t->bounded ? ", predictions in 0 to 1" : "");
        set_batch(t, batches[i]);
        enum finding f = stages_run(v, stages, sizeof stages / sizeof *stages, t, t->why);
        d->ops->discard(d, t->forward);
        d->ops->discard(d, t->backward);
        t->forward = t->backward = NULL;
        first = first ? first : f;
    }
    v->where[known] = '\0';
    return first;
}

/* ---- all -------------------------------------------------------------------------- */

static enum finding check_plan(struct trial *t)
{
    struct verdict *v = t->c->v;
    struct rig_plan first;
    char why[128];

    error_clear();
    snprintf(v->doing, sizeof v->doing, "plan()");
    int status = rig_plan(t->ops->plan, t->c->opts, t->in, 2, &first);
    EXPECT(status != RN_ESHAPE && status != RN_EINVAL, REFUSES, "%s", error_text());
    CALL(status);
    CALL(rig_plan(t->ops->plan, t->c->opts, t->in, 2, &t->plan));
    EXPECT(rig_plan_same(&first, &t->plan), DECLARES,
           "plan() declares other things when it is called again");
    EXPECT(rig_plan_good(&first, why, sizeof why), DECLARES, "%s", why);
    EXPECT(!first.n_param, DECLARES, "a loss has no parameters");
    EXPECT(count_of(t, 0, MAX_BATCH) <= SAMPLES && count_of(t, 1, MAX_BATCH) <= SAMPLES, REFUSES,
           "the check has room for %d values", SAMPLES);
    for (int i = 0; i < SINGLE + t->plan.n_buf; i++)
        CALL(area_make(t->c->dev, count_of(t, i, MAX_BATCH), area_of(t, i)));
    verdict_held(v, DECLARES);
    return FINE;
}

/* What expects probabilities is fine without others, so predictions in 0 to 1 come first. */
static enum finding check_ranges(struct trial *t)
{
    struct verdict *v = t->c->v;

    if (t->c->plugin->traits & RN_TRAIT_WANTS_LOGITS)
        return check_batches(t);
    t->bounded = true;
    PASS(check_batches(t));
    t->bounded = false;
    struct verdict *wide = mem_alloc(sizeof *wide);
    if (!wide)
        return FAILS;
    *wide = *v;
    struct check c = *t->c;
    c.v = wide;
    t->c = &c;
    enum finding f = check_batches(t);
    if (f != NOT_FINITE)
        *v = *wide;
    mem_free(wide);
    return f == NOT_FINITE ? FINE : f;
}

enum finding check_loss(const struct check *c)
{
    struct trial *t = mem_alloc(sizeof *t);
    bool classes = c->plugin->traits & RN_TRAIT_CLASSIFIES;

    c->v->trials++;
    if (!t)
        return FAILS;
    t->c = c;
    t->ops = &c->plugin->ops.loss;
    t->in[0] = c->in;
    t->in[1] = classes ? rn_vec(1) : c->in;
    t->poison = (rn_real)NAN;
    enum finding f = check_plan(t);
    if (f != FINE)
        verdict_broken(c->v, f, t->why);
    else
        f = check_ranges(t);
    for (int i = 0; i < AREAS; i++)
        area_free(c->dev, area_of(t, i));
    mem_free(t);
    return f;
}
