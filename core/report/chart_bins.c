/* chart_bins.c - charts of numbers in bins: columns, a reliability diagram, outlines of
 * histograms. */
#include "chart_parts.h"

#include <math.h>

/* ---- columns -------------------------------------------------------------- */

static void draw_column(struct text *t, const struct axis *x, const struct axis *y, double from,
                        double to, double value, int look)
{
    double top = axis_at(y, value), left = axis_at(x, from), width = axis_at(x, to) - left;

    if (!isfinite(value) || y->from - top < 0.05)
        return;
    text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", left, top, width,
             y->from - top);
    svg_fill(t, look, 0.75);
    text_add(t, "/>\n");
}

int chart_bins(struct text *t, const struct chart_bins *c)
{
    const struct chart_key keys[2] = {{c->names[0], 0, KEY_BOX}, {c->names[1], 1, KEY_BOX}};
    struct axis x = {.to = CHART_RIGHT, .percent = true}, y = {.percent = true};
    double label_y = chart_keys(NULL, keys, 2, chart_head(NULL, &c->head)) + 24, most = 0;

    for (int i = 0; i < 2 * c->n; i++)
        if (isfinite(c->share[i / c->n][i % c->n]))
            most = fmax(most, c->share[i / c->n][i % c->n]);
    y.to = label_y + 12;
    y.from = y.to + 190;
    axis_fit(&y, 0, most > 0 ? most : 1, 6);
    x.from = chart_left(&y);
    axis_fit_exact(&x, 0, 1, 6);

    double height = y.from + CHART_BOTTOM;
    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_keys(t, keys, 2, chart_head(t, &c->head));
    svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    chart_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < 2; k++) {
            double from = (i + 0.1 + 0.4 * k) / c->n;
            draw_column(t, &x, &y, from, from + 0.4 / c->n, c->share[k][i], k);
        }
    svg_end(t);
    return t->status;
}

/* ---- reliability ---------------------------------------------------------- */

static void draw_reliability(struct text *t, const struct chart_reliability *c,
                             const struct axis *x, const struct axis *y)
{
    bool pen = false;

    text_add(t,
             "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"soft\" "
             "stroke=\"#59636e\" stroke-width=\"1\" stroke-dasharray=\"2 3\"/>\n",
             x->from, y->from, x->to, y->to);
    text_add(t, "<path");
    svg_stroke(t, 0, 2);
    text_add(t, " d=\"M0 0");
    for (int i = 0; i < c->n; i++)
        if (isfinite(c->x[i]) && isfinite(c->y[i])) {
            svg_move(t, pen ? 'L' : 'M', axis_at(x, c->x[i]), axis_at(y, c->y[i]));
            pen = true;
        }
    text_add(t, "\"/>\n");
    for (int i = 0; i < c->n; i++) {
        if (!isfinite(c->x[i]) || !isfinite(c->y[i]))
            continue;
        double at = axis_at(x, c->x[i]), low = axis_at(y, c->low[i]), high = axis_at(y, c->high[i]);
        svg_line(t, at, low, at, high, "soft", 1.2);
        svg_line(t, at - 3, low, at + 3, low, "soft", 1.2);
        svg_line(t, at - 3, high, at + 3, high, "soft", 1.2);
        chart_sign(t, KEY_DOT, 0, at, axis_at(y, c->y[i]));
    }
}

int chart_reliability(struct text *t, const struct chart_reliability *c)
{
    double label_y = chart_head(NULL, &c->head) + 24, most = 0;
    struct axis x = {.to = CHART_RIGHT, .percent = true}, y = {.percent = true};
    struct axis count = {.log = true}; /* most samples are in one bin; the others count, too */

    for (int i = 0; i < c->n; i++)
        most = fmax(most, (double)c->count[i]);
    y.to = label_y + 12;
    y.from = y.to + 280;
    axis_fit_exact(&y, 0, 1, 6);
    count.to = y.from + 62; /* the counts hang below ticks and label */
    count.from = count.to + 60;
    axis_fit(&count, 1, fmax(most, 2), 3);
    x.from = chart_left(&count);
    axis_fit_exact(&x, 0, 1, 6);

    double height = count.from + CHART_BOTTOM;
    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_head(t, &c->head);
    svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    struct axis bare = x;
    bare.n_ticks = 0;
    chart_axes(t, &bare, &y);
    draw_reliability(t, c, &x, &y);
    svg_text(t, CHART_EDGE, count.to - 14, &chart_soft, c->count_label);
    chart_axes(t, &x, &count);
    for (int i = 0; i < c->n; i++)
        draw_column(t, &x, &count, (i + 0.1) / c->n, (i + 0.9) / c->n, (double)c->count[i], 6);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    svg_end(t);
    return t->status;
}

/* ---- outlines ------------------------------------------------------------- */

#define PANEL_GAP    28.0
#define PANEL_WIDTH  ((CHART_WIDTH - 2 * CHART_EDGE - PANEL_GAP) / 2)
#define PANEL_HEIGHT 78.0 /* of the plot */
#define PANEL_PITCH  136.0

static void draw_outline(struct text *t, const struct chart_histogram *h, int k, int n,
                         const struct axis *x, const struct axis *y)
{
    text_add(t, "<path");
    svg_stroke(t, k, k == 0 ? 1.2 : 1.8);
    text_add(t, " d=\"M%.1f %.1f", axis_at(x, h->least[k]), y->from);
    for (int i = 0; i < n; i++) {
        double wide = (h->most[k] - h->least[k]) / n;
        text_add(t, "V%.1fH%.1f", axis_at(y, wide > 0 ? h->share[k][i] / wide : 0),
                 axis_at(x, h->least[k] + wide * (i + 1)));
    }
    text_add(t, "V%.1f\"/>\n", y->from);
}

static void draw_panel(struct text *t, const struct chart_histograms *c,
                       const struct chart_histogram *h, double left, double top)
{
    struct axis x = {.from = left, .to = left + PANEL_WIDTH};
    struct axis y = {.from = top + 20 + PANEL_HEIGHT, .to = top + 20};
    double low = INFINITY, high = -INFINITY, most = 0;
    char name[256], label[24];

    for (int k = 0; k < CHART_PARTS; k++) {
        if (!h->share[k])
            continue;
        double wide = (h->most[k] - h->least[k]) / c->n;
        low = fmin(low, h->least[k]);
        high = fmax(high, h->most[k]);
        for (int i = 0; wide > 0 && i < c->n; i++)
            most = fmax(most, h->share[k][i] / wide);
    }
    svg_text(t, left, top + 12, &(struct svg_style){.size = CHART_LABEL, .kind = "ink"},
             svg_fit(name, sizeof name, h->name, CHART_LABEL, PANEL_WIDTH));
    if (!(low < high)) {
        svg_text(t, left, top + 34, &chart_soft, "all the same value");
        return;
    }
    axis_fit_exact(&x, low, high, 4);
    y.high = most > 0 ? most * 1.04 : 1;
    svg_line(t, x.from, y.from, x.to, y.from, "axis", 1);
    for (int i = 0; i < x.n_ticks; i++) {
        double at = axis_at(&x, x.tick[i]);
        double half = svg_width(axis_label(&x, x.tick[i], label), CHART_LABEL) / 2;
        svg_line(t, at, y.from, at, y.from + 4, "axis", 1);
        if (at - half >= x.from - 8 && at + half <= x.to + 8)
            svg_text(t, at, y.from + 19, &chart_soft_middle, label);
    }
    for (int k = 0; k < CHART_PARTS; k++)
        if (h->share[k])
            draw_outline(t, h, k, c->n, &x, &y);
}

int chart_histograms(struct text *t, const struct chart_histograms *c)
{
    struct chart_key keys[CHART_PARTS];
    int n_keys = 0;

    for (int k = 0; k < CHART_PARTS; k++)
        if (c->names[k])
            keys[n_keys++] = (struct chart_key){c->names[k], k, KEY_LINE};
    double top = chart_keys(NULL, keys, n_keys, chart_head(NULL, &c->head)) + 18;
    svg_begin(t, CHART_WIDTH, top + PANEL_PITCH * (double)((c->n_parts + 1) / 2), c->head.title,
              c->head.desc, NULL);
    chart_keys(t, keys, n_keys, chart_head(t, &c->head));
    for (int64_t i = 0; i < c->n_parts; i++)
        draw_panel(t, c, &c->parts[i], CHART_EDGE + (PANEL_WIDTH + PANEL_GAP) * (double)(i % 2),
                   top + PANEL_PITCH * (double)(i / 2));
    svg_end(t);
    return t->status;
}
