/* side.c - plans, records and runs a layer, a loss or an optimizer on any device. */
#include "side.h"

#include "base/error.h"
#include "finding.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { UPDATES = 5, WIDTH = 33, SCALARS_FROM = 5, PLAYED = RN_KIND_OPTIMIZER + 1 };

#define WOBBLE (4 * (double)FLT_EPSILON)

/* Streams of made_up(): what stands for what. */
enum { OF_OUT = 2, OF_PARAM = 10, OF_IN = 20, OF_GRAD = 30, OF_WOBBLE = 500 };

static rn_real value(const struct side *side, int stream, int64_t i)
{
    const uint64_t seed = side->s->seed * 1000 + (uint64_t)stream;
    double v = made_up(seed, i);

    if (side->wobble)
        v *= 1 + WOBBLE * made_up(seed + OF_WOBBLE + 50 * (uint64_t)side->wobble, i);
    return (rn_real)v;
}

static void put_values(const struct side *side, int stream, struct area *a)
{
    for (int64_t i = 0; i < a->n; i++)
        a->at[i] = value(side, stream, i);
}

RN_PRINTF(3, 4)
static int note(struct outcome *out, const struct area *a, const char *fmt, ...)
{
    int64_t from =
        out->tensors ? out->tensor[out->tensors - 1].from + out->tensor[out->tensors - 1].n : 0;
    va_list args;

    if (out->tensors == OUTCOME_TENSORS || a->n > OUTCOME_ROOM - from)
        return FAIL(RN_EBUG, "the check has room for %d values in %d tensors", OUTCOME_ROOM,
                    OUTCOME_TENSORS);
    va_start(args, fmt);
    vsnprintf(out->tensor[out->tensors].name, OUTCOME_NAME, fmt, args);
    va_end(args);
    memcpy(out->at + from, a->at, (size_t)a->n * sizeof *a->at);
    out->tensor[out->tensors].from = from;
    out->tensor[out->tensors++].n = a->n;
    return RN_OK;
}

static int intact(const struct area *a)
{
    return area_intact(a)
               ? RN_OK
               : FAIL(RN_EBUG, "it wrote around a tensor of %lld values", (long long)a->n);
}

/* Of what was asked of the device: refusing it is a fault there, and no answer to the plugin. */
static int asked(int status)
{
    return status == RN_ESHAPE || status == RN_EINVAL ? RN_EDEVICE : status;
}

/* ---- layers ---------------------------------------------------------------------- */

enum { FORWARD, BACKWARD, EVALUATE };

static int open_layer(struct side *side)
{
    const struct subject *s = side->s;
    const struct rig_pass pass = {.add_x = s->other ? ~0u : 0, .add_p = s->other};
    struct rig *r = &side->rig;

    TRY(rig_open_inputs(r, side->dev, &s->plugin->ops.layer, s->opts, s->in,
                        check_inputs(s->plugin), s->batch));
    TRY(asked(rig_record(r, true, NULL, &side->rec[FORWARD])));
    TRY(asked(rig_record(r, true, &pass, &side->rec[BACKWARD])));
    return asked(rig_record(r, false, NULL, &side->rec[EVALUATE]));
}

static int replay_layer(struct side *side, int which)
{
    TRY(rig_replay(&side->rig, side->rec[which]));
    for (int i = 0; i < RIG_AREAS; i++)
        TRY(intact(rig_area(&side->rig, i)));
    return RN_OK;
}

static void prepare_forward(struct side *side)
{
    struct rig *r = &side->rig;

    rig_poison(r);
    for (int i = 0; i < r->n_in; i++)
        put_values(side, OF_IN + i, &r->xs[i]);
    for (int i = 0; i < r->plan.n_param; i++)
        put_values(side, OF_PARAM + i, &r->p[i]);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_PERSISTENT)
            rig_start(&r->plan, i, &r->b[i]);
}

static void prepare_backward(struct side *side)
{
    struct rig *r = &side->rig;

    put_values(side, OF_OUT, &r->dy);
    for (int i = 0; i < r->n_in && side->s->other; i++)
        put_values(side, OF_GRAD + i, &r->dxs[i]);
    for (int i = 0; i < r->plan.n_param && side->s->other; i++)
        put_values(side, OF_GRAD + RIG_INPUTS + i, &r->dp[i]);
    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_SCRATCH)
            area_fill(&r->b[i], r->poison);
}

static int note_kept(struct side *side, struct outcome *out)
{
    struct rig *r = &side->rig;

    for (int i = 0; i < r->plan.n_buf; i++)
        if (r->plan.buf[i].life == RN_PERSISTENT && !r->plan.buf[i].constant)
            TRY(note(out, &r->b[i], "%s after forward()", r->plan.buf[i].name));
    return RN_OK;
}

static int run_layer(struct side *side, struct outcome *out)
{
    struct rig *r = &side->rig;

    prepare_forward(side);
    TRY(replay_layer(side, FORWARD));
    TRY(note(out, &r->y, "output"));
    TRY(note_kept(side, out));
    prepare_backward(side);
    TRY(replay_layer(side, BACKWARD));
    for (int i = 0; i < r->n_in; i++)
        TRY(note(out, &r->dxs[i], r->n_in > 1 ? "gradient of input %d" : "gradient of the input",
                 i));
    for (int i = 0; i < r->plan.n_param; i++)
        TRY(note(out, &r->dp[i], "gradient of %s", r->plan.param[i].name));
    prepare_forward(side);
    TRY(replay_layer(side, EVALUATE));
    return note(out, &r->y, "output of an evaluation");
}

/* ---- losses and optimizers --------------------------------------------------------- */

static int replay_areas(struct side *side, int which, const struct rn_block *block)
{
    const struct rn_device_ops *ops = side->dev->ops;

    for (int i = 0; i < SIDE_AREAS; i++)
        TRY(area_send(side->dev, &side->a[i]));
    TRY(ops->replay(side->dev, side->rec[which], block));
    TRY(ops->sync(side->dev));
    for (int i = 0; i < SIDE_AREAS; i++)
        TRY(area_fetch(side->dev, &side->a[i]));
    for (int i = 0; i < SIDE_AREAS; i++)
        TRY(intact(&side->a[i]));
    return RN_OK;
}

static void poison(struct side *side)
{
    for (int i = 0; i < SIDE_AREAS; i++)
        area_fill(&side->a[i], (rn_real)NAN);
}

enum { PRED, TARGET, LOSS, WEIGHT_OF, SCALE, DPRED, BUFFERS };

static int record_loss(struct side *side, int which, const struct rn_loss_call *c)
{
    const struct rn_loss_ops *ops = &side->s->plugin->ops.loss;
    const struct rn_device_ops *device = side->dev->ops;

    TRY(asked(device->capture_begin(side->dev)));
    int status = which == FORWARD ? ops->forward(c) : ops->backward(c);
    int ended = device->capture_end(side->dev, &side->rec[which]);
    return asked(status < 0 ? status : ended);
}

static int open_loss(struct side *side)
{
    const struct subject *s = side->s;
    bool classes = s->plugin->traits & RN_TRAIT_CLASSIFIES;
    const struct rn_shape in[] = {s->in, classes ? rn_vec(1) : s->in};
    const int64_t width = rn_count(&in[0]), target = rn_count(&in[1]), n = s->batch;
    const int64_t count[BUFFERS] = {n * width, n * target, n, n, 1, n * width};
    struct rn_tensor buf[RIG_BUFFERS];
    area_maker *make;

    TRY(area_maker_for(side->dev, &make));
    TRY(rig_plan(s->plugin->ops.loss.plan, s->opts, in, 2, &side->plan));
    for (int i = 0; i < BUFFERS; i++)
        TRY(make(side->dev, count[i], &side->a[i]));
    for (int i = 0; i < side->plan.n_buf; i++) {
        struct area *a = &side->a[BUFFERS + i];

        TRY(make(side->dev, rig_buffer_count(&side->plan.buf[i], n), a));
        buf[i] = (struct rn_tensor){a->dev, side->plan.buf[i].shape};
    }
    struct rn_loss_call c = {.size = sizeof c,
                             .opts = s->opts,
                             .dev = side->dev,
                             .batch = n,
                             .width = width,
                             .target_width = target,
                             .pred = side->a[PRED].dev,
                             .target = side->a[TARGET].dev,
                             .loss = side->a[LOSS].dev,
                             .weight = side->a[WEIGHT_OF].dev,
                             .buf = buf};
    TRY(record_loss(side, FORWARD, &c));
    c.scale = side->a[SCALE].dev;
    c.dpred = side->a[DPRED].dev;
    return record_loss(side, BACKWARD, &c);
}

/* What takes no logits may want predictions between 0 and 1. */
static void prepare_loss(struct side *side)
{
    const uint32_t traits = side->s->plugin->traits;
    const int64_t classes = rn_count(&side->s->in);
    struct area *a = side->a;

    poison(side);
    for (int64_t i = 0; i < a[PRED].n; i++) {
        rn_real x = value(side, OF_IN, i);

        a[PRED].at[i] = traits & RN_TRAIT_WANTS_LOGITS ? x : (rn_real)0.5 + x / 4;
    }
    for (int64_t i = 0; i < a[TARGET].n; i++)
        a[TARGET].at[i] = traits & RN_TRAIT_CLASSIFIES
                              ? (rn_real)((3 * i + 1 + (int64_t)side->s->seed) % classes)
                              : (rn_real)0.5 + value(side, OF_OUT, i) / 3;
    for (int i = 0; i < side->plan.n_buf; i++)
        if (side->plan.buf[i].life == RN_PERSISTENT)
            rig_start(&side->plan, i, &a[BUFFERS + i]);
}

static int run_loss(struct side *side, struct outcome *out)
{
    static const struct rn_block block;
    struct area *a = side->a;

    prepare_loss(side);
    TRY(replay_areas(side, FORWARD, &block));
    TRY(note(out, &a[LOSS], "loss"));
    TRY(note(out, &a[WEIGHT_OF], "weight"));
    for (int i = 0; i < side->plan.n_buf; i++)
        if (side->plan.buf[i].life == RN_SCRATCH)
            area_fill(&a[BUFFERS + i], (rn_real)NAN);
    area_fill(&a[SCALE], (rn_real)0.37);
    TRY(replay_areas(side, BACKWARD, &block));
    return note(out, &a[DPRED], "gradient of the prediction");
}

enum { PARAM, GRAD, SLOTS };

static int put_scalars(struct side *side, int64_t update, struct rn_block *b)
{
    double out[RN_SCALARS] = {0};

    TRY(side->s->plugin->ops.optimizer.scalars(side->s->opts, update, 0.01, out));
    for (int i = 0; i < RN_SCALARS; i++)
        b->f[SCALARS_FROM + i] = (rn_real)out[i];
    return RN_OK;
}

static int open_optimizer(struct side *side)
{
    const struct subject *s = side->s;
    const struct rn_optimizer_ops *ops = &s->plugin->ops.optimizer;
    const struct rn_device_ops *device = side->dev->ops;
    rn_real *slot[SIDE_SLOTS] = {NULL};
    struct rn_block block;
    area_maker *make;

    TRY(area_maker_for(side->dev, &make));
    if (ops->n_slots > SIDE_SLOTS)
        return FAIL(RN_EUNSUPPORTED, "the check has room for %d slots", SIDE_SLOTS);
    TRY(put_scalars(side, 1, &block)); /* may refuse the options */
    for (int i = 0; i < SLOTS + (int)ops->n_slots; i++)
        TRY(make(side->dev, s->batch * WIDTH, &side->a[i]));
    for (uint32_t i = 0; i < ops->n_slots; i++)
        slot[i] = side->a[SLOTS + i].dev;
    TRY(asked(device->capture_begin(side->dev)));
    int status = ops->record(&(struct rn_update){.size = sizeof(struct rn_update),
                                                 .decays = !s->other,
                                                 .opts = s->opts,
                                                 .dev = side->dev,
                                                 .rows = s->batch,
                                                 .cols = WIDTH,
                                                 .param = side->a[PARAM].dev,
                                                 .grad = side->a[GRAD].dev,
                                                 .slot = slot,
                                                 .scalar_from = SCALARS_FROM});
    int ended = device->capture_end(side->dev, &side->rec[0]);
    return asked(status < 0 ? status : ended);
}

static int run_optimizer(struct side *side, struct outcome *out)
{
    const struct rn_optimizer_ops *ops = &side->s->plugin->ops.optimizer;
    struct rn_block block = {0};
    struct area *a = side->a;

    put_values(side, OF_PARAM, &a[PARAM]);
    for (uint32_t i = 0; i < ops->n_slots; i++)
        area_fill(&a[SLOTS + i], 0);
    for (int64_t n = 1; n <= UPDATES; n++) {
        put_values(side, OF_GRAD + (int)n, &a[GRAD]);
        TRY(put_scalars(side, n, &block));
        TRY(replay_areas(side, 0, &block));
    }
    TRY(note(out, &a[PARAM], "parameter after %d updates", UPDATES));
    for (uint32_t i = 0; i < ops->n_slots; i++)
        TRY(note(out, &a[SLOTS + i], "%s after %d updates", ops->slot_names[i], UPDATES));
    return RN_OK;
}

/* ---- any of them ------------------------------------------------------------------- */

static const struct {
    int (*open)(struct side *side);
    int (*run)(struct side *side, struct outcome *out);
} kinds[PLAYED] = {
    [RN_KIND_LAYER] = {open_layer, run_layer},
    [RN_KIND_LOSS] = {open_loss, run_loss},
    [RN_KIND_OPTIMIZER] = {open_optimizer, run_optimizer},
};

bool side_knows(const struct plugin *p)
{
    return p->kind < PLAYED && kinds[p->kind].open &&
           !(p->kind == RN_KIND_LAYER && p->ops.layer.flags & RN_LAYER_VIEW);
}

int side_open(struct side *side) { return kinds[side->s->plugin->kind].open(side); }

int side_run(struct side *side, struct outcome *out)
{
    out->tensors = 0;
    return kinds[side->s->plugin->kind].run(side, out);
}

void side_close(struct side *side)
{
    for (int i = 0; i < SIDE_RECORDINGS; i++)
        side->dev->ops->discard(side->dev, side->rec[i]);
    if (side->rig.dev)
        rig_close(&side->rig);
    for (int i = 0; i < SIDE_AREAS; i++)
        area_free(side->dev, &side->a[i]);
}
