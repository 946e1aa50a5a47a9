/* test_model.c - shapes, parameters, lifetimes and the arena, on a small experiment of real
 * plugins. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "base/file.h"
#include "model/step.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char config[] = "/tmp/test_model_XXXXXX";

/* ---- the arena ------------------------------------------------------------------ */

static bool overlap(const struct memory_item *a, const struct memory_item *b)
{
    return a->first <= b->last && b->first <= a->last && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

START_TEST(items_that_live_together_do_not_overlap)
{
    struct memory_item items[40];
    unsigned rng = 12345;

    for (int round = 0; round < 200; round++) {
        int64_t sum = 0;
        for (int i = 0; i < 40; i++) {
            rng = rng * 1103515245 + 12345;
            int first = (int)(rng >> 16) % 30;
            items[i] = (struct memory_item){(int64_t)(rng >> 8) % 5000, first,
                                            first + (int)(rng >> 24) % 9, 0};
            sum += (items[i].bytes + 255) / 256 * 256;
        }
        int64_t total = memory_place(items, 40);
        ck_assert_int_le(total, sum);
        for (int i = 0; i < 40; i++) {
            ck_assert_int_eq(items[i].offset % 256, 0);
            ck_assert_int_le(items[i].offset + items[i].bytes, total);
            for (int k = 0; k < i; k++)
                ck_assert(!overlap(&items[i], &items[k]));
        }
    }
}
END_TEST

START_TEST(memory_is_used_again)
{
    struct memory_item items[] = {
        {1000, 0, 1, 0}, {1000, 2, 3, 0}, {1000, 4, 5, 0}, {500, 0, 5, 0}};

    ck_assert_int_eq(memory_place(items, 4), 1024 + 512);
}
END_TEST

/* ---- planning --------------------------------------------------------------------- */

struct fixture {
    struct registry *registry;
    struct diag *diag;
    struct experiment *e;
    struct model *m;
    struct rn_dataset_info data;
};

static int plan(struct fixture *f, const char *layers)
{
    char text[2048];

    int n = snprintf(text, sizeof text,
                     "data: {type: mnist, path: nowhere, split: {train: 0.9, val: 0.1}}\n"
                     "model:\n  layers: %s\nloss: cross_entropy\noptimizer: {type: adam}\n"
                     "train: {epochs: 1, batch_size: 32}\n",
                     layers);
    ck_assert_int_eq(file_write(config, text, (uint64_t)n), RN_OK);
    *f = (struct fixture){.data = {.input = {.rank = 3, .channels = 1, .dim = {6, 5, 1}},
                                   .classes = 4,
                                   .target_width = 1}};
    ck_assert_int_eq(registry_open(NULL, 0, &f->registry), RN_OK);
    int status = experiment_load(config, NULL, 0, f->registry, &f->diag, &f->e);
    ck_assert_msg(status == RN_OK, "%s", error_text());
    return model_plan(f->e->pool, f->e, &f->data, f->diag, &f->m);
}

static void done(struct fixture *f)
{
    experiment_free(f->e);
    registry_close(f->registry);
}

static void expect_problem(struct fixture *f, const char *part)
{
    struct text t = {0};

    diag_text(f->diag, false, &t);
    ck_assert_msg(strstr(text_str(&t), part) != NULL, "no \"%s\" in: %s", part, text_str(&t));
    text_free(&t);
}

#define MLP "[flatten, {type: dense, units: 16}, relu, {type: dense, units: 4}]"

START_TEST(shapes_and_parameters_follow_from_the_input)
{
    struct fixture f;
    char s[SHAPE_TEXT];

    ck_assert_int_eq(plan(&f, MLP), RN_OK);
    ck_assert_str_eq(shape_text(&f.m->input, s), "1x6x5");
    ck_assert_str_eq(shape_text(&f.m->layers[0].out, s), "30");
    ck_assert_str_eq(shape_text(&f.m->layers[3].out, s), "4");
    ck_assert_int_eq(f.m->n_params, 4);
    ck_assert_int_eq(f.m->parameters, 30 * 16 + 16 + 16 * 4 + 4);
    ck_assert_str_eq(f.m->params[2].name, "dense2.weight");
    ck_assert_double_eq(f.m->flops, 2 * (30 * 16 + 16 * 4));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(f.m->params[i].offset % 16, 0);
    done(&f);
}
END_TEST

START_TEST(what_does_not_fit_is_told_with_the_chain)
{
    struct fixture f;

    ck_assert_int_eq(plan(&f, "[{type: dense, units: 4, name: first}]"), RN_ESHAPE);
    expect_problem(&f, "model.layers.first");
    expect_problem(&f, "needs a flat input");
    expect_problem(&f, "input 1x6x5 \xE2\x86\x92 first \xE2\x9C\x97");
    done(&f);
    ck_assert_int_eq(plan(&f, "[flatten, {type: dense, units: 3}]"), RN_ESHAPE);
    expect_problem(&f, "gives 3 scores, but the data has 4 classes");
    done(&f);
    ck_assert_int_eq(plan(&f, "[flatten, {type: dense, units: 5}]"), RN_OK);
    ck_assert_int_eq(diag_warnings(f.diag), 1);
    done(&f);
}
END_TEST

#define NESTED \
    "[flatten, {type: dense, units: 8}, {type: residual, layers: [{type: dense, units: 8}, " \
    "{type: residual, name: in, layers: [relu], shortcut: [{type: dense, units: 8}]}]}, " \
    "{type: dense, units: 4}]"

START_TEST(containers_stand_behind_what_is_in_them)
{
    static const struct {
        const char *name;
        int n_from, from[2], follows;
    } want[] = {{"flatten1", 1, {0}, 0},
                {"dense1", 1, {1}, 1},
                {"residual1.layers.dense1", 1, {2}, 2},
                {"residual1.layers.in.layers.relu1", 1, {3}, 3},
                {"residual1.layers.in.shortcut.dense1", 1, {3}, 3},
                {"residual1.layers.in", 2, {4, 5}, 3},
                {"residual1", 2, {6, 2}, 2},
                {"dense2", 1, {7}, 7}};
    struct fixture f;
    struct text t = {0};

    ck_assert_int_eq(plan(&f, NESTED), RN_OK);
    ck_assert_int_eq(f.m->n_layers, 8);
    for (int i = 0; i < 8; i++) {
        const struct model_layer *l = &f.m->layers[i];
        ck_assert_str_eq(l->name, want[i].name);
        ck_assert_int_eq(l->n_from, want[i].n_from);
        for (int k = 0; k < l->n_from; k++)
            ck_assert_int_eq(l->from[k], want[i].from[k]);
        ck_assert_int_eq(l->follows, want[i].follows);
        ck_assert_int_eq(l->learns, i > 0);
    }
    ck_assert_int_eq(f.m->n_params, 8);
    ck_assert_str_eq(f.m->params[2].name, "residual1.layers.dense1.weight");
    ck_assert_str_eq(f.m->params[5].name, "residual1.layers.in.shortcut.dense1.bias");
    ck_assert_double_eq(f.m->flops, 2 * (30 * 8 + 8 * 8 + 8 * 8 + 8 * 4));
    model_summary(f.m, false, "", &t);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "6   residual1.layers.in                 residual"));
    text_free(&t);
    done(&f);
}
END_TEST

START_TEST(what_does_not_fit_in_a_branch_is_told_with_its_chain)
{
    struct fixture f;

    ck_assert_int_eq(plan(&f, "[{type: residual, layers: [relu, relu]}, {type: residual, layers: "
                              "[relu, {type: dense, units: 4}]}]"),
                     RN_ESHAPE);
    expect_problem(&f, "model.layers.residual2.layers.dense1: dense needs a flat input");
    expect_problem(&f, "input 1x6x5 \xE2\x86\x92 residual1 1x6x5 \xE2\x86\x92 "
                       "residual2.layers.relu1 1x6x5 \xE2\x86\x92 residual2.layers.dense1 "
                       "\xE2\x9C\x97");
    done(&f);
    ck_assert_int_eq(plan(&f, "[flatten, {type: residual, layers: [{type: dense, units: 4}]}]"),
                     RN_ESHAPE);
    expect_problem(&f, "'layers' give 4, but the input is 30, and they are added: "
                       "shortcut: [{type: dense, units: ...}] makes them alike");
    expect_problem(&f, "flatten1 30 \xE2\x86\x92 residual1 \xE2\x9C\x97");
    done(&f);
    ck_assert_int_eq(plan(&f, "[{type: residual, layers: [relu], shortcut: [flatten]}]"),
                     RN_ESHAPE);
    expect_problem(&f, "'layers' give 1x6x5, but 'shortcut' gives 30, and they are added");
    done(&f);
}
END_TEST

START_TEST(a_class_loss_needs_classes)
{
    struct fixture f;

    ck_assert_int_eq(plan(&f, MLP), RN_OK);
    f.data.classes = 0;
    ck_assert_int_eq(model_plan(f.e->pool, f.e, &f.data, f.diag, &f.m), RN_ESHAPE);
    expect_problem(&f, "needs classes");
    done(&f);
}
END_TEST

/* ---- lifetimes ----------------------------------------------------------------------- */

START_TEST(views_and_layers_in_place_share_memory)
{
    struct fixture f;
    struct step_layout l;

    ck_assert_int_eq(plan(&f, MLP), RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, true, 32, &l), RN_OK);
    ck_assert_int_eq(l.act[1], l.act[0]);   /* flatten is a view */
    ck_assert_int_ne(l.act[2], l.act[1]);   /* dense */
    ck_assert_int_eq(l.act[3], l.act[2]);   /* relu works in place */
    ck_assert_int_eq(l.grad[3], l.grad[2]); /* and so does its gradient */
    ck_assert_int_eq(l.grad[1], -1);        /* nobody learns before the first dense */
    ck_assert_int_eq(l.grad[0], -1);
    done(&f);
}
END_TEST

START_TEST(what_backward_reads_is_not_overwritten)
{
    struct fixture f;
    struct step_layout l;

    /* the second relu may not overwrite what the first one's backward pass reads */
    ck_assert_int_eq(plan(&f, "[flatten, {type: dense, units: 4}, relu, relu]"), RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, true, 8, &l), RN_OK);
    ck_assert_int_ne(l.act[4], l.act[3]);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, false, 8, &l), RN_OK);
    ck_assert_int_eq(l.act[4], l.act[3]); /* without one it may */
    ck_assert_int_eq(l.grad[4], -1);
    done(&f);
    /* the input of a dense layer lives until its backward pass, after every forward call */
    ck_assert_int_eq(plan(&f, MLP), RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, true, 8, &l), RN_OK);
    ck_assert_int_eq(l.items[l.act[0]].first, 0);
    ck_assert_int_eq(l.items[l.act[0]].last, 2 * 4 + 2 - 1);
    done(&f);
}
END_TEST

START_TEST(a_sum_is_written_over_its_first_branch)
{
    struct fixture f;
    struct step_layout l;

    ck_assert_int_eq(plan(&f, "[flatten, {type: dense, units: 4}, relu, {type: residual, layers: "
                              "[{type: dense, units: 4}]}, relu]"),
                     RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, true, 8, &l), RN_OK);
    ck_assert_int_eq(l.act[5], l.act[4]);
    ck_assert_int_eq(l.act[6], l.act[5]);
    ck_assert_int_eq(l.grad[4], l.grad[6]);
    ck_assert_int_eq(l.din[4][0].item, l.grad[5]); /* what comes back passes the sum as it is */
    ck_assert(!l.din[4][1].adds);                  /* the shortcut's goes into the input's, */
    ck_assert(l.din[3][0].adds);                   /* and the layers' is added */
    ck_assert_int_eq(l.din[4][1].item, l.din[3][0].item);
    done(&f);
}
END_TEST

START_TEST(evaluation_needs_less_memory)
{
    struct fixture f;
    struct step_layout train, eval;

    ck_assert_int_eq(plan(&f, MLP), RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, true, 64, &train), RN_OK);
    ck_assert_int_eq(step_layout(f.e->pool, f.m, false, 64, &eval), RN_OK);
    ck_assert_int_lt(eval.bytes, train.bytes);
    done(&f);
}
END_TEST

/* ---- initial values -------------------------------------------------------------------- */

static rn_real *open_and_fetch(struct fixture *f, const char *seed, struct rn_device **dev)
{
    const struct plugin *device = f->e->device.plugin;

    f->e->seed = (uint64_t)atoi(seed);
    ck_assert_int_eq(device->ops.device.open(f->e->device.opts, dev), RN_OK);
    (*dev)->ops = &device->ops.device;
    ck_assert_int_eq(model_open(f->m, *dev), RN_OK);
    rn_real *values = mem_array((size_t)f->m->flat, sizeof *values);
    (*dev)->ops->download(*dev, values, f->m->param, (size_t)f->m->flat * sizeof *values);
    return values;
}

START_TEST(parameters_start_by_the_seed_alone)
{
    struct fixture f;
    struct rn_device *dev;
    rn_real *values[3];
    static const char *const seeds[] = {"1", "1", "2"};

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(plan(&f, MLP), RN_OK);
        values[i] = open_and_fetch(&f, seeds[i], &dev);
        double bound = 1 / sqrt(30), sum = 0;
        for (int k = 0; k < 30 * 16; k++) {
            ck_assert_double_le(fabs((double)values[i][k]), bound);
            sum += (double)values[i][k];
        }
        ck_assert_double_le(fabs(sum / (30 * 16)), 4 * bound / sqrt(3 * 30 * 16));
        model_close(f.m);
        dev->ops->close(dev);
        if (i < 2)
            done(&f);
    }
    size_t bytes = (size_t)f.m->flat * sizeof(rn_real);
    ck_assert_mem_eq(values[0], values[1], bytes);
    ck_assert_mem_ne(values[0], values[2], bytes);
    done(&f);
    for (int i = 0; i < 3; i++)
        mem_free(values[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {items_that_live_together_do_not_overlap,
                                  memory_is_used_again,
                                  shapes_and_parameters_follow_from_the_input,
                                  what_does_not_fit_is_told_with_the_chain,
                                  containers_stand_behind_what_is_in_them,
                                  what_does_not_fit_in_a_branch_is_told_with_its_chain,
                                  a_sum_is_written_over_its_first_branch,
                                  a_class_loss_needs_classes,
                                  views_and_layers_in_place_share_memory,
                                  what_backward_reads_is_not_overwritten,
                                  evaluation_needs_less_memory,
                                  parameters_start_by_the_seed_alone};
    Suite *s = suite_create("model");
    TCase *t = tcase_create("model");
    int fd = mkstemp(config);

    if (fd < 0)
        return 1;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    remove(config);
    return failed != 0;
}
