/* random.c - layers that draw, that keep something, that have two inputs: each right and then
 * wrong. The name says the fault. */
#include <runner/layer.h>

RN_MAP(drop, 1, 1, 1, y0 = u < a0 ? 0 * x0 : x0 / (1 - a0););
RN_MAP(same, 1, 1, 0, y0 = x0;);
RN_MAP(sum, 2, 1, 0, y0 = x0 + x1;);
RN_MAP(follow, 2, 1, 0, y0 = 0.9f * x0 + 0.1f * x1 * a0;);
RN_MAP(minus, 2, 1, 0, y0 = x0 - x1;);
RN_MAP(negative, 1, 1, 0, y0 = -x0;);

static int plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

/* ---- chance ------------------------------------------------------------------------- */

static int dropped(const struct rn_call *c, const rn_real *in, rn_real *out, rn_real beta,
                   uint64_t key, uint32_t draw_from)
{
    return rn_apply(c->dev, &drop,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {in},
                                         .out = {out},
                                         .beta = {beta},
                                         .arg = {(rn_real)0.5},
                                         .key = key,
                                         .draw_from = (uint8_t)draw_from});
}

static int copied(const struct rn_call *c, const rn_real *in, rn_real *out, rn_real beta)
{
    return rn_apply(c->dev, &same,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {in},
                                         .out = {out},
                                         .beta = {beta}});
}

static int drops_forward(const struct rn_call *c)
{
    return c->training ? dropped(c, c->in->data, c->out->data, 0, c->key, c->draw_from)
                       : copied(c, c->in->data, c->out->data, 0);
}

static int drops_backward(const struct rn_call *c)
{
    return c->din->data
               ? dropped(c, c->dout->data, c->din->data, c->din_beta[0], c->key, c->draw_from)
               : RN_OK;
}

static int redraws(const struct rn_call *c)
{
    return c->din->data
               ? dropped(c, c->dout->data, c->din->data, c->din_beta[0], c->key + 1, c->draw_from)
               : RN_OK;
}

static int never_redraws_forward(const struct rn_call *c)
{
    return c->training ? dropped(c, c->in->data, c->out->data, 0, c->key, 0)
                       : copied(c, c->in->data, c->out->data, 0);
}

static int never_redraws_backward(const struct rn_call *c)
{
    return c->din->data ? dropped(c, c->dout->data, c->din->data, c->din_beta[0], c->key, 0)
                        : RN_OK;
}

static int drops_in_evaluation(const struct rn_call *c)
{
    return dropped(c, c->in->data, c->out->data, 0, c->key, c->draw_from);
}

/* ---- what is kept: x minus a running mean, which is no function of x ------------------ */

enum { MEAN, NOW };

static int plan_mean(struct rn_plan *p)
{
    RN_TRY(plan(p));
    RN_TRY(p->buffer(p, "mean", RN_PERSISTENT, p->in[0], 0));
    RN_TRY(p->buffer(p, "now", RN_SCRATCH, p->in[0], 0));
    return RN_OK;
}

static int plan_mean_lost(struct rn_plan *p) /* not RN_PERSISTENT */
{
    RN_TRY(plan(p));
    RN_TRY(p->buffer(p, "mean", RN_SAVED, p->in[0], 0));
    RN_TRY(p->buffer(p, "now", RN_SCRATCH, p->in[0], 0));
    return RN_OK;
}

static int subtracted(const struct rn_call *c)
{
    return rn_apply(c->dev, &minus,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in->data, c->buf[MEAN].data},
                                         .span = {RN_EACH, RN_PER_COL},
                                         .out = {c->out->data}});
}

static int followed(const struct rn_call *c)
{
    int64_t n = rn_count(&c->in->shape);

    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch, n, c->in->data, 0, c->buf[NOW].data));
    return rn_apply(c->dev, &follow,
                    (struct rn_map_call){.rows = 1,
                                         .cols = n,
                                         .in = {c->buf[MEAN].data, c->buf[NOW].data},
                                         .out = {c->buf[MEAN].data},
                                         .arg = {1 / (rn_real)c->batch}});
}

static int centres(const struct rn_call *c) /* the mean of the steps before */
{
    RN_TRY(subtracted(c));
    return c->training ? followed(c) : RN_OK;
}

static int counts_in_evaluation(const struct rn_call *c)
{
    RN_TRY(subtracted(c));
    return followed(c);
}

/* In memory of its own, which is not saved: the first value of the last training batch. */
static rn_real last, *places[256];
static int n_places;

static void take(void *ctx, int64_t slice)
{
    (void)slice;
    last = **(rn_real **)ctx;
}

static void give(void *ctx, int64_t slice)
{
    (void)slice;
    **(rn_real **)ctx += last;
}

static int remembers(const struct rn_call *c)
{
    rn_real **place = &places[n_places++ % 256];

    RN_TRY(copied(c, c->in->data, c->out->data, 0));
    *place = c->training ? c->in->data : c->out->data;
    return c->dev->ops->task(c->dev, c->training ? take : give, place, 1);
}

static int passes_back(const struct rn_call *c)
{
    return c->din->data ? copied(c, c->dout->data, c->din->data, c->din_beta[0]) : RN_OK;
}

/* ---- two inputs ------------------------------------------------------------------------- */

struct two {
    struct rn_layers first, second;
};

static const struct rn_option branches[] = {
    RN_LAYERS(struct two, first, "[]", "one branch"),
    RN_LAYERS(struct two, second, "[]", "another"),
    RN_END,
};

static int adds_forward(const struct rn_call *c)
{
    return rn_apply(c->dev, &sum,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->in[0].data, c->in[1].data},
                                         .out = {c->out->data}});
}

static int back_to(const struct rn_call *c, int i, const struct rn_map *map, rn_real beta)
{
    if (!c->din[i].data)
        return RN_OK;
    return rn_apply(c->dev, map,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->in->shape),
                                         .in = {c->dout->data},
                                         .out = {c->din[i].data},
                                         .beta = {beta}});
}

static int adds_backward(const struct rn_call *c)
{
    RN_TRY(back_to(c, 0, &same, c->din_beta[0]));
    return back_to(c, 1, &same, c->din_beta[1]);
}

static int second_din_wrong(const struct rn_call *c)
{
    RN_TRY(back_to(c, 0, &same, c->din_beta[0]));
    return back_to(c, 1, &negative, c->din_beta[1]);
}

static int second_beta_ignored(const struct rn_call *c)
{
    RN_TRY(back_to(c, 0, &same, c->din_beta[0]));
    return back_to(c, 1, &same, c->din_beta[0]);
}

static int plan_silent(struct rn_plan *p)
{
    RN_TRY(plan(p));
    return p->in[0].rank == 1 ? RN_OK : RN_ESHAPE;
}

#define OPS(plan_, forward_, backward_) \
    .version = "1.0.0", .license = "MIT", .summary = "a test of the tests", \
    .ops = &(const struct rn_layer_ops) \
    { \
        .size = sizeof(struct rn_layer_ops), .plan = plan_, .forward = forward_, \
        .backward = backward_ \
    }
#define LAYER(id, traits_, plan_, forward_, backward_) \
    static const struct rn_plugin id##_layer = {RN_PLUGIN_PLAIN(RN_KIND_LAYER), .name = #id, \
                                                .traits = traits_, \
                                                OPS(plan_, forward_, backward_)}
#define TWO(id, backward_) \
    static const struct rn_plugin id##_layer = {RN_PLUGIN_HEAD(RN_KIND_LAYER, struct two), \
                                                .name = #id, .options = branches, \
                                                OPS(plan, adds_forward, backward_)}

LAYER(drops, RN_TRAIT_DROPS, plan, drops_forward, drops_backward);
LAYER(redraws, RN_TRAIT_DROPS, plan, drops_forward, redraws);
LAYER(never_redraws, RN_TRAIT_DROPS, plan, never_redraws_forward, never_redraws_backward);
LAYER(drops_in_evaluation, RN_TRAIT_DROPS, plan, drops_in_evaluation, drops_backward);
LAYER(centres, 0, plan_mean, centres, passes_back);
LAYER(counts_in_evaluation, 0, plan_mean, counts_in_evaluation, passes_back);
LAYER(mean_starts_anywhere, 0, plan_mean_lost, centres, passes_back);
LAYER(remembers, 0, plan, remembers, passes_back);
LAYER(silent, 0, plan_silent, drops_forward, drops_backward);
TWO(adds_two, adds_backward);
TWO(second_din_wrong, second_din_wrong);
TWO(second_beta_ignored, second_beta_ignored);

RN_PLUGINS(&drops_layer, &redraws_layer, &never_redraws_layer, &drops_in_evaluation_layer,
           &centres_layer, &counts_in_evaluation_layer, &mean_starts_anywhere_layer,
           &remembers_layer, &silent_layer, &adds_two_layer, &second_din_wrong_layer,
           &second_beta_ignored_layer);
