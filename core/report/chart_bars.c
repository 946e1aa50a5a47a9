/* chart_bars.c - charts with a row for each name: bars that lie, dots, and strips. */
#include "chart_parts.h"

#include <math.h>

#define NAME_MOST 150.0 /* px of a name; the rest is cut */
#define ROW       22.0

static const struct svg_style row_name = {.size = CHART_LABEL, .kind = "ink", .anchor = SVG_END};

/* What rows have in common: names at the left, a scale below, grid lines behind. */
struct rows {
    struct axis x;
    double top, height;
    int64_t n;
};

static double names_width(double longest) { return CHART_EDGE + fmin(longest, NAME_MOST) + 10; }

static int ticks_that_fit(const struct axis *x)
{
    return (int)fmin(fmax((x->to - x->from) / 62, 2), 6);
}

static void rows_begin(struct text *t, const struct rows *r, const struct chart_head *h,
                       const struct chart_key *keys, int n_keys)
{
    double bottom = r->top + ROW * (double)r->n + 6;
    char label[24];

    svg_begin(t, CHART_WIDTH, r->height, h->title, h->desc, NULL);
    chart_keys(t, keys, n_keys, chart_head(t, h));
    for (int i = 0; i < r->x.n_ticks; i++) {
        double at = axis_at(&r->x, r->x.tick[i]);
        axis_label(&r->x, r->x.tick[i], label);
        svg_line(t, at, r->top, at, bottom, "grid", 1);
        if (at + svg_width(label, CHART_LABEL) / 2 < CHART_WIDTH - 8)
            svg_text(t, at, bottom + 17, &chart_soft_middle, label);
        else /* in sight whatever the font */
            svg_text(t, CHART_WIDTH - 2, bottom + 17, &chart_soft_end, label);
    }
}

static double rows_height(const struct rows *r) { return r->top + ROW * (double)r->n + 36; }

static void put_name(struct text *t, const struct rows *r, double y, const char *name)
{
    char cut[256];

    svg_text(t, r->x.from - 10, y + ROW / 2 + CHART_LABEL * 0.36, &row_name,
             svg_fit(cut, sizeof cut, name, CHART_LABEL, r->x.from - CHART_EDGE - 9.99));
}

static void put_interval(struct text *t, const struct axis *x, double low, double high, double y)
{
    double from = axis_at(x, low), to = axis_at(x, high);

    if (!isfinite(low) || !isfinite(high))
        return;
    svg_line(t, from, y, to, y, "soft", 1.2);
    svg_line(t, from, y - 3.5, from, y + 3.5, "soft", 1.2);
    svg_line(t, to, y - 3.5, to, y + 3.5, "soft", 1.2);
}

/* ---- bars ----------------------------------------------------------------- */

static double bar_length(const struct chart_bar *b)
{
    double sum = 0;

    for (int k = 0; k < CHART_PARTS; k++)
        sum += isfinite(b->part[k]) ? b->part[k] : 0;
    return sum;
}

static void draw_bar(struct text *t, const struct rows *r, const struct chart_bar *b, double y)
{
    double at = 0;

    put_name(t, r, y, b->name);
    for (int k = 0; k < CHART_PARTS; k++) {
        double from = axis_at(&r->x, at);
        at += isfinite(b->part[k]) ? b->part[k] : 0;
        double width = axis_at(&r->x, at) - from;
        if (width < 0.05)
            continue;
        text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\"", from, y + 5, width);
        svg_fill(t, k, 0.75);
        text_add(t, "/>\n");
    }
    put_interval(t, &r->x, b->low, b->high, y + ROW / 2);
    svg_text(t, CHART_WIDTH - CHART_EDGE, y + ROW / 2 + CHART_LABEL * 0.36, &chart_soft_end,
             b->value);
}

static void draw_levels(struct text *t, const struct rows *r, const struct chart_bars *c)
{
    for (int i = 0; i < c->n_levels; i++) {
        text_add(t, "<path d=\"M%.1f %.1fV%.1f\"", axis_at(&r->x, c->levels[i].at), r->top,
                 r->top + ROW * (double)c->n + 6);
        svg_stroke(t, c->levels[i].look, 1.5);
        text_add(t, "/>\n");
    }
}

int chart_bars(struct text *t, const struct chart_bars *c)
{
    struct rows r = {.n = c->n, .x.percent = c->percent};
    struct chart_key keys[CHART_PARTS + CHART_LEVELS_MAX];
    double names = 0, values = 0, high = 0;
    int n_keys = 0;

    for (int k = 0; k < CHART_PARTS; k++)
        if (c->part_names[k])
            keys[n_keys++] = (struct chart_key){c->part_names[k], k, KEY_BOX};
    for (int i = 0; i < c->n_levels; i++) {
        keys[n_keys++] = (struct chart_key){c->levels[i].name, c->levels[i].look, KEY_LINE};
        high = fmax(high, c->levels[i].at);
    }
    for (int64_t i = 0; i < c->n; i++) {
        names = fmax(names, svg_width(c->bars[i].name, CHART_LABEL));
        values = fmax(values, svg_width(c->bars[i].value, CHART_LABEL));
        high = fmax(high, isfinite(c->bars[i].high) ? c->bars[i].high : bar_length(&c->bars[i]));
    }
    r.top = chart_keys(NULL, keys, n_keys, chart_head(NULL, &c->head)) + 14;
    r.height = rows_height(&r);
    r.x.from = names_width(names);
    r.x.to = CHART_WIDTH - CHART_EDGE - values - 20;
    axis_fit(&r.x, 0, high > 0 ? high : 1, ticks_that_fit(&r.x));

    rows_begin(t, &r, &c->head, keys, n_keys);
    for (int64_t i = 0; i < c->n; i++)
        draw_bar(t, &r, &c->bars[i], r.top + ROW * (double)i);
    draw_levels(t, &r, c);
    svg_line(t, r.x.from, r.top, r.x.from, r.top + ROW * (double)c->n + 6, "axis", 1);
    svg_end(t);
    return t->status;
}

/* ---- dots ----------------------------------------------------------------- */

static const enum key_form forms[CHART_PARTS] = {KEY_DOT, KEY_DIAMOND, KEY_TICK};

int chart_dots(struct text *t, const struct chart_dots *c)
{
    struct rows r = {.n = c->n, .x = {.percent = true, .to = CHART_RIGHT}};
    struct chart_key keys[CHART_PARTS];
    double names = 0, low = INFINITY, high = 0;

    for (int k = 0; k < CHART_PARTS; k++)
        keys[k] = (struct chart_key){c->names[k], k, forms[k]};
    for (int64_t i = 0; i < c->n; i++) {
        const struct chart_dots_row *row = &c->rows[i];
        names = fmax(names, svg_width(row->name, CHART_LABEL));
        low = fmin(low, isfinite(row->low) ? row->low : INFINITY);
        high = fmax(high, isfinite(row->high) ? row->high : 0);
        for (int k = 0; k < CHART_PARTS; k++)
            if (isfinite(row->value[k])) {
                low = fmin(low, row->value[k]);
                high = fmax(high, row->value[k]);
            }
    }
    r.top = chart_keys(NULL, keys, CHART_PARTS, chart_head(NULL, &c->head)) + 14;
    r.height = rows_height(&r);
    r.x.from = names_width(names);
    axis_fit(&r.x, low <= high ? low : 0, low <= high ? high : 1, ticks_that_fit(&r.x));

    rows_begin(t, &r, &c->head, keys, CHART_PARTS);
    for (int64_t i = 0; i < c->n; i++) {
        const struct chart_dots_row *row = &c->rows[i];
        double y = r.top + ROW * (double)i;
        put_name(t, &r, y, row->name);
        put_interval(t, &r.x, row->low, row->high, y + ROW / 2);
        for (int k = CHART_PARTS; k-- > 0;)
            if (isfinite(row->value[k]))
                chart_sign(t, forms[k], k, axis_at(&r.x, row->value[k]), y + ROW / 2);
    }
    svg_end(t);
    return t->status;
}

/* ---- strips --------------------------------------------------------------- */

/* What dots cover, and of intervals as much again at each side: one over two values may be many
 * times as wide. */
static void strips_range(const struct chart_strips *c, double *low, double *high)
{
    double from = INFINITY, to = -INFINITY;

    *low = isfinite(c->level) ? c->level : INFINITY;
    *high = isfinite(c->level) ? c->level : -INFINITY;
    for (int64_t i = 0; i < c->n; i++) {
        const struct chart_strip *s = &c->strips[i];
        for (int64_t k = 0; k < s->n; k++)
            if (isfinite(s->x[k])) {
                *low = fmin(*low, s->x[k]);
                *high = fmax(*high, s->x[k]);
            }
        from = isfinite(s->low) ? fmin(from, s->low) : from;
        to = isfinite(s->high) ? fmax(to, s->high) : to;
    }
    if (*low > *high)
        *low = 0, *high = 1;
    double span = *high - *low;
    *low = fmin(*low, fmax(from, *low - span));
    *high = fmax(*high, fmin(to, *high + span));
}

static void draw_strip(struct text *t, const struct rows *r, const struct chart_strip *s, double y)
{
    double left = fmax(s->low, r->x.low), right = fmin(s->high, r->x.high);

    put_name(t, r, y, s->name);
    y += ROW / 2;
    if (isfinite(s->low) && isfinite(s->high) && left <= right) {
        double from = axis_at(&r->x, left), to = axis_at(&r->x, right);
        svg_line(t, from, y, to, y, "soft", 1.2);
        if (left == s->low)
            svg_line(t, from, y - 3.5, from, y + 3.5, "soft", 1.2);
        if (right == s->high)
            svg_line(t, to, y - 3.5, to, y + 3.5, "soft", 1.2);
    }
    for (int64_t k = 0; k < s->n; k++) {
        if (!isfinite(s->x[k]))
            continue;
        text_add(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"", axis_at(&r->x, s->x[k]), y);
        svg_fill(t, s->look, 0.45);
        text_add(t, "/>\n");
    }
    if (isfinite(s->mean))
        chart_sign(t, KEY_DIAMOND, s->look, axis_at(&r->x, s->mean), y);
}

int chart_strips(struct text *t, const struct chart_strips *c)
{
    struct rows r = {.n = c->n, .x = {.percent = c->percent, .to = CHART_RIGHT}};
    double names = 0, low, high;

    for (int64_t i = 0; i < c->n; i++)
        names = fmax(names, svg_width(c->strips[i].name, CHART_LABEL));
    r.top = chart_head(NULL, &c->head) + 14;
    r.height = rows_height(&r) + 16;
    r.x.from = names_width(names);
    strips_range(c, &low, &high);
    axis_fit(&r.x, low, high, ticks_that_fit(&r.x));

    rows_begin(t, &r, &c->head, NULL, 0);
    if (isfinite(c->level))
        svg_line(t, axis_at(&r.x, c->level), r.top, axis_at(&r.x, c->level),
                 r.top + ROW * (double)c->n + 6, "axis", 1.5);
    for (int64_t i = 0; i < c->n; i++)
        draw_strip(t, &r, &c->strips[i], r.top + ROW * (double)i);
    svg_text(t, (r.x.from + r.x.to) / 2, r.height - 8, &chart_soft_middle, c->x_label);
    svg_end(t);
    return t->status;
}
