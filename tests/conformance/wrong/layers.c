/* layers.c - y = gain x, once right and then wrong in each way that the checks have to find. The
 * name says the fault. */
#include <runner/layer.h>

enum { X, Y }; /* buffers of keeps() and forgets() */

RN_MAP(times, 2, 1, 0, y0 = x0 * x1;);
RN_MAP(times_minus, 2, 1, 0, y0 = -x0 * x1;);
RN_MAP(same, 1, 1, 0, y0 = x0;);
RN_MAP(set, 0, 1, 0, y0 = a0;);
RN_MAP(percent_more, 1, 1, 0, y0 = 1.01f * x0;);
RN_MAP(if_positive, 2, 1, 0, y0 = x0 > 0 ? 0 : x1;);
RN_MAP(nan_to_zero, 1, 1, 0, y0 = x0 == x0 ? x0 : 0;);

static int plan(struct rn_plan *p)
{
    p->out = p->in[0];
    return p->param(p, "gain", p->in[0], (struct rn_init){.rule = RN_INIT_CONST, .scale = 1}, NULL,
                    0);
}

static int multiply(const struct rn_call *c, const struct rn_map *map, const rn_real *a,
                    const rn_real *b, enum rn_span b_span, rn_real *out, rn_real beta)
{
    return rn_apply(c->dev, map,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {a, b},
                                         .span = {RN_EACH, (uint8_t)b_span},
                                         .out = {out},
                                         .beta = {beta}});
}

/* dgain through a product that needs room: a scratch buffer, index X */
static int plan_room(struct rn_plan *p)
{
    RN_TRY(plan(p));
    RN_TRY(p->buffer(p, "product", RN_SCRATCH, p->in[0], RN_PER_SAMPLE));
    return RN_OK;
}

static int forward(const struct rn_call *c)
{
    return multiply(c, &times, c->in->data, c->param->data, RN_PER_COL, c->out->data, 0);
}

static int gain_gradient(const struct rn_call *c, rn_real beta)
{
    if (!c->dparam->data)
        return RN_OK;
    RN_TRY(multiply(c, &times, c->dout->data, c->in->data, RN_EACH, c->buf[X].data, 0));
    return rn_reduce(c->dev, RN_SUM, RN_PER_COL, c->batch, rn_count(&c->in->shape), c->buf[X].data,
                     beta, c->dparam->data);
}

static int input_gradient(const struct rn_call *c, const struct rn_map *map, rn_real beta)
{
    if (!c->din->data)
        return RN_OK;
    return multiply(c, map, c->dout->data, c->param->data, RN_PER_COL, c->din->data, beta);
}

static int backward(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    return input_gradient(c, &times, c->din_beta[0]);
}

/* ---- the faults -------------------------------------------------------------- */

static int sign_flipped(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    return input_gradient(c, &times_minus, c->din_beta[0]);
}

static int scale_missing(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    if (!c->din->data)
        return RN_OK;
    return multiply(c, &same, c->dout->data, c->dout->data, RN_EACH, c->din->data, c->din_beta[0]);
}

static int one_row_short(const struct rn_call *c) /* the last sample is missing in dgain */
{
    struct rn_call part = *c;

    part.batch = c->batch > 1 ? c->batch - 1 : 1;
    RN_TRY(gain_gradient(&part, c->dparam_beta));
    return input_gradient(c, &times, c->din_beta[0]);
}

static int beta_ignored_din(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    return input_gradient(c, &times, 0);
}

static int beta_ignored_dparam(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, 0));
    return input_gradient(c, &times, c->din_beta[0]);
}

static int always_adds(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    return input_gradient(c, &times, 1);
}

static int beta_swapped(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->din_beta[0]));
    return input_gradient(c, &times, c->dparam_beta);
}

static int null_ignored(const struct rn_call *c)
{
    RN_TRY(gain_gradient(c, c->dparam_beta));
    return multiply(c, &times, c->dout->data, c->param->data, RN_PER_COL, c->din->data,
                    c->din_beta[0]);
}

static int nothing_without_din(const struct rn_call *c)
{
    return c->din->data ? backward(c) : RN_OK;
}

static int one_row_more(const struct rn_call *c)
{
    struct rn_call more = *c;

    more.batch++;
    return forward(&more);
}

static int last_row_unwritten(const struct rn_call *c)
{
    struct rn_call fewer = *c;

    fewer.batch--;
    return fewer.batch ? forward(&fewer) : RN_OK;
}

static int forgets_forward(const struct rn_call *c)
{
    RN_TRY(multiply(c, &same, c->in->data, c->in->data, RN_EACH, c->buf[Y].data, 0));
    return forward(c);
}

static int forgets_backward(const struct rn_call *c) /* the input, from a buffer not RN_SAVED */
{
    struct rn_tensor in = {c->buf[Y].data, c->in->shape};
    struct rn_call other = *c;

    other.in = &in;
    return backward(&other);
}

static int plan_forgets(struct rn_plan *p)
{
    RN_TRY(plan_room(p));
    return p->buffer(p, "input", RN_SCRATCH, p->in[0], RN_PER_SAMPLE);
}

static int plain_read(const struct rn_call *c)
{
    rn_real first = c->in->data[0];

    RN_TRY(forward(c));
    return rn_apply(
        c->dev, &set,
        (struct rn_map_call){.rows = 1, .cols = 1, .out = {c->out->data}, .arg = {first}});
}

static int writes_input(const struct rn_call *c)
{
    RN_TRY(forward(c));
    return c->dev->ops->fill(c->dev, c->in->data, 1, 1);
}

static int writes_parameter(const struct rn_call *c)
{
    RN_TRY(forward(c));
    return c->dev->ops->fill(c->dev, c->param->data, 1, 1);
}

static int counts_calls(const struct rn_call *c)
{
    static int calls;

    RN_TRY(forward(c));
    return rn_apply(c->dev, &set,
                    (struct rn_map_call){
                        .rows = 1, .cols = 1, .out = {c->out->data}, .arg = {(rn_real)++calls}});
}

static int needs_input_after(const struct rn_call *c) /* y = x x, in place, and dx = 2 x dy */
{
    return multiply(c, &times, c->in->data, c->in->data, RN_EACH, c->out->data, 0);
}

static int two_outputs_of_input(const struct rn_call *c)
{
    if (!c->din->data)
        return RN_OK;
    RN_TRY(multiply(c, &times, c->in->data, c->dout->data, RN_EACH, c->din->data, c->din_beta[0]));
    return multiply(c, &times, c->in->data, c->dout->data, RN_EACH, c->din->data, 1);
}

static int one_element(const struct rn_call *c) /* of dgain, by a hundredth */
{
    RN_TRY(backward(c));
    if (!c->dparam->data)
        return RN_OK;
    return rn_apply(c->dev, &percent_more,
                    (struct rn_map_call){
                        .rows = 1, .cols = 1, .in = {c->dparam->data}, .out = {c->dparam->data}});
}

static int batch_of_one(const struct rn_call *c)
{
    return c->batch == 1 ? sign_flipped(c) : backward(c);
}

static int one_element_more(const struct rn_call *c)
{
    RN_TRY(forward(c));
    return c->dev->ops->fill(c->dev, c->out->data + c->batch * rn_count(&c->out->shape), 1, 1);
}

static int looks_at_scratch(const struct rn_call *c) /* which forward never writes */
{
    RN_TRY(forward(c));
    return rn_apply(
        c->dev, &if_positive,
        (struct rn_map_call){
            .rows = 1, .cols = 1, .in = {c->buf[X].data, c->out->data}, .out = {c->out->data}});
}

static void add_slice(void *ctx, int64_t slice) /* out = out / 2 + slice, in turn */
{
    rn_real *out = *(rn_real **)ctx;

    out[0] = out[0] / 2 + (rn_real)slice;
}

static int slices_in_order(const struct rn_call *c)
{
    static rn_real *at[256]; /* what the tasks of each recording work on */
    static int n;
    rn_real **mine = &at[n++ % 256];

    *mine = c->out->data;
    RN_TRY(forward(c));
    return c->dev->ops->task(c->dev, add_slice, mine, 3);
}

static int hides_nan(const struct rn_call *c)
{
    RN_TRY(forward(c));
    return rn_apply(c->dev, &nan_to_zero,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {c->out->data},
                                         .out = {c->out->data}});
}

static int plan_two_of_a_name(struct rn_plan *p)
{
    RN_TRY(plan_room(p));
    return p->buffer(p, "gain", RN_SCRATCH, p->in[0], 0);
}

static int plan_view_leaves_out(struct rn_plan *p)
{
    int64_t n = rn_count(&p->in[0]);
    struct rn_view view = {.rank = 2, .dim = {n, 1}, .perm = {0, 0}, .shape = rn_vec(n)};

    p->out = p->in[0];
    return p->param(p, "gain", p->in[0], (struct rn_init){.rule = RN_INIT_CONST, .scale = 1}, &view,
                    0);
}

static int plan_square(struct rn_plan *p)
{
    p->out = p->in[0];
    return RN_OK;
}

static int plan_view(struct rn_plan *p)
{
    p->out = rn_vec(rn_count(&p->in[0]) + 1);
    return RN_OK;
}

#define LAYER(id, flags_, plan_, forward_, backward_) \
    static const struct rn_plugin id##_layer = { \
        RN_PLUGIN_PLAIN(RN_KIND_LAYER), \
        .name = #id, \
        .version = "1.0.0", \
        .license = "MIT", \
        .summary = "a test of the tests", \
        .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops), \
                                            .flags = flags_, \
                                            .plan = plan_, \
                                            .forward = forward_, \
                                            .backward = backward_}}

#define READS RN_LAYER_READS_IN
LAYER(right, READS, plan_room, forward, backward);
LAYER(sign_flipped, READS, plan_room, forward, sign_flipped);
LAYER(scale_missing, READS, plan_room, forward, scale_missing);
LAYER(one_row_short, READS, plan_room, forward, one_row_short);
LAYER(one_element, READS, plan_room, forward, one_element);
LAYER(batch_of_one, READS, plan_room, forward, batch_of_one);
LAYER(beta_ignored_din, READS, plan_room, forward, beta_ignored_din);
LAYER(beta_ignored_dparam, READS, plan_room, forward, beta_ignored_dparam);
LAYER(always_adds, READS, plan_room, forward, always_adds);
LAYER(beta_swapped, READS, plan_room, forward, beta_swapped);
LAYER(null_ignored, READS, plan_room, forward, null_ignored);
LAYER(nothing_without_din, READS, plan_room, forward, nothing_without_din);
LAYER(one_row_more, READS, plan_room, one_row_more, backward);
LAYER(last_row_unwritten, READS, plan_room, last_row_unwritten, backward);
LAYER(forgets, READS, plan_forgets, forgets_forward, forgets_backward);
LAYER(flag_missing, 0, plan_room, forward, backward);
LAYER(plain_read, READS, plan_room, plain_read, backward);
LAYER(writes_input, READS, plan_room, writes_input, backward);
LAYER(writes_parameter, READS, plan_room, writes_parameter, backward);
LAYER(counts_calls, READS, plan_room, counts_calls, backward);
LAYER(not_in_place, READS | RN_LAYER_INPLACE, plan_square, needs_input_after, two_outputs_of_input);
LAYER(no_view, RN_LAYER_VIEW, plan_view, NULL, NULL);
LAYER(one_element_more, READS, plan_room, one_element_more, backward);
LAYER(looks_at_scratch, READS, plan_room, looks_at_scratch, backward);
LAYER(slices_in_order, READS, plan_room, slices_in_order, backward);
LAYER(hides_nan, READS, plan_room, hides_nan, backward);
LAYER(two_of_a_name, READS, plan_two_of_a_name, forward, backward);
LAYER(view_leaves_out, READS, plan_view_leaves_out, forward, backward);

RN_PLUGINS(&right_layer, &sign_flipped_layer, &scale_missing_layer, &one_row_short_layer,
           &beta_ignored_din_layer, &beta_ignored_dparam_layer, &always_adds_layer,
           &beta_swapped_layer, &null_ignored_layer, &nothing_without_din_layer,
           &one_row_more_layer, &last_row_unwritten_layer, &forgets_layer, &flag_missing_layer,
           &plain_read_layer, &writes_input_layer, &writes_parameter_layer, &counts_calls_layer,
           &not_in_place_layer, &no_view_layer, &one_element_layer, &batch_of_one_layer,
           &one_element_more_layer, &looks_at_scratch_layer, &slices_in_order_layer,
           &hides_nan_layer, &two_of_a_name_layer, &view_leaves_out_layer);
