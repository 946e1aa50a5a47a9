/* cross_entropy.c - the negative logarithm of the softmax at the true class, from raw
 * scores and stable for any: the largest score of a row is subtracted first. */
#include <runner/loss.h>

struct cross_entropy {
    double label_smoothing;
    struct rn_floats class_weights;
};

static const struct rn_option options[] = {
    RN_FLOAT(struct cross_entropy, label_smoothing, "0", 0, 1, RN_OPT_OPEN_MAX, NULL,
             "share of the target that goes to all classes alike"),
    RN_FLOATS(struct cross_entropy, class_weights, NULL, 1, RN_LIST_MAX,
              "how much each class counts; all alike when left out"),
    RN_END,
};

/* buffers, in the order of plan() */
enum {
    PEAK,        /* [1] the largest score */
    SHARE,       /* [width] exp(score - peak) */
    TOTAL,       /* [1] their sum */
    TRUTH,       /* [width] (score - peak) times the target's share of the class */
    WEIGHTS,     /* [width] class_weights: these three only with them */
    PICKED,      /* [width] the true class's weight, else 0 */
    TRUE_WEIGHT, /* [1] the true class's weight */
};

/* The target's share of a class is a0 = smoothing / classes, and a1 = 1 - smoothing more for the
 * true one. A share of 0 leaves out a score of -inf. x0 scores, x1 peak, x2 class, x3 weights */
RN_MAP(shift, 3, 2, 0,
       const rn_real share = col == (int64_t)x2 ? a0 + a1 : a0;
       y0 = expf(x0 - x1);
       y1 = share != 0 ? (x0 - x1) * share : 0;);
RN_MAP(shift_weighted, 4, 3, 0,
       const rn_real share = (col == (int64_t)x2 ? a0 + a1 : a0) * x3;
       y0 = expf(x0 - x1);
       y1 = share != 0 ? (x0 - x1) * share : 0;
       y2 = col == (int64_t)x2 ? x3 : 0;);
/* x0 total, x1 sum of truth, x2 the true class's weight; a2 the sum of all weights */
RN_MAP(finish, 2, 2, 0, y0 = logf(x0) - x1; y1 = 1;);
RN_MAP(finish_weighted, 3, 2, 0, y0 = (a0 * a2 + a1 * x2) * logf(x0) - x1; y1 = x2;);
/* x0 exp(score - peak), x1 total, x2 class, x3 1 / sum of weights, x4 weights, x5 true weight */
RN_MAP(slope, 4, 1, 0, y0 = (x0 / x1 - (col == (int64_t)x2 ? a0 + a1 : a0)) * x3;);
RN_MAP(slope_weighted, 6, 1, 0,
       y0 = (x0 / x1 * (a0 * a2 + a1 * x5) - (col == (int64_t)x2 ? a0 + a1 : a0) * x4) * x3;);

static int plan_weights(struct rn_plan *p)
{
    const struct cross_entropy *o = p->opts;
    int64_t classes = p->in[0].dim[0];

    if (o->class_weights.count != classes)
        return RN_FAIL(
            RN_ESHAPE,
            "class_weights has %lld values, and the model's output %lld scores: give one "
            "weight for each class",
            (long long)o->class_weights.count, (long long)classes);
    for (int64_t i = 0; i < classes; i++)
        if (!(o->class_weights.at[i] >= 0) || isinf(o->class_weights.at[i]))
            return RN_FAIL(RN_EINVAL, "class_weights[%lld] is %g, expected 0 or more", (long long)i,
                           o->class_weights.at[i]);
    RN_TRY(p->constant(p, "weights", rn_vec(classes), o->class_weights.at));
    RN_TRY(p->buffer(p, "picked", RN_SCRATCH, rn_vec(classes), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "true_weight", RN_SAVED, rn_vec(1), RN_PER_SAMPLE));
    return RN_OK;
}

static int cross_entropy_plan(struct rn_plan *p)
{
    const struct cross_entropy *o = p->opts;
    const struct rn_shape *pred = &p->in[0];

    if (pred->rank != 1)
        return RN_FAIL(RN_ESHAPE,
                       "cross_entropy needs one score for each class, and the model's output has "
                       "%d dimensions: end the model with flatten and a dense layer",
                       (int)pred->rank);
    if (rn_count(&p->in[1]) != 1)
        return RN_FAIL(RN_ESHAPE,
                       "cross_entropy needs a class number as target, and this data has %lld "
                       "values for each sample",
                       (long long)rn_count(&p->in[1]));
    RN_TRY(p->buffer(p, "peak", RN_SCRATCH, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "share", RN_SAVED, *pred, RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "total", RN_SAVED, rn_vec(1), RN_PER_SAMPLE));
    RN_TRY(p->buffer(p, "truth", RN_SCRATCH, *pred, RN_PER_SAMPLE));
    return o->class_weights.count ? plan_weights(p) : RN_OK;
}

/* a0, a1 and a2 of the maps */
static void set_shares(const struct rn_loss_call *c, struct rn_map_call *call)
{
    const struct cross_entropy *o = c->opts;
    double sum = 0;

    for (int64_t i = 0; i < o->class_weights.count; i++)
        sum += o->class_weights.at[i];
    call->arg[0] = (rn_real)(o->label_smoothing / (double)c->width);
    call->arg[1] = (rn_real)(1 - o->label_smoothing);
    call->arg[2] = (rn_real)sum;
}

static int sum_rows(const struct rn_loss_call *c, const rn_real *in, rn_real *out)
{
    return rn_reduce(c->dev, RN_SUM, RN_PER_ROW, c->batch, c->width, in, 0, out);
}

static int shift_scores(const struct rn_loss_call *c, bool weighted)
{
    struct rn_map_call call = {.rows = c->batch,
                               .cols = c->width,
                               .in = {c->pred, c->buf[PEAK].data, c->target},
                               .span = {RN_EACH, RN_PER_ROW, RN_PER_ROW, RN_PER_COL},
                               .out = {c->buf[SHARE].data, c->buf[TRUTH].data}};

    set_shares(c, &call);
    if (weighted) {
        call.in[3] = c->buf[WEIGHTS].data;
        call.out[2] = c->buf[PICKED].data;
    }
    return rn_apply(c->dev, weighted ? &shift_weighted : &shift, call);
}

static int cross_entropy_forward(const struct rn_loss_call *c)
{
    const struct cross_entropy *o = c->opts;
    bool weighted = o->class_weights.count;
    struct rn_map_call end = {.rows = c->batch,
                              .cols = 1,
                              .in = {c->buf[TOTAL].data, c->loss},
                              .out = {c->loss, c->weight}};

    RN_TRY(
        rn_reduce(c->dev, RN_MAX, RN_PER_ROW, c->batch, c->width, c->pred, 0, c->buf[PEAK].data));
    RN_TRY(shift_scores(c, weighted));
    RN_TRY(sum_rows(c, c->buf[SHARE].data, c->buf[TOTAL].data));
    RN_TRY(sum_rows(c, c->buf[TRUTH].data, c->loss));
    set_shares(c, &end);
    if (!weighted)
        return rn_apply(c->dev, &finish, end);
    RN_TRY(sum_rows(c, c->buf[PICKED].data, c->buf[TRUE_WEIGHT].data));
    end.in[2] = c->buf[TRUE_WEIGHT].data;
    return rn_apply(c->dev, &finish_weighted, end);
}

static int cross_entropy_backward(const struct rn_loss_call *c)
{
    const struct cross_entropy *o = c->opts;
    bool weighted = o->class_weights.count;
    struct rn_map_call call = {
        .rows = c->batch,
        .cols = c->width,
        .in = {c->buf[SHARE].data, c->buf[TOTAL].data, c->target, c->scale},
        .span = {RN_EACH, RN_PER_ROW, RN_PER_ROW, RN_ONE, RN_PER_COL, RN_PER_ROW},
        .out = {c->dpred}};

    set_shares(c, &call);
    if (weighted) {
        call.in[4] = c->buf[WEIGHTS].data;
        call.in[5] = c->buf[TRUE_WEIGHT].data;
    }
    return rn_apply(c->dev, weighted ? &slope_weighted : &slope, call);
}

static const struct rn_plugin cross_entropy = {
    RN_PLUGIN_HEAD(RN_KIND_LOSS, struct cross_entropy),
    .traits = RN_TRAIT_DEFAULT | RN_TRAIT_WANTS_LOGITS | RN_TRAIT_CLASSIFIES,
    .name = "cross_entropy",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "for classes, from raw scores",
    .doc = "loss = -log softmax(z)[class] = log sum_j exp(z_j - max z) - (z[class] - max z)\n"
           "dz = (softmax(z) - onehot(class)) / batch\n"
           "\n"
           "z [classes], the target one class number; mean over the batch. The model ends\n"
           "in raw scores, without a softmax. label_smoothing s puts (1 - s) onehot(class) +\n"
           "s / classes in the place of onehot(class). With class_weights each class's part of\n"
           "that target counts by its weight, and the mean divides by the sum of the true\n"
           "classes' weights. As torch.nn.CrossEntropyLoss.",
    .options = options,
    .ops = &(const struct rn_loss_ops){.size = sizeof(struct rn_loss_ops),
                                       .plan = cross_entropy_plan,
                                       .forward = cross_entropy_forward,
                                       .backward = cross_entropy_backward},
};

RN_PLUGINS(&cross_entropy);
