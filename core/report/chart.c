/* chart.c - line charts, points and bars; heat maps and pictures stand in chart_grid.c. */
#include "chart.h"

#include "axis.h"
#include "svg.h"

#include <math.h>
#include <stdio.h>

#define WIDTH  560.0
#define EDGE   16.0
#define TITLE  15.0 /* font sizes, px */
#define LABEL  12.5
#define BOTTOM 44.0

static const struct svg_style title_style = {.size = TITLE, .kind = "ink", .bold = true};
static const struct svg_style label_style = {.size = LABEL, .kind = "soft"};
static const struct svg_style tick_x = {.size = LABEL, .kind = "soft", .anchor = SVG_MIDDLE};
static const struct svg_style tick_y = {.size = LABEL, .kind = "soft", .anchor = SVG_END};

/* ---- lines ---------------------------------------------------------------- */

static bool is_shown(double v, bool log) { return isfinite(v) && (!log || v > 0); }

static void widen(double v, bool log, double *low, double *high)
{
    if (!is_shown(v, log))
        return;
    *low = fmin(*low, v);
    *high = fmax(*high, v);
}

/* False: there is nothing to show. */
static bool range_of(const struct chart_lines *c, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int s = 0; s < c->n_series; s++)
        for (int64_t i = 0; i < c->n; i++) {
            widen(c->series[s].y[i], c->log, low, high);
            if (c->series[s].low && isfinite(c->series[s].y[i])) {
                widen(c->series[s].low[i], c->log, low, high);
                widen(c->series[s].high[i], c->log, low, high);
            }
        }
    return *low <= *high;
}

static void draw_axes(struct text *t, const struct axis *x, const struct axis *y)
{
    char label[24];

    for (int i = 0; i < y->n_ticks; i++) {
        double at = axis_at(y, y->tick[i]);
        svg_line(t, x->from, at, x->to, at, "grid", 1);
        svg_text(t, x->from - 8, at + LABEL * 0.36, &tick_y, axis_label(y, y->tick[i], label));
    }
    svg_line(t, x->from, y->from, x->to, y->from, "axis", 1);
    for (int i = 0; i < x->n_ticks; i++) {
        double at = axis_at(x, x->tick[i]);
        svg_line(t, at, y->from, at, y->from + 4, "axis", 1);
        svg_text(t, at, y->from + 18, &tick_x, axis_label(x, x->tick[i], label));
    }
}

static void draw_band(struct text *t, const struct chart_lines *c, const struct chart_series *s,
                      const struct axis *x, const struct axis *y)
{
    for (int64_t i = 0, end; i < c->n; i = end + 1) {
        for (end = i; end < c->n && is_shown(s->y[end], c->log) && is_shown(s->low[end], y->log) &&
                      is_shown(s->high[end], y->log);)
            end++;
        if (end - i < 2)
            continue;
        text_add(t, "<path class=\"s%d-band\" fill=\"%s\" fill-opacity=\"0.14\" d=\"", s->look,
                 svg_series_colour(s->look));
        for (int64_t k = i; k < end; k++)
            text_add(t, "%c%.1f %.1f", k == i ? 'M' : 'L', axis_at(x, (double)(c->first + k)),
                     axis_at(y, s->low[k]));
        for (int64_t k = end; k-- > i;)
            text_add(t, "L%.1f %.1f", axis_at(x, (double)(c->first + k)), axis_at(y, s->high[k]));
        text_add(t, "Z\"/>\n");
    }
}

static void draw_dot(struct text *t, double x, double y, int look, double radius)
{
    text_add(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.4g\" class=\"s%d-dot\" fill=\"%s\"/>\n", x,
             y, radius, look, svg_series_colour(look));
}

static void draw_curve(struct text *t, const struct chart_lines *c, const struct chart_series *s,
                       const struct axis *x, const struct axis *y)
{
    bool pen = false;

    text_add(t, "<path");
    svg_stroke(t, s->look, 2);
    text_add(t, " d=\"M0 0"); /* never empty, which some readers refuse */
    for (int64_t i = 0; i < c->n; i++) {
        bool shown = is_shown(s->y[i], c->log);
        if (shown)
            text_add(t, "%c%.1f %.1f", pen ? 'L' : 'M', axis_at(x, (double)(c->first + i)),
                     axis_at(y, s->y[i]));
        pen = shown;
    }
    text_add(t, "\"/>\n");
    for (int64_t i = 0; i < c->n; i++) {
        bool before = i > 0 && is_shown(s->y[i - 1], c->log);
        bool after = i + 1 < c->n && is_shown(s->y[i + 1], c->log);
        if (is_shown(s->y[i], c->log) && (c->n <= 30 || (!before && !after)))
            draw_dot(t, axis_at(x, (double)(c->first + i)), axis_at(y, s->y[i]), s->look, 3);
    }
}

/* From the right edge leftwards on the line y, so that the label of the axis keeps the left. */
static void draw_legend(struct text *t, const struct chart_lines *c, double y)
{
    double at = WIDTH - EDGE;

    for (int s = 0; s < c->n_series; s++)
        at -= svg_width(c->series[s].name, LABEL) + 28 + (s ? 18 : 0);
    for (int s = 0; s < c->n_series; s++) {
        text_add(t, "<path d=\"M%.1f %.1fh22\"", at, y - LABEL * 0.35);
        svg_stroke(t, c->series[s].look, 2);
        text_add(t, "/>\n");
        svg_text(t, at + 28, y, &label_style, c->series[s].name);
        at += svg_width(c->series[s].name, LABEL) + 46;
    }
}

static void draw_mark(struct text *t, const struct chart_lines *c, const struct axis *x,
                      const struct axis *y)
{
    double at = axis_at(x, c->mark);
    bool left = at > (x->from + x->to) / 2;
    struct svg_style style = {.size = LABEL, .kind = "soft", .anchor = left ? SVG_END : SVG_START};

    text_add(t,
             "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"soft\" "
             "stroke=\"#59636e\" stroke-width=\"1\" stroke-dasharray=\"2 3\"/>\n",
             at, y->from, at, y->to - 14);
    svg_text(t, at + (left ? -5 : 5), y->to - 4, &style, c->marked);
}

int chart_lines(struct text *t, const struct chart_lines *c)
{
    double height = 320, top = c->note ? 98 : 78, low, high, widest = 0;
    struct axis x = {.to = WIDTH - EDGE - 4};
    struct axis y = {.from = height - BOTTOM, .to = top, .log = c->log, .percent = c->percent};
    bool some = range_of(c, &low, &high);
    char label[24];

    axis_fit(&y, some ? low : 0, some ? high : 1, 6);
    for (int i = 0; i < y.n_ticks; i++)
        widest = fmax(widest, svg_width(axis_label(&y, y.tick[i], label), LABEL));
    x.from = EDGE + widest + 8;
    axis_fit_whole(&x, (double)c->first, (double)(c->first + (c->n > 0 ? c->n - 1 : 0)), 10);

    svg_begin(t, WIDTH, height, c->title, c->desc);
    svg_text(t, EDGE, 26, &title_style, c->title);
    if (c->note)
        svg_text(t, EDGE, 46, &(struct svg_style){.size = LABEL, .kind = "bad"}, c->note);
    svg_text(t, EDGE, top - 24, &label_style, c->y_label);
    draw_legend(t, c, top - 24);
    draw_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &tick_x, c->x_label);
    if (!some)
        svg_text(t, (x.from + x.to) / 2, (y.from + y.to) / 2, &tick_x, "nothing was measured");
    else if (is_shown(c->mark, false))
        draw_mark(t, c, &x, &y);
    for (int s = 0; some && s < c->n_series; s++)
        if (c->series[s].low)
            draw_band(t, c, &c->series[s], &x, &y);
    for (int s = 0; some && s < c->n_series; s++)
        draw_curve(t, c, &c->series[s], &x, &y);
    svg_end(t);
    return t->status;
}

/* ---- points --------------------------------------------------------------- */

int chart_points(struct text *t, const struct chart_points *c)
{
    double height = 420, top = 78, low = INFINITY, high = -INFINITY, widest = 0;
    struct axis y = {.from = height - BOTTOM, .to = top};
    char label[24];

    for (int64_t i = 0; i < c->n; i++)
        if (isfinite(c->x[i]) && isfinite(c->y[i])) {
            low = fmin(low, fmin(c->x[i], c->y[i]));
            high = fmax(high, fmax(c->x[i], c->y[i]));
        }
    bool some = low <= high;
    axis_fit(&y, some ? low : 0, some ? high : 1, 6);
    for (int i = 0; i < y.n_ticks; i++)
        widest = fmax(widest, svg_width(axis_label(&y, y.tick[i], label), LABEL));
    struct axis x = y; /* alike, so that the line is straight through */
    x.from = EDGE + widest + 8;
    x.to = WIDTH - EDGE - 4;

    svg_begin(t, WIDTH, height, c->title, c->desc);
    svg_text(t, EDGE, 26, &title_style, c->title);
    svg_text(t, EDGE, top - 24, &label_style, c->y_label);
    draw_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &tick_x, c->x_label);
    if (some)
        svg_line(t, x.from, y.from, x.to, y.to, "soft", 1);
    else
        svg_text(t, (x.from + x.to) / 2, (y.from + y.to) / 2, &tick_x, "nothing was measured");
    text_add(t, "<g fill-opacity=\"0.5\">\n");
    for (int64_t i = 0; i < c->n; i++)
        if (isfinite(c->x[i]) && isfinite(c->y[i]))
            draw_dot(t, axis_at(&x, c->x[i]), axis_at(&y, c->y[i]), 0, 2.5);
    text_add(t, "</g>\n");
    svg_end(t);
    return t->status;
}

/* ---- bars ----------------------------------------------------------------- */

static void draw_bar(struct text *t, const struct chart_bar *b, const struct axis *x, double y,
                     double value_x)
{
    char name[128];
    double to = axis_at(x, isfinite(b->length) ? b->length : 0);

    svg_text(t, x->from - 10, y + 14, &(struct svg_style){LABEL, "ink", SVG_END, false, 0},
             svg_fit(name, sizeof name, b->name, LABEL, x->from - EDGE - 10));
    text_add(t,
             "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" rx=\"1.5\" "
             "class=\"s0-dot\" fill=\"%s\" fill-opacity=\"0.75\"/>\n",
             x->from, y + 4, fmax(to - x->from, 0), svg_series_colour(0));
    if (isfinite(b->low) && isfinite(b->high)) {
        double from = axis_at(x, b->low), end = axis_at(x, b->high);
        svg_line(t, from, y + 10, end, y + 10, "soft", 1.2);
        svg_line(t, from, y + 6.5, from, y + 13.5, "soft", 1.2);
        svg_line(t, end, y + 6.5, end, y + 13.5, "soft", 1.2);
    }
    svg_text(t, value_x, y + 14, &tick_y, b->value);
}

int chart_bars(struct text *t, const struct chart_bars *c)
{
    double top = 62, row = 20, names = 0, values = 0, high = 0, height;
    struct axis x = {.percent = c->percent};
    char label[24];

    for (int64_t i = 0; i < c->n; i++) {
        names = fmax(names, svg_width(c->bars[i].name, LABEL));
        values = fmax(values, svg_width(c->bars[i].value, LABEL));
        high = fmax(high, isfinite(c->bars[i].high) ? c->bars[i].high : c->bars[i].length);
    }
    height = top + row * (double)c->n + BOTTOM;
    x.from = EDGE + fmin(names, 150) + 10;
    x.to = WIDTH - EDGE - values - 14;
    axis_fit(&x, 0, high > 0 ? high : 1, 6);

    svg_begin(t, WIDTH, height, c->title, c->desc);
    svg_text(t, EDGE, 26, &title_style, c->title);
    svg_text(t, EDGE, 46, &label_style, c->x_label);
    for (int i = 0; i < x.n_ticks; i++) {
        double at = axis_at(&x, x.tick[i]);
        svg_line(t, at, top, at, height - BOTTOM + 6, "grid", 1);
        svg_text(t, at, height - BOTTOM + 22, &tick_x, axis_label(&x, x.tick[i], label));
    }
    for (int64_t i = 0; i < c->n; i++)
        draw_bar(t, &c->bars[i], &x, top + row * (double)i, WIDTH - EDGE);
    svg_line(t, x.from, top, x.from, height - BOTTOM + 6, "axis", 1);
    svg_end(t);
    return t->status;
}
