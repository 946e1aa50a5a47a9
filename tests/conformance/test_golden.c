/* test_golden.c - optimizers and the first layers against PyTorch's values in tests/golden. Built
 * twice: in double on the reference device, and in float, from the plugins as they are, on the CPU.
 */
#define _GNU_SOURCE
#include "golden.h"

#include <runner/optimizer.h>

enum { STEPS = 20, N = 12 };

/* ---- optimizers -------------------------------------------------------------- */

static const struct {
    const char *name, *plugin, *options;
    double lr;
    bool keeps; /* as a bias: decays not */
} optimizers[] = {
    {"adam", "adam", "{}", 0.01, false},
    {"adam_decay", "adam", "{weight_decay: 0.1}", 0.01, false},
    {"adam_betas", "adam", "{beta1: 0.8, beta2: 0.95, eps: 1e-4}", 0.003, false},
    {"sgd", "sgd", "{}", 0.05, false},
    {"sgd_decay", "sgd", "{weight_decay: 0.1}", 0.05, false},
    {"momentum", "sgd", "{momentum: 0.9}", 0.05, false},
    {"nesterov", "sgd", "{momentum: 0.9, nesterov: true}", 0.05, false},
    {"nesterov_decay", "sgd", "{momentum: 0.8, nesterov: true, weight_decay: 0.02}", 0.05, false},
    {"adam", "adam", "{weight_decay: 0.1}", 0.01, true},
    {"sgd", "sgd", "{weight_decay: 0.1}", 0.05, true},
    {"adamw", "adamw", "{}", 0.01, false},
    {"adamw_decay", "adamw", "{weight_decay: 0.5}", 0.01, false},
    {"adamw_none", "adamw", "{weight_decay: 0.5}", 0.01, true},
    {"adamw_betas", "adamw", "{beta1: 0.8, beta2: 0.95, eps: 1e-4}", 0.003, false},
    {"rmsprop", "rmsprop", "{}", 0.003, false},
    {"rmsprop_decay", "rmsprop", "{alpha: 0.9, weight_decay: 0.1}", 0.003, false},
    {"rmsprop_alpha", "rmsprop", "{alpha: 0.9, weight_decay: 0.1}", 0.003, true},
    {"rmsprop_momentum", "rmsprop", "{momentum: 0.9, eps: 1e-3}", 0.003, false},
    {"rmsprop_centered", "rmsprop", "{centered: true, eps: 1e-3}", 0.003, false},
    {"rmsprop_all", "rmsprop",
     "{centered: true, momentum: 0.8, alpha: 0.95, eps: 1e-2, weight_decay: 0.05}", 0.003, false},
    {"adagrad", "adagrad", "{}", 0.01, false},
    {"adagrad_decay", "adagrad", "{lr_decay: 0.1, weight_decay: 0.1}", 0.05, false},
    {"adagrad_lr_decay", "adagrad", "{lr_decay: 0.1, weight_decay: 0.1}", 0.05, true},
    {"adagrad_initial", "adagrad", "{initial_accumulator_value: 0.1, eps: 1e-3}", 0.05, false},
    {"lion", "lion", "{weight_decay: 0.5}", 0.01, true},
    {"lion_decay", "lion", "{weight_decay: 0.5}", 0.01, false},
    {"lion_betas", "lion", "{beta1: 0.95, beta2: 0.8}", 0.003, false},
};

struct state { /* a parameter and what belongs to it */
    struct area param, grad, slot[RN_SCALARS];
    uint32_t n_slots;
};

static void open_state(struct state *s, const struct rn_optimizer_ops *ops)
{
    s->n_slots = ops->n_slots;
    ck_assert_int_eq(area_make(dev, N, &s->param), RN_OK);
    ck_assert_int_eq(area_make(dev, N, &s->grad), RN_OK);
    for (uint32_t i = 0; i < s->n_slots; i++) {
        ck_assert_int_eq(area_make(dev, N, &s->slot[i]), RN_OK);
        area_fill(&s->slot[i], 0);
    }
    golden_put(&s->param, golden_values("start", N));
}

static void close_state(struct state *s)
{
    area_free(dev, &s->param);
    area_free(dev, &s->grad);
    for (uint32_t i = 0; i < s->n_slots; i++)
        area_free(dev, &s->slot[i]);
}

static struct rn_recording *record(struct state *s, const struct rn_optimizer_ops *ops,
                                   const void *opts, bool decays)
{
    rn_real *slot[RN_SCALARS];
    struct rn_recording *rec;
    struct rn_update u = {.size = sizeof u,
                          .decays = decays,
                          .opts = opts,
                          .dev = dev,
                          .rows = 3,
                          .cols = N / 3,
                          .param = s->param.at,
                          .grad = s->grad.at,
                          .slot = slot,
                          .scalar_from = 5};

    for (uint32_t i = 0; i < s->n_slots; i++)
        slot[i] = s->slot[i].at;
    ck_assert_int_eq(dev->ops->capture_begin(dev), RN_OK);
    ck_assert_int_eq(ops->record(&u), RN_OK);
    ck_assert_int_eq(dev->ops->capture_end(dev, &rec), RN_OK);
    return rec;
}

static void step(struct state *s, const struct rn_optimizer_ops *ops, const void *opts,
                 struct rn_recording *rec, int t, double lr)
{
    struct rn_block block = {0};
    double scalars[RN_SCALARS] = {0};

    golden_put(&s->grad, golden_values(pool_printf(pool, "grad%d", t), N));
    ck_assert_int_eq(ops->scalars(opts, t, t > 10 ? lr / 2 : lr, scalars), RN_OK);
    for (int i = 0; i < RN_SCALARS; i++)
        block.f[5 + i] = (rn_real)scalars[i];
    ck_assert_int_eq(dev->ops->replay(dev, rec, &block), RN_OK);
    ck_assert_int_eq(dev->ops->sync(dev), RN_OK);
    ck_assert(area_intact(&s->param) && area_intact(&s->grad));
    for (uint32_t i = 0; i < s->n_slots; i++)
        ck_assert(area_intact(&s->slot[i]));
}

/* 20 steps; want.1 and want.20 are PyTorch's */
static void run_steps(const char *plugin, const char *options, double lr, bool decays,
                      const char *want)
{
    const struct rn_plugin *p = golden_plugin("optimizers", plugin);
    const void *opts = options_from(pool, p, options);
    struct state s = {.n_slots = 0};

    golden_read("optimizers.txt");
    open_state(&s, p->ops);
    struct rn_recording *rec = record(&s, p->ops, opts, decays);
    for (int t = 1; t <= STEPS; t++) {
        step(&s, p->ops, opts, rec, t, lr);
        if (t == 1 || t == STEPS)
            golden_same(want, s.param.at, golden_values(pool_printf(pool, "%s.%d", want, t), N), N);
    }
    dev->ops->discard(dev, rec);
    close_state(&s);
}

START_TEST(optimizer_is_pytorchs)
{
    run_steps(optimizers[_i].plugin, optimizers[_i].options, optimizers[_i].lr,
              !optimizers[_i].keeps, optimizers[_i].name);
}
END_TEST

START_TEST(nesterov_needs_momentum)
{
    const struct rn_plugin *p = golden_plugin("optimizers", "sgd");
    const struct rn_optimizer_ops *ops = p->ops;
    double out[RN_SCALARS];

    ck_assert_int_eq(ops->scalars(options_from(pool, p, "{nesterov: true}"), 1, 0.1, out),
                     RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "set momentum above 0"));
}
END_TEST

/* ---- layers ------------------------------------------------------------------- */

/* x_view: how an image in memory shows as PyTorch's */
static void compare_layer(struct rig *r, const char *name, const struct rn_view *x_view)
{
    int64_t in = rn_count(&r->in), out = rn_count(&r->plan.out), b = r->batch;
    static const char *const weights[] = {"w", "b"}, *const gradients[] = {"dw", "db"};
    struct rn_recording *forward, *backward;

    ck_assert_int_eq(rig_record(r, true, NULL, &forward), RN_OK);
    ck_assert_int_eq(rig_record(r, true, &(struct rig_pass){0}, &backward), RN_OK);
    golden_put(&r->x, golden_stored(golden_part(name, "x", b * in), x_view, in, b));
    golden_put(&r->dy, golden_part(name, "dy", b * out));
    for (int i = 0; i < r->plan.n_param; i++)
        golden_put(&r->p[i], golden_stored(golden_part(name, weights[i], r->p[i].n),
                                           &r->plan.param[i].view, r->p[i].n, 1));
    ck_assert_int_eq(rig_replay(r, forward), RN_OK);
    golden_same("y", r->y.at, golden_part(name, "y", b * out), b * out);
    ck_assert_int_eq(rig_replay(r, backward), RN_OK);
    golden_same("dx", r->dx.at, golden_stored(golden_part(name, "dx", b * in), x_view, in, b),
                b * in);
    for (int i = 0; i < r->plan.n_param; i++) {
        const double *want = golden_part(name, gradients[i], r->dp[i].n);

        golden_same(gradients[i], r->dp[i].at,
                    golden_stored(want, &r->plan.param[i].view, r->dp[i].n, 1), r->dp[i].n);
    }
    dev->ops->discard(dev, forward);
    dev->ops->discard(dev, backward);
}

static void check_layer(const char *plugin, const char *options, struct rn_shape in, int64_t batch,
                        const char *name, const struct rn_view *x_view)
{
    const struct rn_plugin *p = golden_plugin("layers", plugin);
    struct rig r;

    golden_read("layers.txt");
    ck_assert_int_eq(rig_open(&r, dev, p->ops, options_from(pool, p, options), in, batch), RN_OK);
    compare_layer(&r, name, x_view);
    rig_close(&r);
}

static const struct rn_view as_it_is;

START_TEST(dense_is_pytorchs)
{
    check_layer("dense", "{units: 4}", rn_vec(7), 5, "dense", &as_it_is);
}
END_TEST

START_TEST(dense_after_an_image_shows_pytorchs_columns)
{
    /* 4 x 5 pixels of 3 channels in memory, 3 x 4 x 5 in PyTorch */
    struct rn_view x = {.rank = 2, .dim = {20, 3}, .perm = {1, 0}};
    struct rn_shape in = {.rank = 1, .channels = 3, .dim = {60}};

    check_layer("dense", "{units: 6}", in, 2, "image", &x);
}
END_TEST

START_TEST(dense_says_what_it_needs)
{
    const struct rn_plugin *p = golden_plugin("layers", "dense");
    const struct rn_layer_ops *ops = p->ops;
    struct rn_shape image = {.rank = 3, .channels = 1, .dim = {28, 28, 1}};
    struct rig_plan plan;

    ck_assert_int_eq(rig_plan(ops->plan, options_from(pool, p, "{units: 6}"), &image, 1, &plan),
                     RN_ESHAPE);
    ck_assert_ptr_nonnull(strstr(error_text(), "needs a flat input"));
    ck_assert_ptr_nonnull(strstr(error_text(), "put flatten before it"));
}
END_TEST

START_TEST(dense_begins_like_pytorchs)
{
    const struct rn_plugin *p = golden_plugin("layers", "dense");
    const struct rn_layer_ops *ops = p->ops;
    struct rn_shape in = rn_vec(16);
    struct rig_plan plan;

    ck_assert_int_eq(rig_plan(ops->plan, options_from(pool, p, "{units: 6}"), &in, 1, &plan),
                     RN_OK);
    ck_assert_int_eq(plan.n_param, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(plan.param[i].init.rule, RN_INIT_UNIFORM);
        ck_assert_double_eq(plan.param[i].init.scale, 0.25);
    }
    ck_assert_str_eq(plan.param[0].name, "weight");
    ck_assert_str_eq(plan.param[1].name, "bias");
    ck_assert_int_eq(plan.param[0].flags & RN_NO_DECAY, 0);
    ck_assert_int_eq(plan.param[1].flags & RN_NO_DECAY, RN_NO_DECAY);
    ck_assert_double_eq(plan.flops, 2.0 * 16 * 6);
}
END_TEST

START_TEST(flatten_keeps_the_channels)
{
    const struct rn_layer_ops *ops = golden_plugin("layers", "flatten")->ops;
    struct rn_shape in = {.rank = 3, .channels = 3, .dim = {4, 5, 3}};
    struct rig_plan plan;

    ck_assert_int_eq(rig_plan(ops->plan, NULL, &in, 1, &plan), RN_OK);
    ck_assert_int_eq(plan.out.rank, 1);
    ck_assert_int_eq(plan.out.dim[0], 60);
    ck_assert_int_eq(plan.out.channels, 3);
}
END_TEST

START_TEST(relu_is_pytorchs) { check_layer("relu", "{}", rn_vec(4), 3, "relu", &as_it_is); }
END_TEST

int main(void)
{
    Suite *suite = suite_create("PyTorch's values");
    TCase *tc = golden_case(suite, "optimizers");

    tcase_add_loop_test(tc, optimizer_is_pytorchs, 0, sizeof optimizers / sizeof *optimizers);
    tcase_add_test(tc, nesterov_needs_momentum);
    tc = golden_case(suite, "layers");
    tcase_add_test(tc, dense_is_pytorchs);
    tcase_add_test(tc, dense_after_an_image_shows_pytorchs_columns);
    tcase_add_test(tc, dense_says_what_it_needs);
    tcase_add_test(tc, dense_begins_like_pytorchs);
    tcase_add_test(tc, flatten_keeps_the_channels);
    tcase_add_test(tc, relu_is_pytorchs);
    return suite_run(suite);
}
