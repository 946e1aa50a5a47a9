/* chart_scatter.c - a few named points, one for each run: what a better score costs. */
#include "chart_parts.h"

#include <math.h>
#include <string.h>

static bool is_shown(const struct chart_scatter *c, int i)
{
    return isfinite(c->points[i].x) && isfinite(c->points[i].y);
}

static void range(const struct chart_scatter *c, bool of_y, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < c->n; i++)
        if (is_shown(c, i)) {
            const struct chart_point *p = &c->points[i];
            bool band = of_y && isfinite(p->low) && isfinite(p->high);
            *low = fmin(*low, band ? p->low : of_y ? p->y : p->x);
            *high = fmax(*high, band ? p->high : of_y ? p->y : p->x);
        }
    if (*low > *high)
        *low = 0, *high = 1;
}

int chart_scatter(struct text *t, const struct chart_scatter *c)
{
    struct chart_key keys[CHART_SCATTER_MAX];
    int n = c->n < CHART_SCATTER_MAX ? c->n : CHART_SCATTER_MAX;
    struct axis x = {.to = CHART_RIGHT, .percent = c->x_percent}, y = {.percent = c->percent};
    double low, high;

    for (int i = 0; i < n; i++)
        keys[i] = (struct chart_key){c->points[i].name, i % SVG_SERIES, KEY_DOT};
    double label_y = chart_keys(NULL, keys, n, chart_head(NULL, &c->head)) + 24;
    double height = label_y + 260;
    y.from = height - CHART_BOTTOM;
    y.to = label_y + 12;
    range(c, true, &low, &high);
    if (c->diagonal) {
        double a, b;
        range(c, false, &a, &b);
        low = fmin(low, a);
        high = fmax(high, b);
    }
    axis_fit(&y, low, high, 6);
    x.from = chart_left(&y);
    if (!c->diagonal)
        range(c, false, &low, &high);
    axis_fit(&x, low, high, 6);

    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_keys(t, keys, n, chart_head(t, &c->head));
    svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    chart_axes(t, &x, &y);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    if (c->diagonal)
        svg_line(t, axis_at(&x, low), axis_at(&y, low), axis_at(&x, high), axis_at(&y, high),
                 "soft", 1);
    for (int i = 0; i < n; i++) {
        const struct chart_point *p = &c->points[i];
        if (!is_shown(c, i))
            continue;
        if (isfinite(p->low) && isfinite(p->high))
            svg_line(t, axis_at(&x, p->x), axis_at(&y, p->low), axis_at(&x, p->x),
                     axis_at(&y, p->high), "soft", 1.5);
        chart_sign(t, KEY_DOT, i % SVG_SERIES, axis_at(&x, p->x), axis_at(&y, p->y));
    }
    svg_end(t);
    return t->status;
}
