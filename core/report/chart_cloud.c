/* chart_cloud.c - points of many runs: numbers or names across, intervals, a line through some. */
#include "chart_parts.h"

#include "escape.h"

#include <math.h>

#define PLOT 260.0 /* px of height */

static bool is_shown(const struct chart_cloud *c, const struct chart_mark *m)
{
    return isfinite(m->x) && isfinite(m->y) && (!c->x_log || m->x > 0);
}

static void range(const struct chart_cloud *c, bool of_y, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < c->n; i++) {
        const struct chart_mark *m = &c->marks[i];
        double v = of_y ? m->y : m->x;
        if (!is_shown(c, m))
            continue;
        *low = fmin(*low, v);
        *high = fmax(*high, v);
    }
    if (*low > *high)
        *low = c->x_log && !of_y ? 0.1 : 0, *high = 1;
    double span = *high - *low, from = *low, to = *high; /* intervals may be many times as wide */
    for (int64_t i = 0; of_y && i < c->n; i++) {
        const struct chart_mark *m = &c->marks[i];
        from = isfinite(m->low) ? fmin(from, fmax(m->low, *low - span)) : from;
        to = isfinite(m->high) ? fmax(to, fmin(m->high, *high + span)) : to;
    }
    *low = from;
    *high = to;
}

static void put_names(struct text *t, const struct chart_cloud *c, const struct axis *x, double y)
{
    double room = fabs(x->to - x->from) / (double)c->n_names - 6;
    char cut[256];

    for (int64_t i = 0; i < c->n_names; i++)
        svg_text(t, axis_at(x, (double)i), y, &chart_soft_middle,
                 svg_fit(cut, sizeof cut, c->names[i], CHART_LABEL, room));
}

static void put_mark(struct text *t, const struct chart_mark *m, const struct axis *x,
                     const struct axis *y)
{
    double at = axis_at(x, m->x), low = fmax(m->low, y->low), high = fmin(m->high, y->high);

    text_add(t, m->faint ? "<g opacity=\"0.55\">" : "<g>");
    if (m->tip) {
        text_add(t, "<title>");
        escape_xml(t, m->tip);
        text_add(t, "</title>");
    }
    text_add(t, "\n");
    if (isfinite(m->low) && isfinite(m->high) && low <= high)
        svg_line(t, at, axis_at(y, low), at, axis_at(y, high), "soft", 1.5);
    chart_sign(t, m->form, m->look, at, axis_at(y, m->y));
    text_add(t, "</g>\n");
}

static void put_line(struct text *t, const struct chart_cloud *c, const struct axis *x,
                     const struct axis *y)
{
    text_add(t, "<path");
    svg_stroke(t, c->line_look, 1.5);
    text_add(t, " d=\"M0 0");
    for (int64_t i = 0; i < c->n_line; i++) {
        double at = axis_at(x, c->line_x[i]), up = axis_at(y, c->line_y[i]);
        if (c->steps && i)
            svg_move(t, 'L', at, axis_at(y, c->line_y[i - 1]));
        svg_move(t, i ? 'L' : 'M', at, up);
    }
    text_add(t, "\"/>\n");
}

int chart_cloud(struct text *t, const struct chart_cloud *c)
{
    struct axis x = {.to = CHART_RIGHT, .log = c->x_log, .percent = c->x_percent};
    struct axis y = {.percent = c->percent};
    double low, high, a, b;
    double label_y = chart_keys(NULL, c->keys, c->n_keys, chart_head(NULL, &c->head)) + 24;
    double height = label_y + PLOT;

    y.from = height - CHART_BOTTOM;
    y.to = label_y + 12;
    range(c, true, &low, &high);
    range(c, false, &a, &b);
    if (c->diagonal)
        low = a = fmin(low, a), high = b = fmax(high, b);
    axis_fit(&y, low, high, 6);
    x.from = chart_left(&y);
    if (c->n_names)
        x.low = -0.5, x.high = (double)c->n_names - 0.5;
    else
        axis_fit(&x, a, b, 5);

    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_keys(t, c->keys, c->n_keys, chart_head(t, &c->head));
    svg_text(t, CHART_EDGE, label_y, &chart_soft, c->y_label);
    chart_axes(t, &x, &y);
    if (c->n_names)
        put_names(t, c, &x, y.from + 19);
    svg_text(t, (x.from + x.to) / 2, height - 8, &chart_soft_middle, c->x_label);
    if (c->diagonal)
        svg_line(t, axis_at(&x, low), axis_at(&y, low), axis_at(&x, high), axis_at(&y, high),
                 "soft", 1);
    if (c->n_line > 1)
        put_line(t, c, &x, &y);
    for (int faint = 1; faint >= 0; faint--)
        for (int64_t i = 0; i < c->n; i++)
            if (c->marks[i].faint == (faint == 1) && is_shown(c, &c->marks[i]))
                put_mark(t, &c->marks[i], &x, &y);
    svg_end(t);
    return t->status;
}

/* ---- parallel coordinates ------------------------------------------------- */

static void put_path(struct text *t, const struct chart_parallel *c, const struct chart_path *p,
                     double top, double bottom)
{
    bool pen = false;

    text_add(t, "<path");
    svg_stroke(t, p->look, p->faint ? 1 : 2);
    text_add(t, " d=\"M0 0");
    for (int i = 0; i < c->n_axes; i++) {
        double at = CHART_LEFT + (CHART_RIGHT - 24 - CHART_LEFT) * i / fmax(c->n_axes - 1, 1);
        if (isfinite(p->at[i]))
            svg_move(t, pen ? 'L' : 'M', at, bottom + (top - bottom) * p->at[i]);
        pen = isfinite(p->at[i]);
    }
    text_add(t, "\">");
    if (p->tip) {
        text_add(t, "<title>");
        escape_xml(t, p->tip);
        text_add(t, "</title>");
    }
    text_add(t, "</path>\n");
}

int chart_parallel(struct text *t, const struct chart_parallel *c)
{
    double top = chart_keys(NULL, c->keys, c->n_keys, chart_head(NULL, &c->head)) + 60;
    double bottom = top + 240, step = (CHART_RIGHT - 24 - CHART_LEFT) / fmax(c->n_axes - 1, 1);
    char cut[256];

    svg_begin(t, CHART_WIDTH, bottom + 32, c->head.title, c->head.desc, NULL);
    chart_keys(t, c->keys, c->n_keys, chart_head(t, &c->head));
    for (int faint = 1; faint >= 0; faint--)
        for (int64_t i = 0; i < c->n; i++)
            if (c->paths[i].faint == (faint == 1))
                put_path(t, c, &c->paths[i], top, bottom);
    for (int i = 0; i < c->n_axes; i++) {
        const struct chart_parallel_axis *a = &c->axes[i];
        double at = CHART_LEFT + step * i, room = fmin(step - 8, 120);
        double up = c->n_axes > 3 && i % 2 ? 36 : 20; /* names in two lines, so that they fit */
        room = c->n_axes > 3 ? fmin(2 * step - 8, 120) : room;
        svg_line(t, at, top, at, bottom, "axis", 1);
        svg_text(t, at, top - up, &(struct svg_style){CHART_LABEL, "ink", SVG_MIDDLE, false, 0},
                 svg_fit(cut, sizeof cut, a->name, CHART_LABEL, room));
        svg_text(t, at, top - 5, &(struct svg_style){11, "soft", SVG_MIDDLE, false, 0},
                 svg_fit(cut, sizeof cut, a->high, 11, step - 8));
        svg_text(t, at, bottom + 16, &(struct svg_style){11, "soft", SVG_MIDDLE, false, 0},
                 svg_fit(cut, sizeof cut, a->low, 11, step - 8));
    }
    svg_end(t);
    return t->status;
}
