/* test_chart.c - scales and ticks, text that does not escape, charts of difficult numbers. */
#include "report/axis.h"
#include "report/chart.h"
#include "report/escape.h"
#include "report/svg.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ----------------------------------------------------------------- */

static void escapes(void (*f)(struct text *, const char *), const char *in, const char *wanted)
{
    struct text t = {0};

    f(&t, in);
    ck_assert_str_eq(text_str(&t), wanted);
    text_free(&t);
}

#define BAD "\xEF\xBF\xBD"

START_TEST(text_does_not_escape)
{
    escapes(escape_xml, "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
    escapes(escape_xml, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
            "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    escapes(escape_xml, "\x01\x1B[31m\x7F", BAD BAD "[31m" BAD);
    escapes(escape_xml, "\x80\xC3(\xC0\xAF", BAD BAD "(" BAD); /* lone, cut short, overlong */
    escapes(escape_xml, "\xED\xA0\x80\xEF\xBF\xBF", BAD BAD);  /* a surrogate, U+FFFF */
    escapes(escape_xml, "\xF4\x90\x80\x80\xE2\x82", BAD BAD);  /* beyond Unicode; the end */
    escapes(escape_xml,
            "a\xE2\x80\xAE"
            "b",
            "a" BAD "b"); /* writes from right to left */
    escapes(escape_csv, "plain", "plain");
    escapes(escape_csv, "a,\"b\"", "\"a,\"\"b\"\"\"");
    escapes(escape_csv, "=1+1", "'=1+1");
    escapes(escape_csv, "-1", "'-1");
    escapes(escape_csv, "+1", "'+1");
    escapes(escape_csv, "@x,y", "\"'@x,y\"");
    escapes(escape_csv, "", "");
}
END_TEST

START_TEST(long_words_are_cut)
{
    char out[64];

    ck_assert_str_eq(svg_fit(out, sizeof out, "short", 10, 100), "short");
    const char *cut = svg_fit(out, sizeof out, "a very long name of a class", 10, 60);
    ck_assert_ptr_nonnull(strstr(cut, "\xE2\x80\xA6"));
    ck_assert_double_le(svg_width(cut, 10), 60);
    /* many bytes, few characters: neither is the buffer overrun nor a character torn */
    char small[9];
    svg_fit(small, sizeof small, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 1, 1000);
    ck_assert_str_eq(small, "\xC3\xA9\xC3\xA9\xE2\x80\xA6");
    ck_assert_str_eq(svg_fit(out, sizeof out, "", 10, 5), "");
}
END_TEST

/* ---- scales --------------------------------------------------------------- */

static void has_ticks(const struct axis *a, const char *wanted)
{
    char got[256] = "", label[24];

    for (int i = 0; i < a->n_ticks; i++) {
        size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%s", i ? " " : "", axis_label(a, a->tick[i], label));
    }
    ck_assert_str_eq(got, wanted);
}

START_TEST(ticks_are_round_numbers)
{
    struct axis a = {0};

    axis_fit(&a, 0.013, 0.31, 6);
    has_ticks(&a, "0.0 0.1 0.2 0.3");
    axis_fit(&a, -3, 7, 6);
    has_ticks(&a, "-2 0 2 4 6");
    axis_fit(&a, 0.5, 0.5, 6); /* one value: room about it */
    ck_assert(a.low < 0.5 && a.high > 0.5);
    axis_fit(&a, 0, 0, 6);
    ck_assert(a.low < 0 && a.high > 0);
    axis_fit_whole(&a, 1, 5, 10);
    has_ticks(&a, "1 2 3 4 5");
    axis_fit_whole(&a, 1, 500, 10);
    has_ticks(&a, "50 100 150 200 250 300 350 400 450 500");
    axis_fit_whole(&a, 1, 1, 10);
    has_ticks(&a, "1");
    a = (struct axis){.percent = true};
    axis_fit(&a, 0, 0, 6); /* no share is below 0 */
    ck_assert(a.low == 0 && a.high > 0);
    axis_fit(&a, 0.93, 0.999, 6);
    has_ticks(&a, "94 % 96 % 98 % 100 %");
    ck_assert_double_eq(a.high, 1); /* no share is above 100 % */
}
END_TEST

START_TEST(log_scales_have_ticks_at_any_span)
{
    struct axis a = {.log = true};

    axis_fit(&a, 0.004, 0.3, 6);
    has_ticks(&a, "0.005 0.01 0.02 0.05 0.1 0.2");
    a.log = true;
    axis_fit(&a, 1e-6, 1, 6);
    has_ticks(&a, "1e-06 0.0001 0.01 1");
    a.log = true;
    axis_fit(&a, 1e-30, 1, 6);
    ck_assert_int_ge(a.n_ticks, 4);
    ck_assert_int_le(a.n_ticks, 7);
    a = (struct axis){.log = true, .from = 100, .to = 0, .low = 1, .high = 100};
    ck_assert_double_eq_tol(axis_at(&a, 10), 50, 1e-9);
    a = (struct axis){.from = 100, .to = 0, .low = 1, .high = 3};
    ck_assert_double_eq_tol(axis_at(&a, 2), 50, 1e-9);
}
END_TEST

/* ---- charts --------------------------------------------------------------- */

static char *lines_of(const double *y, int64_t n, bool log)
{
    static double x[500];
    struct chart_series s = {.name = "a<b", .column = "a<b", .x = x, .y = y, .n = n, .look = 1};
    struct text t = {0};

    for (int i = 0; i < 500; i++)
        x[i] = i + 1;
    ck_assert_int_eq(
        chart_lines(&t, &(struct chart_lines){.head = {.title = "T & t", .desc = "in words"},
                                              .x_label = "epoch",
                                              .y_label = "loss",
                                              .whole = true,
                                              .series = &s,
                                              .n_series = 1,
                                              .log = log,
                                              .mark = NAN,
                                              .level = NAN}),
        0);
    return t.s;
}

static int count(const char *s, const char *what)
{
    int n = 0;

    for (; (s = strstr(s, what)); s++)
        n++;
    return n;
}

START_TEST(a_curve_is_broken_where_numbers_are_missing)
{
    const double y[] = {3, 2, NAN, 1, INFINITY, 0.5, 0.4};
    char *svg = lines_of(y, 7, false);

    ck_assert_ptr_nonnull(strstr(svg, "<title>T &amp; t</title>\n<desc>in words</desc>"));
    ck_assert_ptr_nonnull(strstr(svg, " data-column=\"a&lt;b\""));
    ck_assert_ptr_nonnull(strstr(svg, " data-chart=\"lines\" data-x=\"72.0 496.0 1 7\" data-y=\""));
    ck_assert_ptr_nonnull(strstr(svg, " data-log=\"0\" data-percent=\"0\""));
    ck_assert_int_eq(count(svg, "<circle"), 5);
    ck_assert_ptr_null(strstr(svg, "nan"));
    ck_assert_ptr_null(strstr(svg, "inf"));
    const char *path = strstr(svg, "d=\"M0 0M");
    ck_assert_ptr_nonnull(path);
    int moves = 0;
    for (const char *p = path + 3; *p != '"'; p++)
        moves += *p == 'M';
    ck_assert_int_eq(moves, 1 + 3); /* the first is the empty one */
    mem_free(svg);
}
END_TEST

START_TEST(few_and_many_points_are_drawn)
{
    double y[500];

    for (int i = 0; i < 500; i++)
        y[i] = 1.0 / (i + 1);
    char *one = lines_of(y, 1, true), *many = lines_of(y, 500, true), *none = lines_of(y, 0, true);
    ck_assert_int_eq(count(one, "<circle"), 1);
    ck_assert_int_eq(count(many, "<circle"), 0); /* no markers where they would touch */
    ck_assert_ptr_nonnull(strstr(none, "nothing was measured"));
    y[0] = NAN;
    char *broken = lines_of(y, 1, false);
    ck_assert_ptr_nonnull(strstr(broken, "nothing was measured"));
    mem_free(one);
    mem_free(many);
    mem_free(none);
    mem_free(broken);
}
END_TEST

START_TEST(a_log_scale_leaves_out_what_it_cannot_show)
{
    const double y[] = {1, 0, -1, 0.01};
    char *svg = lines_of(y, 4, true);

    ck_assert_int_eq(count(svg, "<circle"), 2);
    ck_assert_ptr_null(strstr(svg, "nan"));
    mem_free(svg);
    svg = lines_of((double[]){1, 1e-200, 1e200, 0.01}, 4, true);
    ck_assert_int_eq(count(svg, "<circle"), 2);
    mem_free(svg);
    svg = lines_of((double[]){2e-100, 0.5e100, 1, 0.01}, 4, true);
    ck_assert_int_eq(count(svg, "<circle"), 4);
    ck_assert_ptr_null(strstr(svg, "nan"));
    ck_assert_ptr_null(strstr(svg, "inf"));
    mem_free(svg);
}
END_TEST

static double shade(const void *ctx, int64_t row, int64_t col)
{
    (void)ctx;
    return row == col ? 2 : row == 0 ? 1 : col == 0 ? 0.01 : -1;
}

static void label(const void *ctx, int64_t row, int64_t col, char out[16])
{
    (void)ctx;
    snprintf(out, 16, "%d", (int)(10 * row + col));
}

static void tip(const void *ctx, int64_t row, int64_t col, struct text *out)
{
    (void)ctx, (void)row, (void)col;
    text_add(out, "<&>");
}

START_TEST(heat_has_text_that_can_be_read_on_it)
{
    static const char *const names[] = {"zero", "one", "two"};
    static const int64_t numbers[] = {4, 5, 7};
    struct text t = {0};

    chart_heat(&t, &(struct chart_heat){.head = {"T", "d", "s", NULL},
                                        .row_label = "true",
                                        .col_label = "said",
                                        .row_margin = "recall",
                                        .col_margin = "precision",
                                        .scale_low = "1",
                                        .scale_high = "9",
                                        .names = names,
                                        .numbers = numbers,
                                        .n = 3,
                                        .shade = shade,
                                        .label = label,
                                        .tip = tip});
    ck_assert_ptr_nonnull(strstr(text_str(&t), "class=\"t7\" fill=\"#ffffff\"")); /* on dark */
    ck_assert_ptr_nonnull(strstr(text_str(&t), "class=\"t0\" fill=\"#1f2328\"")); /* on pale */
    ck_assert_int_eq(count(text_str(&t), "class=\"h-mute\""), 3);
    ck_assert_int_eq(count(text_str(&t), "class=\"h-none\""), 1); /* the ground of empty cells */
    ck_assert_int_eq(count(text_str(&t), "<title>&lt;&amp;&gt;</title>"), 9);
    ck_assert_int_eq(count(text_str(&t), "data-true=\"4\" data-pred=\"7\""), 1);
    ck_assert_int_eq(count(text_str(&t), "data-true="), 7); /* margins are no cells */
    ck_assert_ptr_nonnull(strstr(text_str(&t), ">22</text>"));
    ck_assert_ptr_null(strstr(text_str(&t), ">12</text>")); /* empty */
    text_free(&t);
}
END_TEST

START_TEST(bars_start_at_zero)
{
    const struct chart_bar bars[] = {{"a", "9 %", {0.09}, 0.05, 0.1},
                                     {"b", "none", {NAN}, NAN, NAN}};
    struct text t = {0};

    chart_bars(&t, &(struct chart_bars){
                       .head = {"T", "d", "x", NULL}, .bars = bars, .n = 2, .percent = true});
    ck_assert_ptr_nonnull(strstr(text_str(&t), ">0 %</text>"));
    ck_assert_ptr_null(strstr(text_str(&t), "nan"));
    text_free(&t);
}
END_TEST

START_TEST(pictures_stand_inside)
{
    const uint8_t pixels[] = {0, 1, 2, 3, 4, 5};
    struct text t = {0};

    ck_assert_int_eq(svg_image(&t, 0, 0, 10, 10, &(struct picture){2, 1, 3, pixels}), 0);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "href=\"data:image/png;base64,iVBORw0KGgo"));
    text_free(&t);
}
END_TEST

/* 1,2 over 3,4: the mean of each block; a strip keeps a row. */
START_TEST(pictures_are_made_small)
{
    uint8_t *large = calloc(128 * 4, 3), small[64 * 2 * 3];
    int64_t w, h;

    for (int i = 0; i < 128 * 4; i++)
        large[3 * i + 1] = (uint8_t)(10 + i % 2 + 2 * (i / 128 % 2));
    picture_size(128, 4, &w, &h);
    ck_assert_int_eq(w, 64);
    ck_assert_int_eq(h, 2);
    picture_shrink(small, large, 128, 4, 3);
    for (int i = 0; i < 64 * 2; i++)
        ck_assert_int_eq(small[3 * i] + 1000 * small[3 * i + 1], 11000); /* 11.5 */
    picture_size(28, 28, &w, &h);
    ck_assert(w == 28 && h == 28);
    picture_size(5000, 60, &w, &h);
    ck_assert(w == 63 && h == 1);
    free(large);
}
END_TEST

START_TEST(the_last_label_below_rows_stays_inside)
{
    const struct chart_dots_row row = {"one", {0.995, 1, 1}, NAN, NAN};
    struct text t = {0};

    ck_assert_int_eq(chart_dots(&t, &(struct chart_dots){.head = {.title = "Scores", .desc = "d"},
                                                         .names = {"a", "b", "c"},
                                                         .rows = &row,
                                                         .n = 1}),
                     0);
    const char *last = strstr(text_str(&t), ">100.0 %</text>");
    ck_assert_ptr_nonnull(last);
    while (*last != '<')
        last--;
    ck_assert_ptr_nonnull(strstr(last, "x=\"518.0\""));
    text_free(&t);
}
END_TEST

/* With two values an interval is many times as wide as they lie apart: the drawing shows them, and
 * as much of the interval as fits, without its end. */
START_TEST(wide_intervals_do_not_hide_the_values)
{
    static const double x[] = {0.90, 0.91};
    struct chart_strip row = {"one", x, 2, 0.905, 0.841, 0.969, 0};
    struct text t = {0}, wide = {0};
    struct chart_strips c = {.head = {.title = "Ranking", .desc = "d"},
                             .x_label = "accuracy",
                             .strips = &row,
                             .n = 1,
                             .percent = true,
                             .level = NAN};

    row.low = 0.899;
    row.high = 0.911;
    ck_assert_int_eq(chart_strips(&t, &c), 0);
    row.low = 0.5;
    row.high = 1.3;
    ck_assert_int_eq(chart_strips(&wide, &c), 0);
    ck_assert_ptr_nonnull(strstr(text_str(&wide), ">91"));
    ck_assert_ptr_null(strstr(text_str(&wide), ">80"));
    ck_assert_ptr_null(strstr(text_str(&wide), ">1"));
    text_free(&t);
    text_free(&wide);
    row = (struct chart_strip){"none", x, 0, NAN, NAN, NAN, 0};
    ck_assert_int_eq(chart_strips(&t, &c), 0);
    ck_assert_ptr_null(strstr(text_str(&t), "nan"));
    text_free(&t);
}
END_TEST

START_TEST(clouds_paths_and_grids_of_difficult_numbers)
{
    const struct chart_mark marks[] = {{.x = NAN, .y = 1, .low = NAN, .high = NAN},
                                       {.x = -1, .y = 1, .low = NAN, .high = NAN},
                                       {.x = 1, .y = INFINITY, .low = NAN, .high = NAN},
                                       {.x = 1, .y = 0.5, .low = -1e9, .high = 1e9, .tip = "<"}};
    const double values[] = {NAN, NAN, 1, 1}, at[] = {NAN, 0.5, 0.5};
    const char *const names[] = {"a", "b"}, *const words[] = {"", "", "1", "1"};
    const struct chart_path path = {at, 0, false, "p"};
    const struct chart_parallel_axis axes[] = {{"x", "0", "1"}, {"y", "0", "1"}, {"z", "0", "1"}};
    const struct chart_head head = {.title = "t", .desc = "d"};
    struct text t = {0};

    for (int log = 0; log < 2; log++)
        ck_assert_int_eq(chart_cloud(&t, &(struct chart_cloud){.head = head,
                                                               .x_label = "x",
                                                               .y_label = "y",
                                                               .marks = marks,
                                                               .n = 4,
                                                               .x_log = log == 1}),
                         0);
    ck_assert_int_eq(
        chart_cloud(&t, &(struct chart_cloud){.head = head, .x_label = "x", .y_label = "y"}), 0);
    ck_assert_int_eq(chart_grid(&t, &(struct chart_grid){.head = head,
                                                         .row_label = "r",
                                                         .col_label = "c",
                                                         .rows = names,
                                                         .cols = names,
                                                         .n_rows = 2,
                                                         .n_cols = 2,
                                                         .values = values,
                                                         .words = words,
                                                         .tips = words}),
                     0);
    ck_assert_int_eq(
        chart_parallel(&t,
                       &(struct chart_parallel){
                           .head = head, .axes = axes, .n_axes = 3, .paths = &path, .n = 1}),
        0);
    ck_assert_ptr_null(strstr(text_str(&t), "nan"));
    ck_assert_ptr_null(strstr(text_str(&t), "inf"));
    ck_assert_ptr_nonnull(strstr(text_str(&t), "<title>&lt;</title>"));
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chart");
    TCase *c = tcase_create("chart");

    tcase_add_test(c, text_does_not_escape);
    tcase_add_test(c, long_words_are_cut);
    tcase_add_test(c, ticks_are_round_numbers);
    tcase_add_test(c, log_scales_have_ticks_at_any_span);
    tcase_add_test(c, a_curve_is_broken_where_numbers_are_missing);
    tcase_add_test(c, few_and_many_points_are_drawn);
    tcase_add_test(c, a_log_scale_leaves_out_what_it_cannot_show);
    tcase_add_test(c, heat_has_text_that_can_be_read_on_it);
    tcase_add_test(c, bars_start_at_zero);
    tcase_add_test(c, pictures_stand_inside);
    tcase_add_test(c, pictures_are_made_small);
    tcase_add_test(c, the_last_label_below_rows_stays_inside);
    tcase_add_test(c, wide_intervals_do_not_hide_the_values);
    tcase_add_test(c, clouds_paths_and_grids_of_difficult_numbers);
    suite_add_tcase(s, c);
    return suite_run(s);
}
