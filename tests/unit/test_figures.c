/* test_figures.c - every figure of runs that are hard to draw: no text overlaps another or leaves
 * the drawing, nothing that is no number gets in, and what a figure says is what was measured. */
#define _GNU_SOURCE
#include "report/analysis.h"
#include "report/facts.h"
#include "report/svg.h"
#include "support/made_run.h"
#include "support/suite.h"
#include "base/file.h"
#include "train/safetensors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- runs that never were ------------------------------------------------- */

struct made {
    int64_t classes, epochs, n, layers;
    const char *name; /* of classes and layers; NULL: harmless */
    bool broken;      /* NaN in the middle of the curves, infinity in the last gradient */
};

enum { LAYERS_MOST = 60, EPOCHS_MOST = 500, STEPS = 1000 };
static struct rn_layer_fact layers[LAYERS_MOST];
static struct rn_param_fact params[2 * LAYERS_MOST * EPOCHS_MOST];
static struct rn_units_fact units[LAYERS_MOST * EPOCHS_MOST];
static struct rn_step_fact steps[STEPS];
static int64_t bins[RN_BINS];
static char layer_names[LAYERS_MOST][300], weight_names[LAYERS_MOST][320],
    bias_names[LAYERS_MOST][320];

static void make_layers(struct rn_report *v, const struct made *m)
{
    for (int i = 0; i < m->layers; i++) {
        snprintf(layer_names[i], sizeof *layer_names, "%s%d", m->name ? m->name : "layer", i);
        snprintf(weight_names[i], sizeof *weight_names, "%s.weight", layer_names[i]);
        snprintf(bias_names[i], sizeof *bias_names, "%s.bias", layer_names[i]);
        layers[i] = (struct rn_layer_fact){.name = layer_names[i],
                                           .type = "dense",
                                           .output = "10",
                                           .params = 100 + 10 * i,
                                           .forward_us = 100.0 / (i + 1),
                                           .backward_us = i ? 200.0 / (i + 1) : NAN,
                                           .update_us = 5};
    }
    v->layers = layers;
    v->n_layers = m->layers;
}

static void make_inside(struct rn_report *v, const struct made *m)
{
    for (int b = 0; b < RN_BINS; b++)
        bins[b] = 1 + (b < 16 ? b * b : (RN_BINS - b) * (RN_BINS - b));
    for (int64_t e = 1; e <= m->epochs; e++)
        for (int64_t i = 0; i < m->layers; i++) {
            double size = 1 / (double)(e + i);
            bool keep = e == 1 || e == v->best_epoch || e == m->epochs;
            for (int k = 1; k < 3; k++)
                params[v->n_params++] =
                    (struct rn_param_fact){.name = k == 1 ? weight_names[i] : bias_names[i],
                                           .epoch = e,
                                           .n = k == 1 ? 100 + i : 10,
                                           .grad_norm = size,
                                           .weight_norm = 3,
                                           .update_norm = 0.01 * size,
                                           .least = -size - 0.1,
                                           .most = size + 0.2,
                                           .bins = keep ? bins : NULL};
            units[v->n_units++] = (struct rn_units_fact){layer_names[i], e, 128, (7 * e + i) % 100};
        }
    if (m->broken && v->n_params)
        params[v->n_params - 1].grad_norm = INFINITY;
    v->params = params;
    v->units = units;
}

static void make_steps(struct rn_report *v, const struct made *m)
{
    int64_t n = 10 * m->epochs < STEPS ? 10 * m->epochs : STEPS;

    v->steps_per_epoch = 100;
    for (int64_t i = 1; i <= n; i++)
        steps[v->n_steps++] =
            (struct rn_step_fact){.step = i * 100 * m->epochs / n,
                                  .epoch = 1 + (i * m->epochs - 1) / n,
                                  .loss = 2.3 / (1 + 0.1 * (double)i) + 0.05 * sin((double)i * i),
                                  .lr = 0.001 * (1 - (double)(i - 1) / (double)n)};
    v->steps = steps;
}

static struct report *made(const struct made *m)
{
    struct report *r;

    ck_assert_int_eq(
        made_run(&(struct made_run){m->classes, m->epochs, m->n, m->name, true, false}, "/tmp", &r),
        0);
    r->view.n_layers = r->view.n_params = r->view.n_units = r->view.n_steps = 0;
    make_layers(&r->view, m);
    make_inside(&r->view, m);
    make_steps(&r->view, m);
    r->view.patience = 3;
    r->view.patience_monitor = "val.accuracy";
    for (int64_t i = m->epochs / 2; m->broken && i < m->epochs / 2 + 2 && i < m->epochs; i++) {
        r->epochs[i].train_loss = r->epochs[i].val_loss = r->epochs[i].val_accuracy = NAN;
        r->epochs[i].fit_loss = INFINITY;
    }
    float weights[70 * 16];
    for (int i = 0; i < 70 * 16; i++)
        weights[i] = (float)sin(i);
    ck_assert_int_eq(report_first_layer(r, "first.weight", weights, 2, (const int64_t[]){70, 16}),
                     0);
    ck_assert_int_eq(report_draw(r), 0);
    return r;
}

static const struct rn_figure *figure(struct report *r, const char *name)
{
    for (int64_t i = 0; i < report_view(r)->n_figures; i++)
        if (!strcmp(report_view(r)->figures[i].name, name))
            return &report_view(r)->figures[i];
    ck_abort_msg("no figure %s", name);
    return NULL;
}

static int count(const char *s, const char *what)
{
    int n = 0;

    for (; (s = strstr(s, what)); s++)
        n++;
    return n;
}

/* ---- where text stands ---------------------------------------------------- */

struct box {
    double left, top, right, bottom;
    char words[512];
};

static double attribute(const char *element, const char *end, const char *name)
{
    const char *at = strstr(element, name);

    return at && at < end ? strtod(at + strlen(name), NULL) : NAN;
}

/* The text of an element without its entities. */
static void plain(const char *from, const char *to, char *out, size_t size)
{
    static const char *const entities[][2] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&#39;", "'"}};
    size_t n = 0;

    while (from < to && n + 1 < size) {
        size_t skip = 1;
        out[n] = *from;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (!strncmp(from, entities[i][0], strlen(entities[i][0]))) {
                out[n] = *entities[i][1];
                skip = strlen(entities[i][0]);
            }
        from += skip;
        n++;
    }
    out[n] = '\0';
}

/* As our charts write text: maybe turned by a quarter to the left. */
static struct box box_of(const char *element)
{
    const char *end = strchr(element, '>'), *close = strstr(element, "</text>");
    struct box b;

    plain(end + 1, close, b.words, sizeof b.words);
    double x = attribute(element, end, " x=\""), y = attribute(element, end, " y=\"");
    double size = attribute(element, end, " font-size=\"");
    double width = svg_width(b.words, size);
    const char *middle = strstr(element, "text-anchor=\"middle\"");
    const char *right = strstr(element, "text-anchor=\"end\"");
    const char *turned = strstr(element, "rotate(-90 ");
    double before = middle && middle < end ? width / 2 : right && right < end ? width : 0;

    ck_assert_msg(isfinite(x) && isfinite(y) && isfinite(size), "%.200s", element);
    b.left = x - before;
    b.right = b.left + width;
    b.top = y - 0.75 * size;
    b.bottom = y + 0.2 * size;
    if (turned && turned < end) {
        b.left = x - 0.75 * size;
        b.right = x + 0.2 * size;
        b.bottom = y + before;
        b.top = b.bottom - width;
    }
    return b;
}

static void text_has_room(const char *name, const char *svg)
{
    enum { MOST = 4000 };
    static struct box boxes[MOST];
    double w = 0, h = 0;
    int n = 0;

    ck_assert_int_eq(sscanf(strstr(svg, "viewBox=\"0 0 "), "viewBox=\"0 0 %lf %lf", &w, &h), 2);
    for (const char *at = svg; (at = strstr(at, "<text ")); at++) {
        ck_assert_int_lt(n, MOST);
        struct box b = boxes[n] = box_of(at);
        if (b.left < -0.1 || b.top < 0 || b.right > w + 0.1 || b.bottom > h)
            ck_abort_msg("%s: '%s' leaves the drawing: %.1f to %.1f, %.1f to %.1f of %.0f x %.0f",
                         name, b.words, b.left, b.right, b.top, b.bottom, w, h);
        for (int i = 0; i < n; i++) { /* an assertion for each pair would take seconds */
            const struct box *o = &boxes[i];
            if (b.left < o->right - 0.1 && o->left < b.right - 0.1 && b.top < o->bottom - 0.1 &&
                o->top < b.bottom - 0.1)
                ck_abort_msg("%s: '%s' overlaps '%s'", name, b.words, o->words);
        }
        n++;
    }
    ck_assert_int_gt(n, 0);
}

/* Attributes alone: text may say so. */
static void is_all_numbers(const char *name, const char *svg)
{
    for (const char *at = svg; (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        for (const char *p = at; p + 3 < end; p++)
            if (!strncmp(p, "nan", 3) || !strncmp(p, "\"inf", 4) || !strncmp(p, "-inf", 4))
                ck_abort_msg("%s: %.*s", name, (int)(end - at), at);
    }
    ck_assert_ptr_null(strstr(svg, " id=\""));
    ck_assert_ptr_null(strstr(svg, "<script"));
}

/* ---- hard cases ----------------------------------------------------------- */

#define TEN(s) s s s s s s s s s s
#define LONG   TEN("a name, ")
#define WIDE \
    TEN("\xE5\xBE\x88\xE9\x95\xBF\xE7\x9A\x84\xE5\x90\x8D\xE5\xAD\x97\xE5\x95\x8A\xE5\x95\x8A")

static const struct made hard[] = {
    {.classes = 2, .epochs = 1, .n = 1, .layers = 1},
    {.classes = 2, .epochs = 2, .n = 60, .layers = 3, .name = WIDE},
    {.classes = 10, .epochs = 1, .n = 300, .layers = 60},
    {.classes = 10, .epochs = 20, .n = 3000, .layers = 4, .broken = true},
    {.classes = 10, .epochs = 12, .n = 300, .layers = 9, .name = LONG},
    {.classes = 40, .epochs = 30, .n = 2000, .layers = 2, .name = WIDE, .broken = true},
    {.classes = 62, .epochs = 500, .n = 2000, .layers = 60, .broken = true},
    {.classes = 100, .epochs = 500, .n = 3000, .layers = 2, .name = LONG},
    {.classes = 100, .epochs = 3, .n = 3000, .layers = 8, .name = WIDE},
    {.classes = 0, .epochs = 5, .n = 50, .layers = 2, .name = LONG},
};
enum { HARD = sizeof hard / sizeof *hard };

START_TEST(no_text_is_in_the_way_of_another)
{
    struct report *r = made(&hard[_i]);

    for (int64_t i = 0; i < r->view.n_figures; i++) {
        const struct rn_figure *f = &r->view.figures[i];
        const char *both[] = {f->svg, f->svg_other};
        for (int k = 0; k < 2 && both[k]; k++) {
            text_has_room(f->name, both[k]);
            is_all_numbers(f->name, both[k]);
        }
        ck_assert_uint_gt(strlen(f->alt), 20);
        ck_assert_int_eq(f->svg_other != NULL, f->scale && f->scale_other);
    }
    report_close(r);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(all_figures_are_there)
{
    static const char *const all[] = {"loss_train_val",
                                      "accuracy",
                                      "learning_rate",
                                      "generalization_gap",
                                      "class_errors",
                                      "class_scores",
                                      "confusion_matrix_counts",
                                      "confusion_matrix_normalized",
                                      "calibration",
                                      "confidence",
                                      "coverage",
                                      "sample_predictions",
                                      "worst_mistakes",
                                      "first_layer_weights",
                                      "gradient_norms",
                                      "update_ratios",
                                      "silent_units",
                                      "weight_histograms",
                                      "time_by_layer",
                                      "throughput"};
    const struct made m = {.classes = 10, .epochs = 5, .n = 10000, .layers = 3};
    struct report *r = made(&m), *again = made(&m);
    size_t bytes = 0;

    ck_assert_int_eq(r->view.n_figures, sizeof all / sizeof *all);
    for (int64_t i = 0; i < r->view.n_figures; i++) {
        const struct rn_figure *f = figure(r, all[i]);
        ck_assert_str_eq(f->svg, figure(again, all[i])->svg);
        ck_assert_str_eq(f->csv, figure(again, all[i])->csv);
        bytes += strlen(f->svg) + (f->svg_other ? strlen(f->svg_other) : 0);
    }
    ck_assert_uint_lt(bytes, 400000); /* a page of less than 1 MB has more than figures */
    report_close(r);
    report_close(again);
}
END_TEST

/* ---- what they say -------------------------------------------------------- */

START_TEST(curves_name_their_columns)
{
    struct report *r = made(&(struct made){.classes = 10, .epochs = 8, .n = 300, .layers = 2});
    const struct rn_figure *loss = figure(r, "loss_train_val"), *acc = figure(r, "accuracy");

    ck_assert_int_eq(strncmp(loss->csv, "epoch,train_loss,fit_loss,val_loss,step_loss\n", 45), 0);
    ck_assert_ptr_nonnull(strstr(loss->csv, "\n1,0.72,0.6,0.66,"));
    ck_assert_ptr_nonnull(strstr(loss->svg, "data-column=\"val_loss\""));
    ck_assert_ptr_nonnull(strstr(loss->svg, "data-column=\"step_loss\""));
    ck_assert_str_eq(loss->scale, "linear");
    ck_assert_str_eq(loss->scale_other, "log");
    ck_assert_ptr_nonnull(strstr(loss->svg, "data-log=\"0\""));
    ck_assert_ptr_nonnull(strstr(loss->svg_other, "data-log=\"1\""));
    ck_assert_ptr_nonnull(strstr(loss->svg, ">best: epoch 8</text>"));
    ck_assert_ptr_nonnull(strstr(acc->svg_other, "data-column=\"val_error\""));
    ck_assert_ptr_nonnull(strstr(acc->csv, ",val_error\n"));
    ck_assert_ptr_nonnull(strstr(acc->svg_other, "data-log=\"1\" data-percent=\"1\""));
    report_close(r);
}
END_TEST

START_TEST(charts_over_epochs_line_up)
{
    struct report *r = made(&(struct made){.classes = 10, .epochs = 8, .n = 300, .layers = 2});
    static const char *const names_[] = {"accuracy", "learning_rate", "generalization_gap",
                                         "throughput"};
    const char *x = strstr(figure(r, "loss_train_val")->svg, "data-x=");

    ck_assert_int_eq(strncmp(x, "data-x=\"72.0 496.0 0 8\"", 23), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(strstr(figure(r, names_[i])->svg, "data-x=\"72.0 496.0 0 8\""));
    report_close(r);
}
END_TEST

START_TEST(patience_is_shaded_after_the_best_of_what_was_monitored)
{
    struct report *r = made(&(struct made){.classes = 10, .epochs = 8, .n = 300, .layers = 2});

    ck_assert_ptr_null(strstr(figure(r, "loss_train_val")->svg, "patience")); /* nothing waited */
    for (int i = 4; i < 8; i++)
        r->epochs[i].val_accuracy = 0.1;
    report_draw(r);
    /* epochs 4 to 7 of 0 to 8, on 424 px from 72 */
    ck_assert_ptr_nonnull(strstr(figure(r, "loss_train_val")->svg, "<rect x=\"284.0\""));
    ck_assert_ptr_nonnull(strstr(figure(r, "loss_train_val")->svg, "width=\"159.0\""));
    ck_assert_ptr_nonnull(strstr(figure(r, "accuracy")->svg, ">patience: 3</text>"));
    report_close(r);
}
END_TEST

START_TEST(many_layers_leave_the_largest)
{
    struct report *r = made(&(struct made){.classes = 3, .epochs = 4, .n = 30, .layers = 9});
    const struct rn_figure *f = figure(r, "gradient_norms");

    ck_assert_int_eq(count(f->svg, "data-column="), 7);
    ck_assert_ptr_null(strstr(f->svg, "data-column=\"layer1\"")); /* the smallest two */
    ck_assert_ptr_nonnull(strstr(f->svg, "data-column=\"layer2\""));
    ck_assert_ptr_nonnull(strstr(f->svg, "the 7 largest of 9 layers"));
    ck_assert_int_eq(strncmp(f->csv, "epoch,layer0,layer1,layer2,", 27), 0);
    /* weight and bias together: sqrt(2) times 1 / (1 + 0) */
    ck_assert_ptr_nonnull(strstr(f->csv, "\n1,1.41421356,"));
    ck_assert_ptr_nonnull(
        strstr(figure(r, "update_ratios")->csv, "epoch,layer0.weight,layer1.weight"));
    ck_assert_ptr_nonnull(strstr(figure(r, "update_ratios")->csv, "\n1,0.00333333333,"));
    report_close(r);
}
END_TEST

START_TEST(the_gap_has_its_noise)
{
    struct report *r = made(&(struct made){.classes = 10, .epochs = 4, .n = 30, .layers = 1});
    const struct rn_figure *f = figure(r, "generalization_gap");

    /* fit 0.6, val 0.66; of 500 samples 0.8 and 0.6 / 2.8 less than 1 are right */
    ck_assert_ptr_nonnull(strstr(f->csv, "\n1,0.06,"));
    double low, chance, gap, noise, a, b, c, d;
    wilson_interval(400, 500, &a, &b);
    wilson_interval(393, 500, &c, &d); /* 1 - 0.6 / 2.8, rounded to whole samples */
    ck_assert_int_eq(
        sscanf(strstr(f->csv, "\n1,"), "\n1,%lf,%lf,%lf,%lf", &low, &chance, &gap, &noise), 4);
    ck_assert_double_eq_tol(noise, hypot(b - a, d - c) / 2, 1e-8);
    const struct rn_epoch *e = &r->view.epochs[0];
    ck_assert_double_gt(loss_gap_error(&r->view, NAN, e), val_loss_error(&r->view));
    ck_assert_double_eq_tol(gap, 0.6 / 2.8 - 0.2, 1e-8);
    ck_assert_str_eq(f->scale_other, "accuracy");
    report_close(r);
}
END_TEST

START_TEST(coverage_refuses_the_least_sure)
{
    struct report *r = made(&(struct made){.classes = 2, .epochs = 2, .n = 100, .layers = 1});
    struct rn_sample *s = (struct rn_sample *)(uintptr_t)r->test.samples;

    for (int i = 0; i < 100; i++) { /* the least sure half is wrong */
        s[i].p_predicted = 0.5 + 0.004 * i;
        s[i].predicted = i < 50 ? 1 - s[i].truth : s[i].truth;
    }
    report_draw(r);
    const struct rn_figure *f = figure(r, "coverage");
    ck_assert_ptr_nonnull(strstr(f->csv, "\n0.5,1,"));
    ck_assert_ptr_nonnull(strstr(f->csv, "\n1,0.5,"));
    ck_assert_ptr_nonnull(strstr(f->svg, "data-x=\"72.0 496.0 0 1\""));
    report_close(r);
}
END_TEST

/* ---- the first layer ------------------------------------------------------ */

static void sees(int rank, const int64_t *dim, bool wanted)
{
    static float values[64 * 64];
    struct report *r = made(&(struct made){.classes = 2, .epochs = 1, .n = 30, .layers = 1});

    ck_assert_int_eq(report_first_layer(r, "w", values, rank, dim), 0);
    ck_assert_int_eq(r->first_layer.values != NULL, wanted);
    report_close(r);
}

START_TEST(only_weights_that_see_pixels_are_drawn)
{
    sees(2, (const int64_t[]){10, 16}, true); /* 4 x 4 */
    sees(2, (const int64_t[]){10, 64}, true); /* 8 x 8, kept smaller */
    sees(2, (const int64_t[]){10, 17}, false);
    sees(4, (const int64_t[]){10, 1, 3, 3}, true);
    sees(4, (const int64_t[]){10, 3, 3, 3}, false);
    sees(4, (const int64_t[]){10, 1, 1, 1}, false);
    sees(1, (const int64_t[]){16}, false);
}
END_TEST

START_TEST(the_first_layer_is_read_from_the_folder)
{
    char dir[] = "/tmp/test_figures_XXXXXX", path[64];
    static const float bias[2] = {0}, weights[9 * 2] = {0.5, -1};
    struct report *r = made(&(struct made){.classes = 2, .epochs = 1, .n = 30, .layers = 1});

    ck_assert_ptr_nonnull(mkdtemp(dir));
    r->view.dir = dir;
    r->first_layer = (struct first_layer){0};
    ck_assert_int_eq(report_read_first_layer(r), 0); /* no weights */
    ck_assert_ptr_null(r->first_layer.values);
    snprintf(path, sizeof path, "%s/weights", dir);
    file_mkdirs(path);
    snprintf(path, sizeof path, "%s/weights/last.safetensors", dir);
    ck_assert_int_eq(
        safetensors_write(
            path,
            (const struct st_tensor[]){{"conv.bias", 1, (const int64_t[]){2}, bias},
                                       {"conv.weight", 4, (const int64_t[]){2, 1, 3, 3}, weights}},
            2, NULL, 0),
        0);
    ck_assert_int_eq(report_read_first_layer(r), 0);
    ck_assert_str_eq(r->first_layer.name, "conv.weight");
    ck_assert_int_eq(report_draw(r), 0);
    const struct rn_figure *f = figure(r, "first_layer_weights");
    ck_assert_int_eq(strncmp(f->csv, "unit,least,most,mean,norm,w0,", 29), 0);
    ck_assert_ptr_nonnull(strstr(f->csv, "\n0,-1,0.5,-0.05556,1.118,0.5,-1,0,"));
    report_close(r);
    file_remove_tree(dir);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("figures");
    TCase *c = tcase_create("figures");

    tcase_add_loop_test(c, no_text_is_in_the_way_of_another, 0, HARD);
    tcase_add_test(c, all_figures_are_there);
    tcase_add_test(c, curves_name_their_columns);
    tcase_add_test(c, charts_over_epochs_line_up);
    tcase_add_test(c, patience_is_shaded_after_the_best_of_what_was_monitored);
    tcase_add_test(c, many_layers_leave_the_largest);
    tcase_add_test(c, the_gap_has_its_noise);
    tcase_add_test(c, coverage_refuses_the_least_sure);
    tcase_add_test(c, only_weights_that_see_pixels_are_drawn);
    tcase_add_test(c, the_first_layer_is_read_from_the_folder);
    suite_add_tcase(s, c);
    return suite_run(s);
}
