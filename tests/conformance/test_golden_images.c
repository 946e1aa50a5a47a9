/* test_golden_images.c - convolution and pooling against PyTorch's values; how their shapes come
 * out and their weights begin; and what they say when something does not fit. */
#define _GNU_SOURCE
#include "golden.h"

#define IMAGE(c, h, w) \
    { \
        .rank = 3, .channels = c, .dim = { h, w, c } \
    }
#define FLAT(n) \
    { \
        .rank = 1, .dim = { n } \
    }

static const struct {
    const char *name, *plugin, *options;
    struct rn_shape in;
    int64_t batch;
} cases[] = {
    {"conv", "conv2d", "{filters: 4}", IMAGE(3, 7, 6), 2},
    {"conv_gray", "conv2d", "{filters: 9}", IMAGE(1, 6, 5), 3},
    {"conv_same", "conv2d", "{filters: 3, kernel: [3, 2], padding: same}", IMAGE(2, 5, 6), 2},
    {"conv_same_apart", "conv2d",
     "{filters: 3, kernel: [4, 3], padding: [same, same], dilation: [1, 2]}", IMAGE(2, 5, 6), 2},
    {"conv_stride", "conv2d", "{filters: 8, kernel: 5, stride: 2, padding: [1, 2]}", IMAGE(3, 8, 9),
     2},
    {"conv_strides", "conv2d", "{filters: 3, kernel: [1, 3], stride: [3, 2], padding: [0, 1]}",
     IMAGE(2, 8, 7), 2},
    {"conv_dilated", "conv2d", "{filters: 3, dilation: 2, padding: 2}", IMAGE(2, 6, 7), 2},
    {"conv_groups", "conv2d", "{filters: 6, groups: 2, padding: 1}", IMAGE(4, 5, 4), 2},
    {"conv_alone", "conv2d", "{filters: 8, groups: 8, padding: 1}", IMAGE(8, 4, 5), 2},
    {"conv_pixel", "conv2d", "{filters: 17, kernel: 1, bias: false}", IMAGE(5, 3, 4), 2},
    {"maxpool", "maxpool2d", "{}", IMAGE(3, 6, 7), 2},
    {"maxpool_over", "maxpool2d", "{size: 3, stride: 2, padding: 1}", IMAGE(3, 7, 6), 2},
    {"maxpool_flat", "maxpool2d", "{size: [2, 3], stride: [1, 2]}", IMAGE(2, 5, 7), 2},
    {"maxpool_odd", "maxpool2d", "{}", IMAGE(2, 6, 6), 2},
    {"avgpool", "avgpool2d", "{}", IMAGE(3, 6, 7), 2},
    {"avgpool_over", "avgpool2d", "{size: 3, stride: 2, padding: 1}", IMAGE(3, 7, 6), 2},
    {"avgpool_inside", "avgpool2d", "{size: 3, stride: 2, padding: 1, count_include_pad: false}",
     IMAGE(3, 7, 6), 2},
    {"global", "global_avgpool2d", NULL, IMAGE(5, 4, 3), 3},
};

static const void *options_of(const struct rn_plugin *p, const char *yaml)
{
    return yaml ? options_from(pool, p, yaml) : NULL;
}

/* n values of the file, which has channels first */
static double *rows_of(const char *name, const char *what, const struct rn_shape *s, int64_t rows)
{
    struct rn_view v = {
        .rank = s->rank == 3 ? 3 : 0, .dim = {s->dim[0], s->dim[1], s->dim[2]}, .perm = {2, 0, 1}};
    int64_t n = rn_count(s);

    return golden_stored(golden_part(name, what, n * rows), &v, n, rows);
}

static double *parameter(const struct rig *r, const char *name, const char *what, int i)
{
    return golden_stored(golden_part(name, what, r->p[i].n), &r->plan.param[i].view, r->p[i].n, 1);
}

static void compare(struct rig *r, const char *name)
{
    static const char *const weights[] = {"w", "b"}, *const gradients[] = {"dw", "db"};
    struct rn_recording *forward, *backward;

    ck_assert_int_eq(rig_record(r, true, NULL, &forward), RN_OK);
    ck_assert_int_eq(rig_record(r, true, &(struct rig_pass){0}, &backward), RN_OK);
    golden_put(&r->x, rows_of(name, "x", &r->in, r->batch));
    golden_put(&r->dy, rows_of(name, "dy", &r->plan.out, r->batch));
    for (int i = 0; i < r->plan.n_param; i++)
        golden_put(&r->p[i], parameter(r, name, weights[i], i));
    ck_assert_int_eq(rig_replay(r, forward), RN_OK);
    golden_same(name, r->y.at, rows_of(name, "y", &r->plan.out, r->batch), r->y.n);
    ck_assert_int_eq(rig_replay(r, backward), RN_OK);
    golden_same("dx", r->dx.at, rows_of(name, "dx", &r->in, r->batch), r->dx.n);
    for (int i = 0; i < r->plan.n_param; i++)
        golden_same(gradients[i], r->dp[i].at, parameter(r, name, gradients[i], i), r->dp[i].n);
    dev->ops->discard(dev, forward);
    dev->ops->discard(dev, backward);
}

START_TEST(layer_is_pytorchs)
{
    const struct rn_plugin *p = golden_plugin("layers", cases[_i].plugin);
    struct rig r;

    golden_read("images.txt");
    ck_assert_int_eq(
        rig_open(&r, dev, p->ops, options_of(p, cases[_i].options), cases[_i].in, cases[_i].batch),
        RN_OK);
    compare(&r, cases[_i].name);
    rig_close(&r);
}
END_TEST

/* ---- plans --------------------------------------------------------------------- */

static int plan(const char *plugin, const char *options, struct rn_shape in, struct rig_plan *out)
{
    const struct rn_plugin *p = golden_plugin("layers", plugin);
    const struct rn_layer_ops *ops = p->ops;

    return rig_plan(ops->plan, options_of(p, options), &in, 1, out);
}

START_TEST(conv2d_begins_like_pytorchs)
{
    struct rn_shape in = IMAGE(4, 9, 9);
    struct rig_plan got;

    ck_assert_int_eq(plan("conv2d", "{filters: 6, groups: 2, kernel: [2, 4]}", in, &got), RN_OK);
    ck_assert_int_eq(got.n_param, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(got.param[i].init.rule, RN_INIT_UNIFORM);
        ck_assert_double_eq(got.param[i].init.scale, 0.25); /* 1 / sqrt(2 * 2 * 4) */
    }
    ck_assert_str_eq(got.param[0].name, "weight");
    ck_assert_str_eq(got.param[1].name, "bias");
    ck_assert_int_eq(got.param[0].flags & RN_NO_DECAY, 0);
    ck_assert_int_eq(got.param[1].flags & RN_NO_DECAY, RN_NO_DECAY);
    ck_assert_double_eq(got.flops, 2.0 * 8 * 6 * 6 * (2 * 2 * 4));
    static const int64_t shown[] = {6, 2, 2, 4};
    ck_assert_int_eq(got.param[0].view.shape.rank, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(got.param[0].view.shape.dim[i], shown[i]);
}
END_TEST

static const struct {
    const char *plugin, *options;
    struct rn_shape in;
    int64_t h, w, channels; /* h 0: flat */
} shapes[] = {
    {"conv2d", "{filters: 8}", IMAGE(3, 28, 30), 26, 28, 8},
    {"conv2d", "{filters: 8, padding: 1}", IMAGE(3, 28, 30), 28, 30, 8},
    {"conv2d", "{filters: 8, padding: same, kernel: 4}", IMAGE(3, 28, 30), 28, 30, 8},
    {"conv2d", "{filters: 8, padding: [1, 2], stride: 2}", IMAGE(3, 28, 31), 14, 17, 8},
    {"conv2d", "{filters: 8, dilation: [2, 3], kernel: 3}", IMAGE(3, 28, 30), 24, 24, 8},
    {"maxpool2d", "{}", IMAGE(3, 7, 8), 3, 4, 3},
    {"maxpool2d", "{size: 3, padding: 1}", IMAGE(3, 7, 8), 3, 3, 3},
    {"avgpool2d", "{size: [2, 4], stride: 1}", IMAGE(3, 7, 8), 6, 5, 3},
    {"global_avgpool2d", NULL, IMAGE(3, 7, 8), 0, 0, 3},
};

START_TEST(shapes_are_pytorchs)
{
    struct rig_plan got;

    ck_assert_int_eq(plan(shapes[_i].plugin, shapes[_i].options, shapes[_i].in, &got), RN_OK);
    ck_assert_int_eq(got.out.channels, shapes[_i].channels);
    ck_assert_int_eq(got.out.rank, shapes[_i].h ? 3 : 1);
    ck_assert_int_eq(got.out.dim[0], shapes[_i].h ? shapes[_i].h : shapes[_i].channels);
    if (shapes[_i].h) {
        ck_assert_int_eq(got.out.dim[1], shapes[_i].w);
        ck_assert_int_eq(got.out.dim[2], shapes[_i].channels);
    }
}
END_TEST

static const struct {
    const char *plugin, *options;
    struct rn_shape in;
    int status;
    const char *says;
} refusals[] = {
    {"conv2d", "{filters: 8}", FLAT(784), RN_ESHAPE,
     "conv2d needs an image, channels x height x width, and this input has 1 dimension: put it "
     "before flatten"},
    {"global_avgpool2d", NULL, FLAT(784), RN_ESHAPE, "global_avgpool2d needs an image"},
    {"conv2d", "{filters: 8, kernel: 9}", IMAGE(1, 8, 12), RN_ESHAPE,
     "the window covers 9 of the height, and the image has 8 with padding"},
    {"conv2d", "{filters: 8, kernel: [1, 5], dilation: 3, padding: 1}", IMAGE(1, 8, 10), RN_ESHAPE,
     "the window covers 13 of the width, and the image has 12 with padding"},
    {"maxpool2d", "{}", IMAGE(3, 1, 8), RN_ESHAPE, "make 'size' smaller"},
    {"conv2d", "{filters: 8, padding: same, stride: 2}", IMAGE(1, 8, 8), RN_EINVAL,
     "'padding: same' needs a stride of 1, and it is 2: write the padding as a number, 1 for half"},
    {"conv2d", "{filters: 8, padding: -1}", IMAGE(1, 8, 8), RN_EINVAL,
     "'padding' is -1, expected 0 to 4096"},
    {"conv2d", "{filters: 8, stride: 0}", IMAGE(1, 8, 8), RN_EINVAL,
     "'stride' is 0, expected 1 to 4096"},
    {"conv2d", "{filters: 8, kernel: [3, 5000]}", IMAGE(1, 8, 8), RN_EINVAL,
     "'kernel' is 5000, expected 1 to 4096"},
    {"conv2d", "{filters: 8, groups: 2}", IMAGE(3, 8, 8), RN_ESHAPE,
     "'groups: 2' has to divide the 3 channels of the input and the 8 filters"},
    {"conv2d", "{filters: 9, groups: 2}", IMAGE(4, 8, 8), RN_ESHAPE, "the 9 filters"},
    {"maxpool2d", "{padding: 2}", IMAGE(1, 8, 8), RN_EINVAL,
     "'padding' is 2, at most half of 'size' is allowed, 1"},
    {"avgpool2d", "{size: 0}", IMAGE(1, 8, 8), RN_EINVAL, "'size' is 0, expected 1"},
};

START_TEST(says_what_does_not_fit)
{
    struct rig_plan got;

    ck_assert_int_eq(plan(refusals[_i].plugin, refusals[_i].options, refusals[_i].in, &got),
                     refusals[_i].status);
    ck_assert_msg(strstr(error_text(), refusals[_i].says), "said: %s", error_text());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("PyTorch's values for images");
    TCase *tc = golden_case(suite, "layers");

    tcase_add_loop_test(tc, layer_is_pytorchs, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, conv2d_begins_like_pytorchs);
    tcase_add_loop_test(tc, shapes_are_pytorchs, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(tc, says_what_does_not_fit, 0, sizeof refusals / sizeof *refusals);
    return suite_run(suite);
}
