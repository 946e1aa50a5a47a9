/* chart_heat.c - heat maps of square tables, with a margin for each row and each column. */
#include "chart_parts.h"

#include <math.h>
#include <stdio.h>

#define NAME_MOST 110.0 /* px of a name; the rest is cut */
#define MARGIN    6.0   /* px between the table and its margins */

struct heat_plan { /* px */
    double head, left, top, cell, gap, font, names_below;
    bool turned; /* the names of columns stand upright */
};

static void plan_heat(struct heat_plan *p, const struct chart_heat *c)
{
    double longest = 0, n = (double)c->n;

    p->font = c->n > 24 ? 9.5 : c->n > 14 ? 11 : CHART_LABEL;
    for (int64_t i = 0; i < c->n; i++)
        longest = fmax(longest, svg_width(c->names[i], p->font));
    longest = fmin(longest, NAME_MOST);
    p->head = chart_head(NULL, &c->head);
    p->left = CHART_EDGE + fmax(longest, svg_width(c->col_margin, p->font)) + 10;
    p->top = p->head + 58;
    p->cell = fmin((CHART_WIDTH - CHART_EDGE - MARGIN - p->left) / (n + 1), 100);
    p->gap = p->cell > 16 ? 1 : 0.5;
    p->font = fmin(p->font, p->cell * 0.9);
    p->turned = longest > p->cell - 4;
    p->names_below = p->turned ? longest + 14 : 24;
}

static double place(const struct heat_plan *p, double from, int64_t i, int64_t n)
{
    return from + p->cell * (double)i + (i == n ? MARGIN : 0);
}

static void draw_scale(struct text *t, const struct chart_heat *c, double y)
{
    double step = 13, x = CHART_EDGE + svg_width(c->scale_low, CHART_LABEL) + 6;

    svg_text(t, CHART_EDGE, y, &chart_soft, c->scale_low);
    for (int i = 0; i < SVG_HEAT; i++)
        svg_cell(t, x + step * i, y - 11, step, 13, i, NULL, NULL);
    svg_text(t, x + step * SVG_HEAT + 6, y, &chart_soft, c->scale_high);
}

static void draw_names(struct text *t, const struct chart_heat *c, const struct heat_plan *p)
{
    struct svg_style row = {.size = p->font, .kind = "ink", .anchor = SVG_END};
    struct svg_style col = {.size = p->font,
                            .kind = "ink",
                            .anchor = p->turned ? SVG_END : SVG_MIDDLE,
                            .turn = p->turned ? -90 : 0};
    double below = place(p, p->top, c->n, c->n) + p->cell;
    char name[256];

    for (int64_t i = 0; i < c->n; i++) {
        double mid = ((double)i + 0.5) * p->cell;
        svg_fit(name, sizeof name, c->names[i], p->font, NAME_MOST);
        svg_text(t, p->left - 8, p->top + mid + p->font * 0.36, &row, name);
        svg_text(t, p->left + mid + (p->turned ? p->font * 0.36 : 0),
                 below + (p->turned ? 8 : 8 + p->font * 0.8), &col, name);
    }
    row.kind = "soft";
    svg_text(t, p->left - 8, below - p->cell / 2 + p->font * 0.36, &row, c->col_margin);
}

static void draw_cell(struct text *t, const struct chart_heat *c, const struct heat_plan *p,
                      int64_t row, int64_t col)
{
    double x = place(p, p->left, col, c->n), y = place(p, p->top, row, c->n);
    double shade = c->shade(c->ctx, row, col), side = p->cell - p->gap;
    int level = shade > 1 ? -2 : (int)fmin(shade * SVG_HEAT, SVG_HEAT - 1);
    char words[16] = "", kind[16] = "ink", numbers[64] = "";
    struct text tip = {0};

    if (shade < 0) /* the ground shows */
        return;
    c->tip(c->ctx, row, col, &tip);
    if (row < c->n && col < c->n)
        snprintf(numbers, sizeof numbers, " data-true=\"%lld\" data-pred=\"%lld\"",
                 (long long)c->numbers[row], (long long)c->numbers[col]);
    svg_cell(t, x, y, side, side, level, numbers, text_str(&tip));
    if (tip.status)
        t->status = tip.status;
    text_free(&tip);
    c->label(c->ctx, row, col, words);
    double font = fmin(CHART_LABEL, p->cell * 0.42);
    if (font < 8.5)
        return;
    font = fmin(font, font * (p->cell - 3) / fmax(svg_width(words, font), 1));
    if (font < 7 || !words[0])
        return;
    if (level >= 0)
        snprintf(kind, sizeof kind, "t%d", level);
    svg_text(t, x + side / 2, y + side / 2 + font * 0.36,
             &(struct svg_style){font, kind, SVG_MIDDLE, false, 0}, words);
}

int chart_heat(struct text *t, const struct chart_heat *c)
{
    struct heat_plan p;

    plan_heat(&p, c);
    double side = p.cell * (double)c->n, height = p.top + side + MARGIN + p.cell;
    height += p.names_below + 26;
    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_head(t, &c->head);
    draw_scale(t, c, p.head + 26);
    svg_text(t, CHART_EDGE, p.top - 8, &chart_soft, c->row_label);
    svg_text(t, place(&p, p.left, c->n, c->n) + p.cell - p.gap, p.top - 8, &chart_soft_end,
             c->row_margin);
    draw_names(t, c, &p);
    svg_cell(t, p.left, p.top, side - p.gap, side - p.gap, -1, NULL, NULL);
    for (int64_t row = 0; row <= c->n; row++)
        for (int64_t col = 0; col <= c->n; col++)
            if (row < c->n || col < c->n)
                draw_cell(t, c, &p, row, col);
    svg_text(t, p.left + side / 2, height - 10, &chart_soft_middle, c->col_label);
    svg_end(t);
    return t->status;
}
