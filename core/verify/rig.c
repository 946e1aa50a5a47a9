/* rig.c - the core's part in a call of a layer, without the core. */
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

#define GUARD_VALUE ((rn_real)-7654321)

static size_t area_bytes(const struct area *a)
{
    return (size_t)(a->cap + 2 * a->guard) * sizeof *a->at;
}

static int make(struct rn_device *d, int64_t cap, bool apart, struct area *a)
{
    *a = (struct area){.cap = cap, .guard = 64 + cap / 4};
    void *p = NULL, *host = NULL;

    int status = d->ops->alloc(d, area_bytes(a), &p);
    if (status >= 0 && apart && !(host = mem_alloc(area_bytes(a)))) {
        d->ops->free(d, p);
        status = RN_ENOMEM;
    }
    if (status < 0) {
        *a = (struct area){0};
        return status;
    }
    a->dev = (rn_real *)p + a->guard;
    a->at = apart ? (rn_real *)host + a->guard : a->dev;
    area_size(a, cap);
    return RN_OK;
}

int area_make(struct rn_device *d, int64_t cap, struct area *a) { return make(d, cap, false, a); }

int area_make_apart(struct rn_device *d, int64_t cap, struct area *a)
{
    return make(d, cap, true, a);
}

int area_maker_for(struct rn_device *d, area_maker **out)
{
    struct rn_device_info info = {.size = sizeof info};

    RN_TRY(d->ops->info(d, &info));
    *out = info.host_visible ? area_make : area_make_apart;
    return RN_OK;
}

void area_free(struct rn_device *d, struct area *a)
{
    if (a->at != a->dev)
        mem_free(a->at - a->guard);
    if (a->dev)
        d->ops->free(d, a->dev - a->guard);
    *a = (struct area){0};
}

int area_send(struct rn_device *d, const struct area *a)
{
    return a->at == a->dev ? RN_OK
                           : d->ops->upload(d, a->dev - a->guard, a->at - a->guard, area_bytes(a));
}

int area_fetch(struct rn_device *d, const struct area *a)
{
    return a->at == a->dev
               ? RN_OK
               : d->ops->download(d, a->at - a->guard, a->dev - a->guard, area_bytes(a));
}

void area_size(struct area *a, int64_t n)
{
    a->n = n;
    for (int64_t i = -a->guard; i < a->cap + a->guard; i++)
        a->at[i] = i < 0 || i >= n ? GUARD_VALUE : (rn_real)NAN;
}

void area_fill(struct area *a, rn_real v)
{
    for (int64_t i = 0; i < a->n; i++)
        a->at[i] = v;
}

void area_put(struct area *a, const rn_real *from)
{
    memcpy(a->at, from, (size_t)a->n * sizeof *from);
}

bool area_intact(const struct area *a)
{
    for (int64_t i = -a->guard; a->at && i < a->cap + a->guard; i++)
        if ((i < 0 || i >= a->n) && a->at[i] != GUARD_VALUE)
            return false;
    return true;
}

bool area_finite(const struct area *a)
{
    for (int64_t i = 0; i < a->n; i++)
        if (!isfinite(a->at[i]))
            return false;
    return true;
}

bool area_same(const struct area *a, const rn_real *want)
{
    return !memcmp(a->at, want, (size_t)a->n * sizeof *want);
}

/* ---- memory ---------------------------------------------------------------- */

int64_t rig_buffer_count(const struct rig_item *b, int64_t batch)
{
    return rn_count(&b->shape) * (b->flags & RN_PER_SAMPLE ? batch : 1);
}

void rig_start(const struct rig_plan *plan, int i, struct area *a)
{
    const struct rig_item *b = &plan->buf[i];

    for (int64_t k = 0; k < a->n; k++)
        a->at[k] =
            b->constant ? (rn_real)plan->constants[b->constant - 1 + k] : (b->flags & RN_ONES) != 0;
}

int rig_open_inputs(struct rig *r, struct rn_device *dev, const struct rn_layer_ops *ops,
                    const void *opts, struct rn_shape in, int n_in, int64_t max_batch)
{
    struct rn_shape ins[RIG_INPUTS];
    area_maker *make_area;

    *r = (struct rig){.ops = ops,
                      .opts = opts,
                      .dev = dev,
                      .in = in,
                      .n_in = n_in,
                      .key = 0x5eed,
                      .draw = 11,
                      .poison = (rn_real)NAN};
    if (n_in > RIG_INPUTS)
        return FAIL(RN_EUNSUPPORTED, "the check has room for %d inputs", RIG_INPUTS);
    for (int i = 0; i < n_in; i++)
        ins[i] = in;
    RN_TRY(area_maker_for(dev, &make_area));
    RN_TRY(rig_plan(ops->plan, opts, ins, n_in, &r->plan));

    int64_t n = max_batch * rn_count(&in), n_out = max_batch * rn_count(&r->plan.out);
    for (int i = 0; i < n_in; i++) {
        RN_TRY(make_area(dev, n, &r->xs[i]));
        RN_TRY(make_area(dev, n, &r->dxs[i]));
    }
    RN_TRY(make_area(dev, n_out, &r->y));
    RN_TRY(make_area(dev, n_out, &r->dy));
    for (int i = 0; i < r->plan.n_param; i++) {
        RN_TRY(make_area(dev, rn_count(&r->plan.param[i].shape), &r->p[i]));
        RN_TRY(make_area(dev, rn_count(&r->plan.param[i].shape), &r->dp[i]));
    }
    for (int i = 0; i < r->plan.n_buf; i++)
        RN_TRY(make_area(dev, rig_buffer_count(&r->plan.buf[i], max_batch), &r->b[i]));
    rig_batch(r, max_batch, false);
    return RN_OK;
}

int rig_open(struct rig *r, struct rn_device *dev, const struct rn_layer_ops *ops, const void *opts,
             struct rn_shape in, int64_t max_batch)
{
    return rig_open_inputs(r, dev, ops, opts, in, 1, max_batch);
}

void rig_close(struct rig *r)
{
    for (int i = 0; i < RIG_AREAS; i++)
        area_free(r->dev, rig_area(r, i));
}

void rig_batch(struct rig *r, int64_t batch, bool alias)
{
    r->batch = batch;
    r->alias = alias;
    for (int i = 0; i < r->n_in; i++) {
        area_size(&r->xs[i], batch * rn_count(&r->in));
        area_size(&r->dxs[i], batch * rn_count(&r->in));
    }
    area_size(&r->y, batch * rn_count(&r->plan.out));
    area_size(&r->dy, batch * rn_count(&r->plan.out));
    for (int i = 0; i < r->plan.n_buf; i++)
        area_size(&r->b[i], rig_buffer_count(&r->plan.buf[i], batch));
    rig_poison(r);
}

struct area *rig_area(struct rig *r, int i)
{
    if (i < 2)
        return i ? &r->dy : &r->y;
    i -= 2;
    if (i < 2 * RIG_INPUTS)
        return i < RIG_INPUTS ? &r->xs[i] : &r->dxs[i - RIG_INPUTS];
    i -= 2 * RIG_INPUTS;
    if (i < 2 * RIG_PARAMS)
        return i < RIG_PARAMS ? &r->p[i] : &r->dp[i - RIG_PARAMS];
    return &r->b[i - 2 * RIG_PARAMS];
}

void rig_poison(struct rig *r)
{
    for (int i = 0; i < RIG_AREAS; i++)
        area_fill(rig_area(r, i), r->poison);
}

/* ---- calls ----------------------------------------------------------------- */

static void tensors(struct rn_tensor *out, const struct area *a, const struct rn_shape *shape,
                    int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (struct rn_tensor){a[i].dev, *shape};
}

/* What a call points at. */
struct operands {
    struct rn_tensor in[RIG_INPUTS], din[RIG_INPUTS], out, dout;
    struct rn_tensor param[RIG_PARAMS], dparam[RIG_PARAMS], buf[RIG_BUFFERS];
    rn_real beta[RIG_INPUTS];
};

static void operands_fill(struct operands *o, const struct rig *r, const struct rig_pass *pass)
{
    tensors(o->in, r->xs, &r->in, r->n_in);
    tensors(o->din, r->dxs, &r->in, r->n_in);
    tensors(&o->out, r->alias ? &r->x : &r->y, &r->plan.out, 1);
    tensors(&o->dout, &r->dy, &r->plan.out, 1);
    if (r->alias)
        o->din[0].data = r->dy.dev;
    for (int i = 0; i < r->n_in; i++) {
        o->beta[i] = pass->add_x >> i & 1;
        if (pass->skip_x >> i & 1)
            o->din[i].data = NULL;
    }
    for (int i = 0; i < r->plan.n_param; i++) {
        tensors(&o->param[i], &r->p[i], &r->plan.param[i].shape, 1);
        tensors(&o->dparam[i], &r->dp[i], &r->plan.param[i].shape, 1);
        if (pass->skip_p >> i & 1)
            o->dparam[i].data = NULL;
    }
    for (int i = 0; i < r->plan.n_buf; i++)
        tensors(&o->buf[i], &r->b[i], &r->plan.buf[i].shape, 1);
}

int rig_record(struct rig *r, bool training, const struct rig_pass *backward,
               struct rn_recording **out)
{
    struct rn_device *d = r->dev;
    struct operands o = {0};
    struct rn_call c = {.size = sizeof c,
                        .training = training,
                        .opts = r->opts,
                        .dev = d,
                        .batch = r->batch,
                        .in = o.in,
                        .out = &o.out,
                        .param = o.param,
                        .buf = o.buf,
                        .draw_from = 1,
                        .key = r->key};

    operands_fill(&o, r, backward ? backward : &(struct rig_pass){0});
    if (backward) {
        c.dout = &o.dout;
        c.din = o.din;
        c.dparam = o.dparam;
        c.din_beta = o.beta;
        c.dparam_beta = backward->add_p;
    }
    rig_poison(r);
    *out = NULL;
    RN_TRY(d->ops->capture_begin(d));
    int status = backward ? r->ops->backward(&c) : r->ops->forward(&c);
    int ended = d->ops->capture_end(d, out);
    if (status < 0 || ended < 0) {
        d->ops->discard(d, *out);
        *out = NULL;
    }
    return status < 0 ? status : ended;
}

int rig_replay(struct rig *r, struct rn_recording *rec)
{
    struct rn_block block = {.u = {0, r->draw}};

    for (int i = 0; i < RIG_AREAS; i++)
        RN_TRY(area_send(r->dev, rig_area(r, i)));
    RN_TRY(r->dev->ops->replay(r->dev, rec, &block));
    RN_TRY(r->dev->ops->sync(r->dev));
    for (int i = 0; i < RIG_AREAS; i++)
        RN_TRY(area_fetch(r->dev, rig_area(r, i)));
    return RN_OK;
}
