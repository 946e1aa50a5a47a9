/* softmax.c - scores become shares that sum to one, in place where the core allows it. */
#include <runner/layer.h>

enum { OF_ROW, PRODUCT }; /* buffers, in the order of plan() */

/* x0 score, x1 the largest of the row: exp() can't overflow */
RN_MAP(powers, 2, 1, 0, y0 = expf(x0 - x1););
RN_MAP(divide, 2, 1, 0, y0 = x0 / x1;);
RN_MAP(multiply, 2, 1, 0, y0 = x0 * x1;);
/* x0 y, x1 dy, x2 sum of y dy over the row */
RN_MAP(slope, 3, 1, 0, y0 = x0 * (x1 - x2););

static int softmax_plan(struct rn_plan *p)
{
    if (p->in[0].rank != 1)
        return RN_FAIL(RN_ESHAPE,
                       "softmax needs a flat input, and this one has %d dimensions: "
                       "put flatten before it",
                       (int)p->in[0].rank);
    p->out = p->in[0];
    RN_TRY(p->buffer(p, "of_row", RN_SCRATCH, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "product", RN_SCRATCH, p->out, RN_PER_SAMPLE));
    return RN_OK;
}

static int with_row(const struct rn_call *c, const struct rn_map *map, const rn_real *x, rn_real *y)
{
    return rn_apply(c->dev, map,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = rn_count(&c->out->shape),
                                         .in = {x, c->buf[OF_ROW].data},
                                         .span = {RN_EACH, RN_PER_ROW},
                                         .out = {y}});
}

static int softmax_forward(const struct rn_call *c)
{
    int64_t width = rn_count(&c->in->shape);
    rn_real *of_row = c->buf[OF_ROW].data, *y = c->out->data;

    RN_TRY(rn_reduce(c->dev, RN_MAX, RN_PER_ROW, c->batch, width, c->in->data, 0, of_row));
    RN_TRY(with_row(c, &powers, c->in->data, y));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, width, y, 0, of_row));
    return with_row(c, &divide, y, y);
}

static int softmax_backward(const struct rn_call *c)
{
    int64_t width = rn_count(&c->out->shape);
    rn_real *of_row = c->buf[OF_ROW].data, *product = c->buf[PRODUCT].data;

    if (!c->din->data)
        return RN_OK;
    RN_TRY(rn_apply(c->dev, &multiply,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = width,
                                         .in = {c->out->data, c->dout->data},
                                         .out = {product}}));
    RN_TRY(rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, width, product, 0, of_row));
    return rn_apply(c->dev, &slope,
                    (struct rn_map_call){.rows = c->batch,
                                         .cols = width,
                                         .in = {c->out->data, c->dout->data, of_row},
                                         .span = {RN_EACH, RN_EACH, RN_PER_ROW},
                                         .out = {c->din->data},
                                         .beta = {c->din_beta[0]}});
}

static int softmax_standard(struct rn_standard *s)
{
    const struct rn_attribute axis = {.name = "axis", .type = RN_ATTRIBUTE_INT, .at = {1}};
    const int32_t in = RN_REF_IN;

    return rn_standard_of(s, "Softmax", 1, &in, 1, &axis, NULL);
}

static const struct rn_plugin softmax = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER),
    .traits = RN_TRAIT_PROBABILITIES,
    .name = "softmax",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "shares that sum to one",
    .doc = "y_i = exp(x_i - max x) / sum_j exp(x_j - max x)\n"
           "dx_i = y_i (dy_i - sum_j y_j dy_j)\n"
           "\n"
           "x [n], flat. NaN in a row makes all of the row NaN. As torch.nn.Softmax(-1).",
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_INPLACE | RN_LAYER_READS_OUT,
                                        .plan = softmax_plan,
                                        .forward = softmax_forward,
                                        .backward = softmax_backward,
                                        .standard = softmax_standard},
};

RN_PLUGINS(&softmax);
