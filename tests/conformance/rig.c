/* rig.c - the core's part in a call of a layer, without the core. */
#include "rig.h"

#include "base/error.h"

#include <string.h>

#define GUARD_VALUE ((rn_real)-7654321)

int area_make(struct rn_device *d, int64_t cap, struct area *a)
{
    void *p;

    RN_TRY(d->ops->alloc(d, (size_t)(cap + 2 * RIG_GUARD) * sizeof *a->at, &p));
    *a = (struct area){(rn_real *)p + RIG_GUARD, cap, cap};
    area_size(a, cap);
    return RN_OK;
}

void area_free(struct rn_device *d, struct area *a)
{
    if (a->at)
        d->ops->free(d, a->at - RIG_GUARD);
    *a = (struct area){0};
}

void area_size(struct area *a, int64_t n)
{
    a->n = n;
    for (int64_t i = -RIG_GUARD; i < a->cap + RIG_GUARD; i++)
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
    for (int64_t i = -RIG_GUARD; a->at && i < a->cap + RIG_GUARD; i++)
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

/* ---- planning -------------------------------------------------------------- */

static int add_param(struct rn_plan *p, const char *name, struct rn_shape shape,
                     struct rn_init init, const struct rn_view *view, uint32_t flags)
{
    struct rig_plan *plan = p->core;

    if (plan->n_param == RIG_PARAMS || rn_count(&shape) < 1 || !name)
        return FAIL(RN_EBUG, "parameter %s cannot be had", name ? name : "without a name");
    plan->param[plan->n_param] =
        (struct rig_item){.name = name, .shape = shape, .init = init, .flags = flags};
    if (view)
        plan->param[plan->n_param].view = *view;
    return plan->n_param++;
}

static int add_buffer(struct rn_plan *p, const char *name, uint32_t life, struct rn_shape shape,
                      uint32_t flags)
{
    struct rig_plan *plan = p->core;

    if (plan->n_buf == RIG_BUFFERS || rn_count(&shape) < 1 || !name || life < RN_SCRATCH ||
        life > RN_PERSISTENT)
        return FAIL(RN_EBUG, "buffer %s cannot be had", name ? name : "without a name");
    plan->buf[plan->n_buf] =
        (struct rig_item){.name = name, .shape = shape, .life = life, .flags = flags};
    return plan->n_buf++;
}

/* values must outlive the plan */
static int add_constant(struct rn_plan *p, const char *name, struct rn_shape shape,
                        const double *values)
{
    struct rig_plan *plan = p->core;
    int at = add_buffer(p, name, RN_PERSISTENT, shape, 0);

    if (at >= 0)
        plan->buf[at].values = values;
    return at;
}

int rig_plan(int (*plan)(struct rn_plan *), const void *opts, const struct rn_shape *in, int n_in,
             struct rig_plan *out)
{
    struct rn_plan p = {.size = sizeof p,
                        .n_in = n_in,
                        .opts = opts,
                        .in = in,
                        .core = out,
                        .param = add_param,
                        .buffer = add_buffer,
                        .constant = add_constant};

    memset(out, 0, sizeof *out);
    RN_TRY(plan(&p));
    out->out = p.out;
    out->flops = p.flops;
    return RN_OK;
}

/* ---- memory ---------------------------------------------------------------- */

int64_t rig_buffer_count(const struct rig_item *b, int64_t batch)
{
    return rn_count(&b->shape) * (b->flags & RN_PER_SAMPLE ? batch : 1);
}

int rig_open(struct rig *r, struct rn_device *dev, const struct rn_layer_ops *ops, const void *opts,
             struct rn_shape in, int64_t max_batch)
{
    *r = (struct rig){.ops = ops, .opts = opts, .dev = dev, .in = in};
    RN_TRY(rig_plan(ops->plan, opts, &in, 1, &r->plan));

    int64_t n_in = max_batch * rn_count(&in), n_out = max_batch * rn_count(&r->plan.out);
    if (n_out < 1)
        return FAIL(RN_EBUG, "plan() left an output without elements");
    RN_TRY(area_make(dev, n_in, &r->x));
    RN_TRY(area_make(dev, n_in, &r->dx));
    RN_TRY(area_make(dev, n_out, &r->y));
    RN_TRY(area_make(dev, n_out, &r->dy));
    for (int i = 0; i < r->plan.n_param; i++) {
        RN_TRY(area_make(dev, rn_count(&r->plan.param[i].shape), &r->p[i]));
        RN_TRY(area_make(dev, rn_count(&r->plan.param[i].shape), &r->dp[i]));
    }
    for (int i = 0; i < r->plan.n_buf; i++)
        RN_TRY(area_make(dev, rig_buffer_count(&r->plan.buf[i], max_batch), &r->b[i]));
    rig_batch(r, max_batch, false);
    return RN_OK;
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
    area_size(&r->x, batch * rn_count(&r->in));
    area_size(&r->dx, batch * rn_count(&r->in));
    area_size(&r->y, batch * rn_count(&r->plan.out));
    area_size(&r->dy, batch * rn_count(&r->plan.out));
    for (int i = 0; i < r->plan.n_buf; i++)
        area_size(&r->b[i], rig_buffer_count(&r->plan.buf[i], batch));
    rig_poison(r);
}

struct area *rig_area(struct rig *r, int i)
{
    struct area *const single[] = {&r->x, &r->y, &r->dx, &r->dy};

    if (i < 4)
        return single[i];
    i -= 4;
    if (i < 2 * RIG_PARAMS)
        return i < RIG_PARAMS ? &r->p[i] : &r->dp[i - RIG_PARAMS];
    return &r->b[i - 2 * RIG_PARAMS];
}

void rig_poison(struct rig *r)
{
    for (int i = 0; i < RIG_AREAS; i++)
        area_fill(rig_area(r, i), (rn_real)NAN);
}

/* ---- calls ----------------------------------------------------------------- */

int rig_record(struct rig *r, bool training, const struct rig_pass *backward,
               struct rn_recording **out)
{
    struct rn_device *d = r->dev;
    struct rn_tensor param[RIG_PARAMS], dparam[RIG_PARAMS], buf[RIG_BUFFERS];
    struct rn_tensor in = {r->x.at, r->in}, y = {r->alias ? in.data : r->y.at, r->plan.out};
    struct rn_tensor dy = {r->dy.at, r->plan.out}, dx = {r->alias ? dy.data : r->dx.at, r->in};
    struct rn_call c = {.size = sizeof c,
                        .training = training,
                        .opts = r->opts,
                        .dev = d,
                        .batch = r->batch,
                        .in = &in,
                        .out = &y,
                        .param = param,
                        .buf = buf,
                        .draw_from = 1,
                        .key = 0x5eed};

    for (int i = 0; i < r->plan.n_param; i++) {
        param[i] = (struct rn_tensor){r->p[i].at, r->plan.param[i].shape};
        dparam[i] = (struct rn_tensor){r->dp[i].at, r->plan.param[i].shape};
        if (backward && backward->skip_p >> i & 1)
            dparam[i].data = NULL;
    }
    for (int i = 0; i < r->plan.n_buf; i++)
        buf[i] = (struct rn_tensor){r->b[i].at, r->plan.buf[i].shape};
    if (backward) {
        c.dout = &dy;
        c.din = &dx;
        c.dparam = dparam;
        c.din_beta = &backward->beta_x;
        c.dparam_beta = backward->beta_p;
        if (backward->skip_x)
            dx.data = NULL;
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
    static const struct rn_block block = {.u = {0, 11}};

    RN_TRY(r->dev->ops->replay(r->dev, rec, &block));
    return r->dev->ops->sync(r->dev);
}
