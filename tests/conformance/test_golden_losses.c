/* test_golden_losses.c - losses against PyTorch's values, with and without weights, and what they
 * say of what does not fit. */
#define _GNU_SOURCE
#include "golden.h"

enum { ROWS = 6, MAX_WIDTH = 16 };
enum { Z, TARGET, LOSS, WEIGHT, SCALE, DZ, BUFFERS };

static const struct {
    const char *name, *plugin, *options;
    int64_t width, target;
    double weights[MAX_WIDTH]; /* of classes, when options say so */
} cases[] = {
    {"cross_entropy", "cross_entropy", "{}", 5, 1, {0}},
    {"cross_entropy_masked", "cross_entropy", "{}", 5, 1, {0}},
    {"cross_entropy_smooth", "cross_entropy", "{label_smoothing: 0.1}", 5, 1, {0}},
    {"cross_entropy_weighted",
     "cross_entropy",
     "{class_weights: [1, 0.5, 2, 0, 3]}",
     5,
     1,
     {1, 0.5, 2, 0, 3}},
    {"cross_entropy_both",
     "cross_entropy",
     "{label_smoothing: 0.2, class_weights: [0.3, 0.5, 2, 1, 3, 1, 1, 0.25, 4, 1, 1.5]}",
     11,
     1,
     {0.3, 0.5, 2, 1, 3, 1, 1, 0.25, 4, 1, 1.5}},
    {"mse", "mse", "{}", 7, 7, {0}},
    {"mse_one", "mse", "{}", 1, 1, {0}},
    {"bce", "binary_cross_entropy", "{}", 7, 7, {0}},
    {"bce_one", "binary_cross_entropy", "{}", 1, 1, {0}},
    {"bce_weighted", "binary_cross_entropy", "{pos_weight: 2.5}", 3, 3, {0}},
};

struct trial {
    const struct rn_loss_ops *ops;
    struct rig_plan plan;
    struct area a[BUFFERS + RIG_BUFFERS];
    struct rn_tensor buf[RIG_BUFFERS];
    struct rn_loss_call c;
};

static void open_trial(struct trial *t, int i)
{
    const struct rn_plugin *p = golden_plugin("losses", cases[i].plugin);
    int64_t width = cases[i].width, target = cases[i].target;
    struct rn_shape in[] = {rn_vec(width), rn_vec(target)};
    const int64_t count[] = {ROWS * width, ROWS * target, ROWS, ROWS, 1, ROWS * width};

    t->ops = p->ops;
    t->c =
        (struct rn_loss_call){.size = sizeof t->c,
                              .opts = p->options ? options_from(pool, p, cases[i].options) : NULL,
                              .dev = dev,
                              .batch = ROWS,
                              .width = width,
                              .target_width = target,
                              .buf = t->buf};
    ck_assert_int_eq(rig_plan(t->ops->plan, t->c.opts, in, 2, &t->plan), RN_OK);
    for (int k = 0; k < BUFFERS; k++)
        ck_assert_int_eq(area_make(dev, count[k], &t->a[k]), RN_OK);
    for (int k = 0; k < t->plan.n_buf; k++) {
        const struct rig_item *b = &t->plan.buf[k];
        struct area *a = &t->a[BUFFERS + k];

        ck_assert_int_eq(area_make(dev, rig_buffer_count(b, ROWS), a), RN_OK);
        t->buf[k] = (struct rn_tensor){a->at, b->shape};
        if (b->life == RN_PERSISTENT) /* the only constant */
            golden_put(a, cases[i].weights);
    }
    t->c.pred = t->a[Z].at;
    t->c.target = t->a[TARGET].at;
    t->c.loss = t->a[LOSS].at;
    t->c.weight = t->a[WEIGHT].at;
    t->c.scale = t->a[SCALE].at;
    t->c.dpred = t->a[DZ].at;
}

static void close_trial(struct trial *t)
{
    for (int i = 0; i < BUFFERS + t->plan.n_buf; i++)
        area_free(dev, &t->a[i]);
}

START_TEST(loss_is_pytorchs)
{
    const char *name = cases[_i].name;
    struct trial *t = pool_alloc(pool, sizeof *t);
    double sum = 0;

    golden_read("layers.txt");
    open_trial(t, _i);
    golden_put(&t->a[Z], golden_part(name, "z", t->a[Z].n));
    golden_put(&t->a[TARGET], golden_part(name, "target", t->a[TARGET].n));
    ck_assert_int_eq(t->ops->forward(&t->c), RN_OK);
    ck_assert_int_eq(dev->ops->sync(dev), RN_OK);
    golden_same("loss", t->a[LOSS].at, golden_part(name, "loss", ROWS), ROWS);
    for (int i = 0; i < ROWS; i++) {
        double weight = (double)t->a[WEIGHT].at[i];
        int class = (int)t->a[TARGET].at[i * cases[_i].target];

        ck_assert_double_eq_tol(weight, t->plan.n_buf > 4 ? cases[_i].weights[class] : 1, 1e-6);
        sum += weight;
    }
    area_fill(&t->a[SCALE], (rn_real)(1 / sum));
    ck_assert_int_eq(t->ops->backward(&t->c), RN_OK);
    ck_assert_int_eq(dev->ops->sync(dev), RN_OK);
    golden_same("dz", t->a[DZ].at, golden_part(name, "dz", t->a[DZ].n), t->a[DZ].n);
    close_trial(t);
}
END_TEST

static void refused(const char *plugin, const char *options, struct rn_shape pred, int64_t target,
                    const char *why)
{
    const struct rn_plugin *p = golden_plugin("losses", plugin);
    const struct rn_loss_ops *ops = p->ops;
    struct rn_shape in[] = {pred, rn_vec(target)};
    struct rig_plan *plan = pool_alloc(pool, sizeof *plan);
    const void *opts = p->options ? options_from(pool, p, options) : NULL;

    ck_assert_int_lt(rig_plan(ops->plan, opts, in, 2, plan), 0);
    ck_assert_msg(strstr(error_text(), why), "%s", error_text());
}

START_TEST(losses_say_what_they_need)
{
    refused("cross_entropy", "{}", (struct rn_shape){.rank = 3, .dim = {4, 4, 2}}, 1,
            "flatten and a dense layer");
    refused("cross_entropy", "{}", rn_vec(4), 4, "4 values");
    refused("cross_entropy", "{class_weights: [1, 2]}", rn_vec(4), 1,
            "class_weights has 2 values, and the model's output 4 scores");
    refused("cross_entropy", "{class_weights: [1, -2]}", rn_vec(2), 1,
            "class_weights[1] is -2, expected 0 or more");
    refused("mse", "{}", rn_vec(4), 1, "has 4, and the data's target 1");
    refused("binary_cross_entropy", "{}", rn_vec(2), 1, "has 2, and the data's target 1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("losses with PyTorch's values");
    TCase *tc = golden_case(suite, "losses");

    tcase_add_loop_test(tc, loss_is_pytorchs, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, losses_say_what_they_need);
    return suite_run(suite);
}
