/* loss_check.c - one loss against finite differences and against the promises of loss.h. */
#include "promises.h"
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"
#include "support/value.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BATCH = 5, SAMPLES = 1024 };

struct trial {
    const struct rn_loss_ops *ops;
    const void *opts;
    struct rn_device *dev;
    struct rig_plan plan;
    struct rn_shape in[2]; /* prediction, target */
    int64_t batch;
    struct area pred, target, loss, weight, scale, dpred, buf[RIG_BUFFERS];
    rn_real pred0[SAMPLES], target0[SAMPLES], dpred0[SAMPLES];
    char *why;
};

enum { AREAS = 6 + RIG_BUFFERS };
static struct area *area_of(struct trial *t, int i)
{
    struct area *const single[] = {&t->pred,   &t->target, &t->loss,
                                   &t->weight, &t->scale,  &t->dpred};

    return i < 6 ? single[i] : &t->buf[i - 6];
}

static int64_t count_of(const struct trial *t, int i, int64_t batch)
{
    const int64_t width = rn_count(&t->in[0]), target = rn_count(&t->in[1]);
    const int64_t single[] = {batch * width, batch * target, batch, batch, 1, batch * width};

    return i < 6                   ? single[i]
           : i - 6 < t->plan.n_buf ? rig_buffer_count(&t->plan.buf[i - 6], batch)
                                   : 0;
}

static void set_batch(struct trial *t, int64_t batch)
{
    t->batch = batch;
    for (int i = 0; i < 6 + t->plan.n_buf; i++)
        area_size(area_of(t, i), count_of(t, i, batch));
}

static void poison(struct trial *t)
{
    for (int i = 0; i < AREAS; i++)
        area_fill(area_of(t, i), (rn_real)NAN);
}

static int record(struct trial *t, bool backward, struct rn_recording **out)
{
    struct rn_tensor buf[RIG_BUFFERS];
    struct rn_loss_call c = {.size = sizeof c,
                             .opts = t->opts,
                             .dev = t->dev,
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
    RN_TRY(t->dev->ops->capture_begin(t->dev));
    int status = backward ? t->ops->backward(&c) : t->ops->forward(&c);
    int ended = t->dev->ops->capture_end(t->dev, out);
    if (status < 0 || ended < 0) {
        t->dev->ops->discard(t->dev, *out);
        *out = NULL;
    }
    return status < 0 ? status : ended;
}

static enum finding replay(struct trial *t, struct rn_recording *rec, const char *what)
{
    static const struct rn_block block;

    CALL(t->dev->ops->replay(t->dev, rec, &block));
    CALL(t->dev->ops->sync(t->dev));
    for (int i = 0; i < AREAS; i++)
        EXPECT(area_intact(area_of(t, i)), OUTSIDE, "%s, batch %d: wrote around a tensor", what,
               (int)t->batch);
    EXPECT(area_same(&t->target, t->target0), CHANGES_INPUT, "%s changes the target", what);
    return FINE;
}

static enum finding forward(struct trial *t, struct rn_recording *rec)
{
    poison(t);
    area_put(&t->pred, t->pred0);
    area_put(&t->target, t->target0);
    PASS(replay(t, rec, "forward"));
    EXPECT(area_same(&t->pred, t->pred0), CHANGES_INPUT, "forward changes the prediction");
    EXPECT(area_finite(&t->loss) && area_finite(&t->weight), NOT_FINITE,
           "forward, batch %d: NaN in loss or weight", (int)t->batch);
    return FINE;
}

static enum finding backward(struct trial *t, struct rn_recording *fwd, struct rn_recording *rec)
{
    PASS(forward(t, fwd));
    for (int i = 0; i < t->plan.n_buf; i++)
        if (t->plan.buf[i].life == RN_SCRATCH)
            area_fill(&t->buf[i], (rn_real)NAN);
    area_fill(&t->scale, (rn_real)0.37);
    PASS(replay(t, rec, "backward"));
    EXPECT(area_finite(&t->dpred), NOT_FINITE, "backward, batch %d: NaN in dpred", (int)t->batch);
    return FINE;
}

static enum finding total(struct trial *t, struct rn_recording *fwd, double *out)
{
    PASS(forward(t, fwd));
    *out = 0;
    for (int64_t i = 0; i < t->batch; i++)
        *out += 0.37 * (double)t->loss.at[i];
    return FINE;
}

static enum finding differences(struct trial *t, struct rn_recording *fwd)
{
    for (int64_t i = 0; i < t->pred.n; i++) {
        rn_real x = t->pred0[i];
        double eps = 1e-6 * fmax(1, fabs((double)x)), up = 0, down = 0;

        t->pred0[i] = x + (rn_real)eps;
        enum finding f = total(t, fwd, &up);
        t->pred0[i] = x - (rn_real)eps;
        f = f ? f : total(t, fwd, &down);
        t->pred0[i] = x;
        PASS(f);
        EXPECT(gradient_close((up - down) / (2 * eps), (double)t->dpred0[i]), GRADIENT,
               "element %d, batch %d: %.9g by differences, %.9g by backward", (int)i, (int)t->batch,
               (up - down) / (2 * eps), (double)t->dpred0[i]);
    }
    return FINE;
}

static enum finding check_recorded(struct trial *t, struct rn_recording *fwd,
                                   struct rn_recording *back)
{
    rn_real loss0[MAX_BATCH];

    PASS(backward(t, fwd, back));
    memcpy(t->dpred0, t->dpred.at, (size_t)t->dpred.n * sizeof *t->dpred0);
    memcpy(loss0, t->loss.at, (size_t)t->batch * sizeof *loss0);
    PASS(backward(t, fwd, back));
    EXPECT(area_same(&t->dpred, t->dpred0) && area_same(&t->loss, loss0), UNSTEADY,
           "the same call twice gives two results");
    return differences(t, fwd);
}

static enum finding check_batch(struct trial *t, int64_t batch, bool classes)
{
    struct rn_recording *fwd = NULL, *back = NULL;
    enum finding f = FAILS;

    set_batch(t, batch);
    for (int64_t i = 0; i < t->pred.n; i++)
        t->pred0[i] = (rn_real)test_value(1, i);
    for (int64_t i = 0; i < t->target.n; i++)
        t->target0[i] =
            classes ? (rn_real)((3 * i + 1) % rn_count(&t->in[0])) : (rn_real)test_value(2, i);
    if (record(t, false, &fwd) >= 0 && record(t, true, &back) >= 0)
        f = check_recorded(t, fwd, back);
    else
        snprintf(t->why, WHY_SIZE, "%s", error_text());
    t->dev->ops->discard(t->dev, fwd);
    t->dev->ops->discard(t->dev, back);
    return f;
}

static enum finding check_all(struct trial *t, bool classes)
{
    static const int64_t batches[] = {MAX_BATCH, 2, 1};

    EXPECT(count_of(t, 0, MAX_BATCH) <= SAMPLES && count_of(t, 1, MAX_BATCH) <= SAMPLES, FAILS,
           "the check has room for %d values", SAMPLES);
    for (int i = 0; i < 6 + t->plan.n_buf; i++)
        CALL(area_make(t->dev, count_of(t, i, MAX_BATCH), area_of(t, i)));
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        PASS(check_batch(t, batches[i], classes));
    return FINE;
}

enum finding loss_check(struct rn_device *dev, const struct rn_loss_ops *ops, const void *opts,
                        bool classes, struct rn_shape pred, char why[WHY_SIZE])
{
    struct trial *t = mem_alloc(sizeof *t);
    enum finding f = FAILS;

    why[0] = '\0';
    if (!t)
        return FAILS;
    *t = (struct trial){
        .ops = ops, .opts = opts, .dev = dev, .in = {pred, classes ? rn_vec(1) : pred}, .why = why};
    int status = rig_plan(ops->plan, opts, t->in, 2, &t->plan);
    if (status >= 0)
        f = check_all(t, classes);
    else
        snprintf(why, WHY_SIZE, "%s", error_text());
    for (int i = 0; i < AREAS; i++)
        area_free(dev, area_of(t, i));
    mem_free(t);
    return status == RN_ESHAPE ? REFUSES : f;
}
