/* gelu.c - y = x times the share of a normal distribution below x. */
#include <runner/layer.h>

enum { EXACT, TANH };

struct gelu {
    int64_t approximate;
};

static const struct rn_choice approximations[] = {
    {"none", EXACT, "by the error function"},
    {"tanh", TANH, "x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))"},
    {NULL, 0, NULL},
};

static const struct rn_option options[] = {
    RN_CHOICE(struct gelu, approximate, "none", approximations, "how to compute it"),
    RN_END,
};

/* 0.7071... is sqrt(1/2), 0.3989... 1/sqrt(2 pi), 0.7978... sqrt(2/pi) */
RN_MAP(forward, 1, 1, 0, y0 = x0 * (1 + erff(x0 * (rn_real)0.70710678118654752)) / 2;);
/* x0 x, x1 dy */
RN_MAP(backward, 2, 1, 0,
       const rn_real share = (1 + erff(x0 * (rn_real)0.70710678118654752)) / 2;
       const rn_real density = expf(-x0 * x0 / 2) * (rn_real)0.39894228040143268;
       y0 = x1 * (share + x0 * density););

RN_MAP(forward_tanh, 1, 1, 0,
       const rn_real z = x0 * (1 + (rn_real)0.044715 * x0 * x0);
       y0 = x0 * (1 + tanhf((rn_real)0.79788456080286536 * z)) / 2;);
RN_MAP(backward_tanh, 2, 1, 0,
       const rn_real q = (rn_real)0.044715 * x0 * x0;
       const rn_real t = tanhf((rn_real)0.79788456080286536 * x0 * (1 + q));
       const rn_real dz = (rn_real)0.79788456080286536 * (1 + 3 * q);
       y0 = x1 * ((1 + t) / 2 + x0 * (1 - t * t) * dz / 2););

static int gelu_forward(const struct rn_call *c)
{
    const struct gelu *o = c->opts;

    return rn_each_forward(c, o->approximate == TANH ? &forward_tanh : &forward, 0);
}

static int gelu_backward(const struct rn_call *c)
{
    const struct gelu *o = c->opts;

    return rn_each_backward(c, o->approximate == TANH ? &backward_tanh : &backward, c->in, 0);
}

/* x z, for the tanh */
static int cubic(struct rn_standard *s)
{
    int square = rn_standard_pair(s, "Mul", RN_REF_IN, RN_REF_IN);
    int z = rn_standard_with(s, "Add", rn_standard_with(s, "Mul", square, 0.044715), 1);

    return rn_standard_with(s, "Mul", rn_standard_pair(s, "Mul", RN_REF_IN, z),
                            0.79788456080286536);
}

static int gelu_standard(struct rn_standard *s)
{
    const struct gelu *o = s->opts;
    bool by_tanh = o->approximate == TANH;
    int z = by_tanh ? cubic(s) : rn_standard_with(s, "Mul", RN_REF_IN, 0.70710678118654752);
    int bent = z < 0 ? z : rn_standard_each(s, by_tanh ? "Tanh" : "Erf", z);
    int share = rn_standard_with(s, "Mul", rn_standard_with(s, "Add", bent, 1), 0.5);

    return rn_standard_pair(s, "Mul", RN_REF_IN, share);
}

static const struct rn_plugin gelu = {
    RN_PLUGIN_HEAD(RN_KIND_LAYER, struct gelu),
    .name = "gelu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "x times the share of a normal distribution below x",
    .doc = "y = x P(x), P(x) = (1 + erf(x / sqrt 2)) / 2\n"
           "dx = dy (P(x) + x p(x)), p(x) = exp(-x^2 / 2) / sqrt(2 pi)\n"
           "\n"
           "Any shape. NaN stays NaN. As torch.nn.GELU; Hendrycks and Gimpel, \"Gaussian\n"
           "error linear units\", arXiv:1606.08415.",
    .options = options,
    .ops = &(const struct rn_layer_ops){.size = sizeof(struct rn_layer_ops),
                                        .flags = RN_LAYER_READS_IN,
                                        .plan = rn_each_plan,
                                        .forward = gelu_forward,
                                        .backward = gelu_backward,
                                        .standard = gelu_standard},
};

RN_PLUGINS(&gelu);
