/* test_golden_layers.c - layers that keep the shape of their input, against PyTorch's values: with
 * and without parameters, running statistics, extreme inputs; and what dropout draws. */
#define _GNU_SOURCE
#include "golden.h"

/* flat, or h x w pixels of so many channels: the files have them as PyTorch does, channels first */
#define FLAT(n) \
    { \
        .rank = 1, .dim = { n } \
    }
#define IMAGE(c, h, w) \
    { \
        .rank = 3, .channels = c, .dim = { h, w, c } \
    }

static struct rn_view view_of(const struct rn_shape *s)
{
    if (s->rank != 3)
        return (struct rn_view){0};
    return (struct rn_view){.rank = 3, .dim = {s->dim[0], s->dim[1], s->dim[2]}, .perm = {2, 0, 1}};
}

static double *rows_of(const char *name, const char *what, const struct rn_shape *s, int64_t rows)
{
    struct rn_view v = view_of(s);
    int64_t n = rn_count(s);

    return golden_stored(golden_part(name, what, n * rows), &v, n, rows);
}

static void replay(struct rig *r, struct rn_recording *rec)
{
    ck_assert_int_eq(rig_replay(r, rec), RN_OK);
}

static void put_parameters(struct rig *r, const char *name)
{
    static const char *const what[] = {"w", "b"};

    for (int i = 0; i < r->plan.n_param; i++)
        golden_put(&r->p[i], golden_stored(golden_part(name, what[i], r->p[i].n),
                                           &r->plan.param[i].view, r->p[i].n, 1));
}

static void same_gradients(struct rig *r, const char *name)
{
    static const char *const what[] = {"dw", "db"};

    golden_same("dx", r->dx.at, rows_of(name, "dx", &r->in, r->batch), r->dx.n);
    for (int i = 0; i < r->plan.n_param; i++)
        golden_same(what[i], r->dp[i].at,
                    golden_stored(golden_part(name, what[i], r->dp[i].n), &r->plan.param[i].view,
                                  r->dp[i].n, 1),
                    r->dp[i].n);
}

static void open_rig(struct rig *r, const char *plugin, const char *options, struct rn_shape in,
                     int64_t batch)
{
    const struct rn_plugin *p = golden_plugin("layers", plugin);

    golden_read("layers.txt");
    ck_assert_int_eq(
        rig_open(r, dev, p->ops, p->options ? options_from(pool, p, options) : NULL, in, batch),
        RN_OK);
}

/* ---- one forward and one backward pass ---------------------------------------- */

static const struct {
    const char *name, *plugin, *options;
    struct rn_shape in;
    int64_t batch;
} cases[] = {
    {"leaky_relu", "leaky_relu", "{}", FLAT(7), 3},
    {"leaky_relu_half", "leaky_relu", "{negative_slope: 0.5}", FLAT(17), 2},
    {"leaky_relu_none", "leaky_relu", "{negative_slope: 0}", FLAT(5), 2},
    {"elu", "elu", "{}", FLAT(7), 3},
    {"elu_half", "elu", "{alpha: 0.5}", FLAT(17), 2},
    {"gelu", "gelu", "{}", FLAT(33), 3},
    {"gelu_tanh", "gelu", "{approximate: tanh}", FLAT(33), 3},
    {"silu", "silu", "{}", FLAT(33), 3},
    {"tanh", "tanh", "{}", FLAT(33), 3},
    {"sigmoid", "sigmoid", "{}", FLAT(33), 3},
    {"softmax", "softmax", "{}", FLAT(9), 6},
    {"softmax_one", "softmax", "{}", FLAT(1), 3},
    {"layernorm", "layernorm", "{}", FLAT(13), 5},
    {"layernorm_plain", "layernorm", "{affine: false, eps: 0.01}", FLAT(6), 3},
    {"layernorm_image", "layernorm", "{}", IMAGE(3, 5, 4), 2},
    {"layernorm_far", "layernorm", "{}", FLAT(40), 2},
    {"extreme_leaky_relu", "leaky_relu", "{}", FLAT(11), 1},
    {"extreme_elu", "elu", "{}", FLAT(11), 1},
    {"extreme_gelu", "gelu", "{}", FLAT(11), 1},
    {"extreme_gelu_tanh", "gelu", "{approximate: tanh}", FLAT(11), 1},
    {"extreme_silu", "silu", "{}", FLAT(11), 1},
    {"extreme_tanh", "tanh", "{}", FLAT(11), 1},
    {"extreme_sigmoid", "sigmoid", "{}", FLAT(11), 1},
};

START_TEST(layer_is_pytorchs)
{
    const char *name = cases[_i].name;
    const struct rn_shape *in = &cases[_i].in;
    int64_t b = cases[_i].batch;
    struct rn_recording *forward, *backward;
    struct rig r;

    open_rig(&r, cases[_i].plugin, cases[_i].options, *in, b);
    ck_assert_int_eq(rig_record(&r, true, NULL, &forward), RN_OK);
    ck_assert_int_eq(rig_record(&r, true, &(struct rig_pass){0}, &backward), RN_OK);
    golden_put(&r.x, rows_of(name, "x", in, b));
    golden_put(&r.dy, rows_of(name, "dy", in, b));
    put_parameters(&r, name);
    replay(&r, forward);
    golden_same(name, r.y.at, rows_of(name, "y", in, b), r.y.n);
    replay(&r, backward);
    same_gradients(&r, name);
    dev->ops->discard(dev, forward);
    dev->ops->discard(dev, backward);
    rig_close(&r);
}
END_TEST

/* ---- running statistics -------------------------------------------------------- */

static const struct {
    const char *name, *options;
    struct rn_shape in;
    int64_t batch;
} norms[] = {
    {"bn", "{}", FLAT(7), 5},
    {"bn_plain", "{affine: false, eps: 0.01, momentum: 0.3}", FLAT(6), 4},
    {"bn_image", "{}", IMAGE(3, 5, 4), 2},
    {"bn_image_plain", "{affine: false}", IMAGE(17, 2, 3), 3},
    {"bn_far", "{}", FLAT(3), 40},
};

static struct area *kept(struct rig *r, const char *name)
{
    for (int i = 0; i < r->plan.n_buf; i++)
        if (!strcmp(r->plan.buf[i].name, name)) {
            ck_assert_uint_eq(r->plan.buf[i].life, RN_PERSISTENT);
            return &r->b[i];
        }
    ck_abort_msg("no buffer %s", name);
    return NULL;
}

static void same_statistics(struct rig *r, const char *name)
{
    struct area *mean = kept(r, "running_mean"), *var = kept(r, "running_var");

    golden_same("running_mean", mean->at, golden_part(name, "mean", mean->n), mean->n);
    golden_same("running_var", var->at, golden_part(name, "var", var->n), var->n);
}

/* Two steps of training, then one of evaluation. */
START_TEST(batchnorm_is_pytorchs)
{
    const struct rn_shape *in = &norms[_i].in;
    int64_t b = norms[_i].batch;
    struct rn_recording *forward, *backward, *evaluate;
    struct rig r;

    open_rig(&r, "batchnorm", norms[_i].options, *in, b);
    ck_assert_int_eq(rig_record(&r, true, NULL, &forward), RN_OK);
    ck_assert_int_eq(rig_record(&r, true, &(struct rig_pass){0}, &backward), RN_OK);
    ck_assert_int_eq(rig_record(&r, false, NULL, &evaluate), RN_OK);
    put_parameters(&r, norms[_i].name);
    area_fill(kept(&r, "running_mean"), 0);
    area_fill(kept(&r, "running_var"), 1);
    for (int step = 1; step <= 3; step++) {
        const char *name = pool_printf(pool, "%s.%d", norms[_i].name, step);

        golden_put(&r.x, rows_of(name, "x", in, b));
        replay(&r, step < 3 ? forward : evaluate);
        golden_same(name, r.y.at, rows_of(name, "y", in, b), r.y.n);
        same_statistics(&r, name);
        if (step == 3)
            break;
        golden_put(&r.dy, rows_of(name, "dy", in, b));
        replay(&r, backward);
        same_gradients(&r, name);
    }
    dev->ops->discard(dev, forward);
    dev->ops->discard(dev, backward);
    dev->ops->discard(dev, evaluate);
    rig_close(&r);
}
END_TEST

/* PyTorch refuses a column of one value; here it is its own mean. */
START_TEST(batchnorm_of_one_value)
{
    struct rn_recording *forward, *backward;
    struct rig r;

    open_rig(&r, "batchnorm", "{}", rn_vec(3), 1);
    ck_assert_int_eq(rig_record(&r, true, NULL, &forward), RN_OK);
    ck_assert_int_eq(rig_record(&r, true, &(struct rig_pass){0}, &backward), RN_OK);
    golden_put(&r.x, (const double[]){1e4, -3, 0.25});
    golden_put(&r.dy, (const double[]){1, 2, 3});
    area_fill(&r.p[0], 2);
    area_fill(&r.p[1], (rn_real)0.5);
    area_fill(kept(&r, "running_mean"), 0);
    area_fill(kept(&r, "running_var"), 1);
    replay(&r, forward);
    replay(&r, backward);
    golden_same("y", r.y.at, (const double[]){0.5, 0.5, 0.5}, 3);
    golden_same("dx", r.dx.at, (const double[]){0, 0, 0}, 3);
    golden_same("running_mean", kept(&r, "running_mean")->at, (const double[]){1e3, -0.3, 0.025},
                3);
    golden_same("running_var", kept(&r, "running_var")->at, (const double[]){0.9, 0.9, 0.9}, 3);
    dev->ops->discard(dev, forward);
    dev->ops->discard(dev, backward);
    rig_close(&r);
}
END_TEST

/* Where the mean is a thousand times the spread, sums of squares alone would not know it. */
START_TEST(batchnorm_far_from_zero)
{
    enum { N = 35 };
    struct rn_recording *forward;
    struct rig r;

    open_rig(&r, "batchnorm", "{affine: false}", rn_vec(1), N);
    ck_assert_int_eq(rig_record(&r, true, NULL, &forward), RN_OK);
    area_fill(kept(&r, "running_mean"), 0);
    area_fill(kept(&r, "running_var"), 1);
    for (int i = 0; i < N; i++)
        r.x.at[i] = (rn_real)(2000 + i % 7 - 3); /* variance 4 */
    replay(&r, forward);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol((double)r.y.at[i], (i % 7 - 3) / sqrt(4 + 1e-5), 2e-4);
    ck_assert_double_eq_tol((double)kept(&r, "running_var")->at[0], 0.9 + 0.1 * 4 * N / (N - 1),
                            1e-5);
    dev->ops->discard(dev, forward);
    rig_close(&r);
}
END_TEST

START_TEST(batchnorm_declares_what_pytorch_does)
{
    const struct rn_plugin *p = golden_plugin("layers", "batchnorm");
    const struct rn_layer_ops *ops = p->ops;
    struct rn_shape in = IMAGE(3, 5, 4), odd = {.rank = 2, .dim = {2, 2}};
    struct rig_plan plan;

    ck_assert_uint_eq(p->traits, RN_TRAIT_NORMALIZES);
    ck_assert_int_eq(rig_plan(ops->plan, options_from(pool, p, "{}"), &in, 1, &plan), RN_OK);
    ck_assert_int_eq(plan.n_param, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(rn_count(&plan.param[i].shape), 3);
        ck_assert_int_eq(plan.param[i].init.rule, RN_INIT_CONST);
        ck_assert_double_eq(plan.param[i].init.scale, i ? 0 : 1);
        ck_assert_uint_eq(plan.param[i].flags, RN_NO_DECAY);
    }
    ck_assert_str_eq(plan.buf[0].name, "running_mean");
    ck_assert_uint_eq(plan.buf[0].flags, 0);
    ck_assert_str_eq(plan.buf[1].name, "running_var");
    ck_assert_uint_eq(plan.buf[1].flags, RN_ONES);
    ck_assert_int_eq(rig_plan(ops->plan, options_from(pool, p, "{}"), &odd, 1, &plan), RN_ESHAPE);
    ck_assert_ptr_nonnull(strstr(error_text(), "put flatten before it"));
}
END_TEST

START_TEST(softmax_says_what_it_needs)
{
    const struct rn_plugin *p = golden_plugin("layers", "softmax");
    const struct rn_layer_ops *ops = p->ops;
    struct rn_shape image = IMAGE(3, 5, 4);
    struct rig_plan plan;

    ck_assert_uint_eq(p->traits, RN_TRAIT_PROBABILITIES);
    ck_assert_int_eq(rig_plan(ops->plan, NULL, &image, 1, &plan), RN_ESHAPE);
    ck_assert_ptr_nonnull(strstr(error_text(), "put flatten before it"));
}
END_TEST

/* ---- dropout --------------------------------------------------------------------- */

enum { ROWS = 100, COLS = 1001, VALUES = ROWS * COLS };

struct drop {
    const struct rn_layer_ops *ops;
    struct area x, y, dy, dx, factor;
    struct rn_call c;
    struct rn_tensor in, out, dout, din, buf;
    rn_real beta;
};

static void open_drop(struct drop *d, const char *options)
{
    const struct rn_plugin *p = golden_plugin("layers", "dropout");
    struct area *all[] = {&d->x, &d->y, &d->dy, &d->dx, &d->factor};

    ck_assert_uint_eq(p->traits, RN_TRAIT_DROPS);
    *d = (struct drop){.ops = p->ops};
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(area_make(dev, VALUES, all[i]), RN_OK);
    area_fill(&d->x, 1);
    area_fill(&d->dy, 1);
    d->in = (struct rn_tensor){d->x.at, rn_vec(COLS)};
    d->out = (struct rn_tensor){d->y.at, rn_vec(COLS)};
    d->dout = (struct rn_tensor){d->dy.at, rn_vec(COLS)};
    d->din = (struct rn_tensor){d->dx.at, rn_vec(COLS)};
    d->buf = (struct rn_tensor){d->factor.at, rn_vec(COLS)};
    d->c = (struct rn_call){.size = sizeof d->c,
                            .training = 1,
                            .opts = options_from(pool, p, options),
                            .dev = dev,
                            .batch = ROWS,
                            .in = &d->in,
                            .out = &d->out,
                            .dout = &d->dout,
                            .din = &d->din,
                            .buf = &d->buf,
                            .din_beta = &d->beta,
                            .draw_from = 5,
                            .key = 0x1234567};
}

static void close_drop(struct drop *d)
{
    struct area *all[] = {&d->x, &d->y, &d->dy, &d->dx, &d->factor};

    for (int i = 0; i < 5; i++)
        area_free(dev, all[i]);
}

/* Forward and, in training, backward, as the step number `draw`. */
static void run_drop(struct drop *d, uint64_t draw)
{
    struct rn_block block = {.u = {0}};
    struct rn_recording *rec;

    block.u[5] = draw;
    ck_assert_int_eq(dev->ops->capture_begin(dev), RN_OK);
    ck_assert_int_eq(d->ops->forward(&d->c), RN_OK);
    if (d->c.training)
        ck_assert_int_eq(d->ops->backward(&d->c), RN_OK);
    ck_assert_int_eq(dev->ops->capture_end(dev, &rec), RN_OK);
    ck_assert_int_eq(dev->ops->replay(dev, rec, &block), RN_OK);
    ck_assert_int_eq(dev->ops->sync(dev), RN_OK);
    dev->ops->discard(dev, rec);
}

static const double rates[] = {0, 0.1, 0.5, 0.9};

START_TEST(dropout_keeps_the_mean_and_the_mask)
{
    double rate = rates[_i], zeros = 0, sum = 0;
    struct drop d;

    open_drop(&d, pool_printf(pool, "{rate: %g}", rate));
    run_drop(&d, 3);
    for (int i = 0; i < VALUES; i++) {
        double y = (double)d.y.at[i];

        ck_assert_msg(y == (double)d.dx.at[i], "value %d: %g forward, %g backward", i, y,
                      (double)d.dx.at[i]);
        ck_assert_msg(y == 0 || fabs(y - 1 / (1 - rate)) < 1e-5, "value %d is %g", i, y);
        zeros += y == 0;
        sum += y;
    }
    ck_assert_double_le(fabs(zeros / VALUES - rate), 4 * sqrt(rate * (1 - rate) / VALUES));
    ck_assert_double_le(fabs(sum / VALUES - 1), 1e-5 + 4 * sqrt(rate / (1 - rate) / VALUES));
    close_drop(&d);
}
END_TEST

/* The share of values of x that b treats as a does, over both rates of 0.5, is 0.5. */
static void check_unlike(const rn_real *a, const rn_real *b)
{
    double alike = 0;

    for (int i = 0; i < VALUES; i++)
        alike += (a[i] == 0) == (b[i] == 0);
    ck_assert_double_le(fabs(alike / VALUES - 0.5), 4 * sqrt(0.25 / VALUES));
}

START_TEST(dropout_draws_anew)
{
    rn_real *first = pool_alloc(pool, VALUES * sizeof *first);
    struct drop d;

    open_drop(&d, "{}");
    run_drop(&d, 3);
    memcpy(first, d.y.at, VALUES * sizeof *first);
    run_drop(&d, 3);
    ck_assert_mem_eq(first, d.y.at, VALUES * sizeof *first);
    run_drop(&d, 4); /* another step */
    check_unlike(first, d.y.at);
    d.c.key++; /* another layer, or another seed */
    run_drop(&d, 3);
    check_unlike(first, d.y.at);
    close_drop(&d);
}
END_TEST

START_TEST(dropout_evaluates_as_it_is)
{
    struct drop d;

    open_drop(&d, "{}");
    for (int i = 0; i < VALUES; i++)
        d.x.at[i] = (rn_real)(i % 37) - 18;
    d.x.at[5] = (rn_real)NAN;
    d.c.training = 0;
    run_drop(&d, 3);
    ck_assert_mem_eq(d.x.at, d.y.at, VALUES * sizeof *d.y.at);
    memcpy(d.dy.at, d.x.at, VALUES * sizeof *d.y.at);
    d.out = d.in; /* in place */
    run_drop(&d, 4);
    ck_assert_mem_eq(d.x.at, d.dy.at, VALUES * sizeof *d.y.at);
    close_drop(&d);
}
END_TEST

START_TEST(dropout_keeps_nan)
{
    struct drop d;

    open_drop(&d, "{rate: 0.9}");
    area_fill(&d.x, (rn_real)NAN);
    run_drop(&d, 3);
    for (int i = 0; i < VALUES; i++)
        ck_assert(isnan(d.y.at[i]));
    close_drop(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layers with PyTorch's values");
    TCase *tc = golden_case(suite, "layers");

    tcase_add_loop_test(tc, layer_is_pytorchs, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, softmax_says_what_it_needs);
    tc = golden_case(suite, "batchnorm");
    tcase_add_loop_test(tc, batchnorm_is_pytorchs, 0, sizeof norms / sizeof *norms);
    tcase_add_test(tc, batchnorm_of_one_value);
    tcase_add_test(tc, batchnorm_far_from_zero);
    tcase_add_test(tc, batchnorm_declares_what_pytorch_does);
    tc = golden_case(suite, "dropout");
    tcase_add_loop_test(tc, dropout_keeps_the_mean_and_the_mask, 0, sizeof rates / sizeof *rates);
    tcase_add_test(tc, dropout_draws_anew);
    tcase_add_test(tc, dropout_evaluates_as_it_is);
    tcase_add_test(tc, dropout_keeps_nan);
    return suite_run(suite);
}
