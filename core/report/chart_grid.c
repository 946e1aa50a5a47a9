/* chart_grid.c - a heat map of two axes: a cell for each pair of their values. */
#include "chart_parts.h"

#include <math.h>
#include <stdio.h>

#define NAME_MOST 110.0 /* px of a name; the rest is cut */

static void put_cell(struct text *t, const struct chart_grid *c, int64_t row, int64_t col, double x,
                     double y, double w, double h, double low, double high)
{
    int64_t i = row * c->n_cols + col;
    double v = c->values[i], share = high > low ? (v - low) / (high - low) : 0.5;
    int level = isfinite(v) ? (int)fmin(fmax(share, 0) * SVG_HEAT, SVG_HEAT - 1) : -1;
    char kind[8] = "soft";

    svg_cell(t, x, y, w - 1, h - 1, level, NULL, c->tips[i]);
    if (level >= 0)
        snprintf(kind, sizeof kind, "t%d", level);
    double font = fmin(12, 12 * (w - 4) / fmax(svg_width(c->words[i], 12), 1));
    if (font >= 7)
        svg_text(t, x + w / 2, y + h / 2 + font * 0.36,
                 &(struct svg_style){font, kind, SVG_MIDDLE, false, 0}, c->words[i]);
}

int chart_grid(struct text *t, const struct chart_grid *c)
{
    const struct svg_style name = {CHART_LABEL, "ink", SVG_END, false, 0};
    double longest = 0, low = INFINITY, high = -INFINITY, head = chart_head(NULL, &c->head);
    char cut[256];

    for (int64_t i = 0; i < c->n_rows; i++)
        longest = fmax(longest, svg_width(c->rows[i], CHART_LABEL));
    for (int64_t i = 0; i < c->n_rows * c->n_cols; i++) {
        low = isfinite(c->values[i]) ? fmin(low, c->values[i]) : low;
        high = isfinite(c->values[i]) ? fmax(high, c->values[i]) : high;
    }
    double left = CHART_EDGE + fmin(longest, NAME_MOST) + 10, top = head + 28;
    double w = fmin((CHART_RIGHT - left) / (double)c->n_cols, 110), h = 30;
    double bottom = top + h * (double)c->n_rows;

    svg_begin(t, CHART_WIDTH, bottom + 48, c->head.title, c->head.desc, NULL);
    chart_head(t, &c->head);
    svg_text(t, CHART_EDGE, top - 8, &chart_soft, c->row_label);
    for (int64_t r = 0; r < c->n_rows; r++)
        svg_text(t, left - 8, top + h * ((double)r + 0.5) + CHART_LABEL * 0.36, &name,
                 svg_fit(cut, sizeof cut, c->rows[r], CHART_LABEL, NAME_MOST));
    for (int64_t r = 0; r < c->n_rows; r++)
        for (int64_t k = 0; k < c->n_cols; k++)
            put_cell(t, c, r, k, left + w * (double)k, top + h * (double)r, w, h, low, high);
    for (int64_t k = 0; k < c->n_cols; k++)
        svg_text(t, left + w * ((double)k + 0.5), bottom + 16, &chart_soft_middle,
                 svg_fit(cut, sizeof cut, c->cols[k], CHART_LABEL, w - 6));
    svg_text(t, left + w * (double)c->n_cols / 2, bottom + 38, &chart_soft_middle, c->col_label);
    svg_end(t);
    return t->status;
}
