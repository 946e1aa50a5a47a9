/* chart.c - charts of lines and of points in a plane. */
#include "chart_parts.h"

#include "escape.h"

#include <math.h>
#include <stdio.h>

/* ---- what is shown -------------------------------------------------------- */

#define SERIES_MAX 16
#define DOTS_MAX   30 /* points of a curve that has a dot for each */

/* On a logarithmic scale the ratio of two of them is a number, too. */
static bool is_shown(double v, bool log) { return log ? v > 1e-100 && v < 1e100 : fabs(v) < 1e300; }

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
        for (int64_t i = 0; i < c->series[s].n; i++) {
            widen(c->series[s].y[i], c->log, low, high);
            if (c->series[s].low && isfinite(c->series[s].y[i])) {
                widen(c->series[s].low[i], c->log, low, high);
                widen(c->series[s].high[i], c->log, low, high);
            }
        }
    return *low <= *high;
}

static void x_range(const struct chart_lines *c, double *low, double *high)
{
    *low = c->x_low;
    *high = c->x_high;
    if (*low < *high)
        return;
    *low = INFINITY;
    *high = -INFINITY;
    for (int s = 0; s < c->n_series; s++)
        for (int64_t i = 0; i < c->series[s].n; i++)
            widen(c->series[s].x[i], false, low, high);
    if (!(*low <= *high))
        *low = *high = 1;
}

/* ---- curves --------------------------------------------------------------- */

static void draw_band(struct text *t, const struct chart_series *s, const struct axis *x,
                      const struct axis *y)
{
    for (int64_t i = 0, end; i < s->n; i = end + 1) {
        for (end = i; end < s->n && is_shown(s->y[end], y->log) && is_shown(s->low[end], y->log) &&
                      is_shown(s->high[end], y->log);)
            end++;
        if (end - i < 2)
            continue;
        text_add(t, "<path class=\"s%d-band\" fill=\"%s\" fill-opacity=\"0.14\" d=\"", s->look,
                 svg_series_colour(s->look));
        for (int64_t k = i; k < end; k++)
            svg_move(t, k == i ? 'M' : 'L', axis_at(x, s->x[k]), axis_at(y, s->low[k]));
        for (int64_t k = end; k-- > i;)
            svg_move(t, 'L', axis_at(x, s->x[k]), axis_at(y, s->high[k]));
        text_add(t, "Z\"/>\n");
    }
}

static void draw_dot(struct text *t, double x, double y, int look, double radius)
{
    text_add(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.4g\"", x, y, radius);
    svg_fill(t, look, 1);
    text_add(t, "/>\n");
}

static void draw_curve(struct text *t, const struct chart_series *s, const struct axis *x,
                       const struct axis *y, bool dots)
{
    bool pen = false;

    text_add(t, "<path");
    svg_stroke(t, s->look, s->faint ? 1 : 2);
    if (s->column) {
        text_add(t, " data-column=\"");
        escape_xml(t, s->column);
        text_add(t, "\"");
    }
    text_add(t, " d=\"M0 0"); /* never empty, which some readers refuse */
    for (int64_t i = 0; i < s->n; i++) {
        bool shown = is_shown(s->y[i], y->log);
        if (shown)
            svg_move(t, pen ? 'L' : 'M', axis_at(x, s->x[i]), axis_at(y, s->y[i]));
        pen = shown;
    }
    text_add(t, "\"/>\n");
    for (int64_t i = 0; i < s->n; i++) {
        bool before = i > 0 && is_shown(s->y[i - 1], y->log);
        bool after = i + 1 < s->n && is_shown(s->y[i + 1], y->log);
        if (is_shown(s->y[i], y->log) && (dots || (!before && !after)) && !(s->faint && s->low))
            draw_dot(t, axis_at(x, s->x[i]), axis_at(y, s->y[i]), s->look, s->faint ? 1.5 : 3);
    }
}

static void draw_curves(struct text *t, const struct chart_lines *c, const struct axis *x,
                        const struct axis *y)
{
    for (int s = 0; s < c->n_series; s++)
        if (c->series[s].low)
            draw_band(t, &c->series[s], x, y);
    for (int faint = 1; faint >= 0; faint--)
        for (int s = 0; s < c->n_series; s++)
            if (c->series[s].faint == (faint == 1))
                draw_curve(t, &c->series[s], x, y,
                           c->series[s].n <= DOTS_MAX && c->n_series <= 4 && !faint);
}

/* ---- marks ---------------------------------------------------------------- */

static double clamped(double v, double low, double high) { return fmin(fmax(v, low), high); }

/* Beside the line, on the side with more room; both ends of what it takes. */
static struct svg_style mark_place(const struct chart_lines *c, const struct axis *x, double *from,
                                   double *to)
{
    double at = axis_at(x, c->mark), width = svg_width(c->marked, CHART_LABEL);
    bool left = at > (x->from + x->to) / 2;

    *from = left ? at - width : at;
    *to = left ? at : at + width;
    return left ? chart_soft_end : chart_soft;
}

static void draw_mark(struct text *t, const struct chart_lines *c, const struct axis *x,
                      const struct axis *y)
{
    double at = axis_at(x, c->mark), from, to;
    struct svg_style style = mark_place(c, x, &from, &to);

    text_add(t,
             "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"soft\" "
             "stroke=\"#59636e\" stroke-width=\"1\" stroke-dasharray=\"2 3\"/>\n",
             at, y->from, at, y->to - 6);
    svg_text(t, at, y->to - 9, &style, c->marked);
}

static void draw_shade(struct text *t, const struct chart_lines *c, const struct axis *x,
                       const struct axis *y)
{
    double from = axis_at(x, c->shade_from), to = axis_at(x, c->shade_to);
    double half = svg_width(c->shaded, CHART_LABEL) / 2;

    text_add(t,
             "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"h-mute\" "
             "fill=\"#dfe3e8\" fill-opacity=\"0.5\"/>\n",
             from, y->to, to - from, y->from - y->to);
    svg_text(t, clamped((from + to) / 2, x->from + half + 4, x->to - half - 2), y->from - 7,
             &chart_soft_middle, c->shaded);
}

static void draw_level(struct text *t, const struct chart_lines *c, const struct axis *x,
                       const struct axis *y)
{
    double at = axis_at(y, c->level);

    if (c->level < y->low || c->level > y->high)
        return;
    svg_line(t, x->from, at, x->to, at, "soft", 1);
    if (c->level_name)
        svg_text(t, x->to - 4, at < y->to + 20 ? at + 15 : at - 5, &chart_soft_end, c->level_name);
}

/* ---- lines ---------------------------------------------------------------- */

static int keys_of(const struct chart_lines *c, struct chart_key out[SERIES_MAX])
{
    int n = 0;

    for (int s = 0; c->n_series > 1 && s < c->n_series && s < SERIES_MAX; s++)
        if (c->series[s].name)
            out[n++] = (struct chart_key){c->series[s].name, c->series[s].look,
                                          !c->series[s].faint ? KEY_LINE
                                          : c->series[s].low  ? KEY_BAND
                                                              : KEY_THIN};
    return n;
}

/* For the page's script. */
static void describe(char *out, size_t size, const struct axis *x, const struct axis *y)
{
    snprintf(out, size,
             " data-chart=\"lines\" data-x=\"%.1f %.1f %.9g %.9g\" data-y=\"%.1f %.1f %.9g %.9g\" "
             "data-log=\"%d\" data-percent=\"%d\"",
             x->from, x->to, x->low, x->high, y->from, y->to, y->low, y->high, y->log, y->percent);
}

static void fit_x(struct axis *x, const struct chart_lines *c)
{
    double low, high;
    char room[24];

    x_range(c, &low, &high);
    x->percent = c->x_percent;
    snprintf(room, sizeof room, c->x_percent ? "100 %%" : "%.0f", high);
    double label = svg_width(room, CHART_LABEL) + 14;
    int most = (int)clamped((x->to - x->from) / label, 2, 10);
    if (c->whole)
        axis_fit_whole(x, low, high, most);
    else
        axis_fit_exact(x, low, high > low ? high : low + 1, most);
}

int chart_lines(struct text *t, const struct chart_lines *c)
{
    struct chart_key keys[SERIES_MAX];
    int n_keys = keys_of(c, keys);
    double low, high, from, to, label_y, height;
    struct axis x = {.to = CHART_RIGHT}, y = {.log = c->log, .percent = c->percent};
    bool some = range_of(c, &low, &high), marked = some && c->marked && isfinite(c->mark);
    char attributes[256];

    label_y = chart_keys(NULL, keys, n_keys, chart_head(NULL, &c->head)) + (c->y_label ? 24 : 6);
    height = (c->height > 0 ? c->height : 320) + fmax(0, label_y - 72);
    y.from = height - CHART_BOTTOM;
    y.to = label_y + 12;
    axis_fit(&y,
             some     ? low
             : c->log ? 0.1
                      : 0,
             some ? high : 1, (int)clamped((y.from - y.to) / 28, 2, 6));
    x.from = chart_left(&y);
    fit_x(&x, c);
    if (marked) {
        mark_place(c, &x, &from, &to);
        y.to += c->y_label && from < CHART_EDGE + svg_width(c->y_label, CHART_LABEL) + 12 ? 20 : 6;
    }

    describe(attributes, sizeof attributes, &x, &y);
    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, attributes);
    chart_keys(t, keys, n_keys, chart_head(t, &c->head));
    if (c->y_label)
        svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    if (some && c->shade_to > c->shade_from)
        draw_shade(t, c, &x, &y);
    chart_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    if (!some)
        svg_text(t, (x.from + x.to) / 2, (y.from + y.to) / 2, &chart_soft_middle,
                 "nothing was measured");
    if (marked)
        draw_mark(t, c, &x, &y);
    if (some && isfinite(c->level))
        draw_level(t, c, &x, &y);
    if (some)
        draw_curves(t, c, &x, &y);
    svg_end(t);
    return t->status;
}

/* ---- points --------------------------------------------------------------- */

int chart_points(struct text *t, const struct chart_points *c)
{
    double low = INFINITY, high = -INFINITY, label_y = chart_head(NULL, &c->head) + 24;
    double height = label_y + 368;
    struct axis y = {.from = height - CHART_BOTTOM, .to = label_y + 12};

    for (int64_t i = 0; i < c->n; i++)
        if (is_shown(c->x[i], false) && is_shown(c->y[i], false)) {
            low = fmin(low, fmin(c->x[i], c->y[i]));
            high = fmax(high, fmax(c->x[i], c->y[i]));
        }
    bool some = low <= high;
    axis_fit(&y, some ? low : 0, some ? high : 1, 6);
    struct axis x = y; /* alike, so that the line is straight through */
    x.from = chart_left(&y);
    x.to = CHART_RIGHT;

    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_head(t, &c->head);
    svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    chart_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    if (some)
        svg_line(t, x.from, y.from, x.to, y.to, "soft", 1);
    else
        svg_text(t, (x.from + x.to) / 2, (y.from + y.to) / 2, &chart_soft_middle,
                 "nothing was measured");
    text_add(t, "<g fill-opacity=\"0.5\">\n");
    for (int64_t i = 0; i < c->n; i++)
        if (is_shown(c->x[i], false) && is_shown(c->y[i], false))
            draw_dot(t, axis_at(&x, c->x[i]), axis_at(&y, c->y[i]), 0, 2.5);
    text_add(t, "</g>\n");
    svg_end(t);
    return t->status;
}
