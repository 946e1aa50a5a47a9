/* test_graph.c - whole models in double on the reference device, with containers in one another:
 * the gradient of each parameter is that of the loss by differences, whatever the layout shares.
 * The core's own model sources are built once more for it, and the arena is full of NaN before
 * each step, so that a value read too early or overwritten too soon shows. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "base/file.h"
#include "model/step.h"
#include "verify/ref_device.h"
#include "support/suite.h"

#include <check.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, WIDTH = 12, CLASSES = 3, SPOTS = 10, MODELS = 80 };

static char dir[] = "/tmp/test_graph_XXXXXX"; /* with the plugins in double */

static const char *const links[] = {
    "layers/dense",     "layers/relu",   "layers/flatten",       "layers/residual",
    "layers/tanh",      "layers/silu",   "layers/dropout",       "layers/layernorm",
    "layers/batchnorm", "layers/elu",    "layers/gelu",          "layers/leaky_relu",
    "layers/softmax",   "layers/conv2d", "losses/cross_entropy", "optimizers/sgd"};

/* ---- a model, and its step -------------------------------------------------------- */

struct fixture {
    struct registry *registry;
    struct diag *diag;
    struct experiment *e;
    struct model *m;
    struct rn_device *dev;
    struct rn_recording *train, *eval;
    struct step_layout at;
    void *arena;
    size_t bytes;
    struct step_io io;
    float input[ROWS * WIDTH];
    rn_real target[ROWS], scores[ROWS * CLASSES], row_loss[ROWS], row_weight[ROWS];
    rn_real step_loss, step_weight;
    int32_t index[ROWS];
};

static void load(struct fixture *f, const char *layers)
{
    char config[PATH_MAX];
    const char *dirs[] = {dir};
    struct text text = {0};
    struct rn_dataset_info data = {.input = {.rank = 3, .channels = 2, .dim = {2, 3, 2}},
                                   .classes = CLASSES,
                                   .target_width = 1};

    memset(f, 0, sizeof *f);
    snprintf(config, sizeof config, "%s/e.yaml", dir);
    text_add(&text,
             "data: {type: mnist, path: x}\nloss: cross_entropy\noptimizer: {type: sgd, lr: 0.1}\n"
             "train: {epochs: 1, batch_size: %d}\n"
             "model:\n  layers: [%s]\n",
             ROWS, layers);
    ck_assert_int_eq(file_write(config, text.s, text.n), RN_OK);
    text_free(&text);
    ck_assert_int_eq(registry_open(dirs, 1, &f->registry), RN_OK);
    int status = experiment_load(config, NULL, 0, f->registry, &f->diag, &f->e);
    status = status ? status : model_plan(f->e->pool, f->e, &data, f->diag, &f->m);
    if (status) {
        diag_text(f->diag, false, &text);
        ck_abort_msg("%s\n%s\n%s", layers, error_text(), text_str(&text));
    }
}

static void start(struct fixture *f, const char *layers)
{
    unsigned rng = 99;
    struct step_layout eval;

    load(f, layers);
    ck_assert_int_eq(ref_device_open(&f->dev), RN_OK);
    ck_assert_int_eq(model_open(f->m, f->dev), RN_OK);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        rng = rng * 1103515245 + 12345;
        f->input[i] = (float)(rng >> 8) / (float)(1 << 23) - 1;
    }
    for (int i = 0; i < ROWS; i++) {
        f->index[i] = i;
        f->target[i] = i % CLASSES;
    }
    f->io = (struct step_io){.input = f->input,
                             .target = f->target,
                             .index = f->index,
                             .input_index = f->index,
                             .channels = 2,
                             .dtype = RN_F32,
                             .step_loss = &f->step_loss,
                             .step_weight = &f->step_weight,
                             .row_loss = f->row_loss,
                             .row_weight = f->row_weight,
                             .scores = f->scores};
    struct pool *p = f->e->pool;
    ck_assert_int_eq(step_layout(p, f->m, true, ROWS, &f->at), RN_OK);
    ck_assert_int_eq(step_layout(p, f->m, false, ROWS, &eval), RN_OK);
    f->bytes = (size_t)(f->at.bytes > eval.bytes ? f->at.bytes : eval.bytes);
    ck_assert_int_eq(f->dev->ops->alloc(f->dev, f->bytes, &f->arena), RN_OK);
    int status = step_record(p, f->m, STEP_TRAINS, ROWS, f->arena, &f->io, &f->train);
    status = status ? status : step_record(p, f->m, 0, ROWS, f->arena, &f->io, &f->eval);
    ck_assert_msg(!status, "[%s] %s", layers, error_text());
}

static void stop(struct fixture *f)
{
    f->dev->ops->discard(f->dev, f->train);
    f->dev->ops->discard(f->dev, f->eval);
    f->dev->ops->free(f->dev, f->arena);
    model_close(f->m);
    ref_device_close(f->dev);
    experiment_free(f->e);
    registry_close(f->registry);
    ck_assert_uint_eq(mem_live(), 0);
}

static void poison(const struct fixture *f)
{
    rn_real *x = f->arena;

    for (size_t i = 0; i < f->bytes / sizeof *x; i++)
        x[i] = (rn_real)NAN;
}

static void replay(struct fixture *f, struct rn_recording *r)
{
    static const struct rn_block block = {.u = {0}};

    poison(f);
    ck_assert_int_eq(f->dev->ops->replay(f->dev, r, &block), RN_OK);
    ck_assert_int_eq(f->dev->ops->sync(f->dev), RN_OK);
}

static double loss(struct fixture *f)
{
    replay(f, f->train);
    return f->step_loss / f->step_weight;
}

/* ---- gradients against differences ------------------------------------------------- */

static bool near(double a, double b) { return fabs(a - b) <= 2e-7 + 1e-5 * fmax(fabs(a), fabs(b)); }

/* The slope of the loss along element k, from differences at two distances: a kink between them,
 * as relu has one, makes them differ, and then nothing can be said. */
static bool slope(struct fixture *f, rn_real *at, double *out)
{
    static const double h[2] = {1e-4, 1e-5};
    double was = *at, d[2];

    for (int i = 0; i < 2; i++) {
        *at = was + h[i];
        d[i] = loss(f);
        *at = was - h[i];
        d[i] = (d[i] - loss(f)) / (2 * h[i]);
    }
    *at = was;
    *out = d[1];
    return near(d[0], d[1]);
}

static int check_gradients(struct fixture *f, const char *layers)
{
    struct model *m = f->m;
    size_t bytes = (size_t)m->flat * sizeof(rn_real);
    int checked = 0;

    ck_assert(isfinite(loss(f)));
    rn_real *grad = malloc(bytes + 1);
    memcpy(grad, m->grad, bytes);
    for (int i = 0; i < m->n_params; i++) {
        int64_t n = rn_count(&m->params[i].shape), step = n > SPOTS ? n / SPOTS : 1;
        for (int64_t k = i % step; k < n; k += step) {
            int64_t at = m->params[i].offset + k;
            double expected;
            if (!slope(f, m->param + at, &expected))
                continue;
            ck_assert_msg(near(grad[at], expected), "%s[%d] is %.9g, by differences %.9g, in\n[%s]",
                          m->params[i].name, (int)k, grad[at], expected, layers);
            checked++;
        }
    }
    free(grad);
    return checked;
}

/* The other layout, with no backward pass to think of, gives the same. */
static void check_evaluation(struct fixture *f, const char *layers)
{
    double sum = 0;

    if (strstr(layers, "dropout") || strstr(layers, "batchnorm"))
        return;
    double trained = loss(f);
    replay(f, f->eval);
    for (int i = 0; i < ROWS; i++)
        sum += f->row_loss[i];
    ck_assert_msg(near(sum / ROWS, trained), "[%s]", layers);
}

#define D(n)       "{type: dense, units: " #n "}"
#define CONV(n, k) "{type: conv2d, filters: " #n ", kernel: " #k ", padding: same}"
static const char *const models[] = {
    CONV(3, 3) ", batchnorm, relu, {type: residual, layers: [" CONV(
        3, 3) ", batchnorm, relu, " CONV(3, 3) ", batchnorm]}, relu, {type: residual, layers: "
                                               "[" CONV(4, 3) ", relu], shortcut: [" CONV(
                                                   4, 1) "]}, "
                                                         "flatten,"
                                                         " " D(3),
    "flatten, " D(3),
    "flatten, " D(6) ", relu, {type: residual, layers: [" D(6) ", relu, " D(6) "]}, relu, " D(3),
    /* two empty branches: twice the same */
    "flatten, " D(6) ", {type: residual, layers: []}, relu, " D(3),
    "flatten, " D(6) ", relu, {type: residual, layers: [], shortcut: [relu]}, " D(3),
    /* a view beside the value itself, either way around, before and behind others */
    "flatten, " D(6) ", {type: residual, layers: [flatten]}, " D(3),
    "flatten, " D(6) ", {type: residual, layers: [flatten, " D(6) "], shortcut: [flatten]}, " D(3),
    "flatten, " D(6) ", {type: residual, layers: [relu], shortcut: [flatten]}, relu, " D(3),
    "flatten, " D(6) ", {type: residual, layers: [flatten, relu], shortcut: [flatten, tanh]}, " D(
        3),
    /* only the shortcut learns; only the layers do */
    "flatten, {type: residual, layers: [relu], shortcut: [" D(12) "]}, " D(3),
    "flatten, {type: residual, layers: [" D(12) ", relu]}, relu, " D(3),
    "{type: residual, layers: [flatten, " D(4) ", relu], shortcut: [flatten, " D(4) "]}, " D(3),
    /* four layers read one value */
    "flatten, " D(6) ", {type: residual, layers: [{type: residual, layers: [tanh], shortcut: "
                     "[relu]}], shortcut: [{type: residual, layers: [" D(
                         6) "], shortcut: [silu]}]}, " D(3),
    "flatten, " D(6) ", {type: residual, layers: [{type: residual, layers: [{type: residual, "
                     "layers: []}]}]}, relu, " D(3),
    /* what an earlier layer reads again is not overwritten by the branch */
    "flatten, " D(6) ", tanh, {type: residual, layers: [relu], shortcut: [silu]}, relu, " D(3)};

START_TEST(gradients_are_those_of_the_loss)
{
    struct fixture f;

    start(&f, models[_i]);
    ck_assert_int_gt(check_gradients(&f, models[_i]), 10);
    check_evaluation(&f, models[_i]);
    stop(&f);
}
END_TEST

/* ---- made-up models --------------------------------------------------------------------- */

static uint32_t dice(uint32_t model, int *drawn, uint32_t sides)
{
    return rn_philox(model, 0, (uint64_t)(*drawn)++).v[0] % sides;
}

/* Layers that keep the width, n of them at most. */
static void make_branch(uint32_t model, int *drawn, int width, int depth, int n, struct text *out)
{
    static const char *const plain[] = {"relu",      "flatten",   "tanh",       "relu", "silu",
                                        "layernorm", "batchnorm", "leaky_relu", "elu",  "dropout",
                                        "flatten",   "gelu",      "softmax"};

    for (int i = 0; i < n; i++) {
        uint32_t kind = dice(model, drawn, depth ? 8 : 5);
        text_add(out, "%s", i ? ", " : "");
        if (kind < 2) {
            text_add(out, "{type: dense, units: %d}", width);
        } else if (kind < 5) {
            text_add(out, "%s", plain[dice(model, drawn, sizeof plain / sizeof *plain)]);
        } else {
            text_add(out, "{type: residual, layers: [");
            make_branch(model, drawn, width, depth - 1, (int)dice(model, drawn, 4), out);
            text_add(out, "], shortcut: [");
            make_branch(model, drawn, width, depth - 1, (int)dice(model, drawn, 3), out);
            text_add(out, "]}");
        }
    }
}

START_TEST(made_up_models_have_their_gradients)
{
    uint32_t model = (uint32_t)_i;
    struct fixture f;
    struct text layers = {0};
    int drawn = 0;

    text_add(&layers, "flatten, ");
    make_branch(model, &drawn, WIDTH, 2, 1 + (int)dice(model, &drawn, 3), &layers);
    text_add(&layers, ", {type: dense, units: 5}, ");
    make_branch(model, &drawn, 5, 3, 1 + (int)dice(model, &drawn, 4), &layers);
    text_add(&layers, ", {type: dense, units: 3}");
    start(&f, layers.s);
    check_gradients(&f, layers.s);
    check_evaluation(&f, layers.s);
    text_free(&layers);
    stop(&f);
}
END_TEST

/* ---- looking for the first bad number --------------------------------------------------- */

struct seen {
    struct text all;
    const char *bad, *phase; /* of the first that is not finite */
    int stop_at, n;
};

static int look(void *ctx, const char *layer, const char *phase, const rn_real *data, int64_t n)
{
    struct seen *s = ctx;

    text_add(&s->all, "%s %s %d\n", layer, phase, (int)n);
    for (int64_t i = 0; i < n && !s->bad; i++)
        if (!isfinite(data[i])) {
            s->bad = layer;
            s->phase = phase;
        }
    return ++s->n == s->stop_at ? 7 : 0;
}

static int probe(struct fixture *f, unsigned flags, struct seen *s)
{
    static const struct rn_block block = {.u = {0}};

    poison(f);
    return step_probe(f->e->pool, f->m, flags, ROWS, f->arena, &f->io, &block, look, s);
}

#define PROBED "flatten, " D(4) ", {type: residual, layers: [" D(4) ", relu]}, " D(3)

START_TEST(a_probe_sees_each_call)
{
    struct fixture f;
    struct seen s = {0};

    start(&f, PROBED);
    size_t bytes = (size_t)f.m->flat * sizeof(rn_real);
    double whole = loss(&f);
    rn_real *grad = malloc(bytes);
    memcpy(grad, f.m->grad, bytes);
    ck_assert_int_eq(probe(&f, STEP_TRAINS | STEP_UPDATES, &s), 0);
    ck_assert_ptr_null(s.bad);
    ck_assert_mem_eq(grad, f.m->grad, bytes);
    ck_assert_double_eq(f.step_loss / f.step_weight, whole);
    ck_assert_str_eq(text_str(&s.all), "data forward 60\n"
                                       "model.layers.flatten1 forward 60\n"
                                       "model.layers.dense1 forward 20\n"
                                       "model.layers.residual1.layers.dense1 forward 20\n"
                                       "model.layers.residual1.layers.relu1 forward 20\n"
                                       "model.layers.residual1 forward 20\n"
                                       "model.layers.dense2 forward 15\n"
                                       "loss forward 5\n"
                                       "loss backward 15\n"
                                       "model.layers.dense2 backward 20\n"
                                       "model.layers.dense2 backward 12\n"
                                       "model.layers.dense2 backward 3\n"
                                       "model.layers.residual1 backward 20\n"
                                       "model.layers.residual1 backward 20\n"
                                       "model.layers.residual1.layers.relu1 backward 20\n"
                                       "model.layers.residual1.layers.dense1 backward 20\n"
                                       "model.layers.residual1.layers.dense1 backward 16\n"
                                       "model.layers.residual1.layers.dense1 backward 4\n"
                                       "model.layers.dense1 backward 48\n"
                                       "model.layers.dense1 backward 4\n"
                                       "model.layers.dense1 update 48\n"
                                       "model.layers.dense1 update 4\n"
                                       "model.layers.residual1.layers.dense1 update 16\n"
                                       "model.layers.residual1.layers.dense1 update 4\n"
                                       "model.layers.dense2 update 12\n"
                                       "model.layers.dense2 update 3\n");
    free(grad);
    text_free(&s.all);
    stop(&f);
}
END_TEST

START_TEST(a_probe_finds_the_first_bad_number)
{
    struct fixture f;
    struct seen s = {0};

    start(&f, PROBED);
    f.m->param[f.m->params[2].offset] = (rn_real)NAN;
    ck_assert_int_eq(probe(&f, STEP_TRAINS, &s), 0);
    ck_assert_str_eq(s.bad, "model.layers.residual1.layers.dense1");
    ck_assert_str_eq(s.phase, "forward");
    text_free(&s.all);
    s = (struct seen){.stop_at = 3};
    ck_assert_int_eq(probe(&f, STEP_TRAINS, &s), 7);
    ck_assert_int_eq(s.n, 3);
    text_free(&s.all);
    stop(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("graph");
    TCase *t = tcase_create("graph");
    const char *from = getenv("RN_F64");
    char target[PATH_MAX], path[PATH_MAX];

    if (!from || !mkdtemp(dir)) {
        fprintf(stderr, "RN_F64 is not set: run this by meson test\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "%s/%.*s", dir, (int)strcspn(links[i], "/"), links[i]);
        snprintf(target, sizeof target, "%s/%s_f64.so", from, strchr(links[i], '/') + 1);
        bool good = file_exists(target) && !file_mkdirs(path);
        snprintf(path, sizeof path, "%s/%s.so", dir, links[i]);
        if (!good || file_symlink(target, path))
            return 1;
    }
    tcase_add_loop_test(t, gradients_are_those_of_the_loss, 0,
                        (int)(sizeof models / sizeof *models));
    tcase_add_loop_test(t, made_up_models_have_their_gradients, 0, MODELS);
    tcase_add_test(t, a_probe_sees_each_call);
    tcase_add_test(t, a_probe_finds_the_first_bad_number);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    file_remove_tree(dir);
    return failed != 0;
}
