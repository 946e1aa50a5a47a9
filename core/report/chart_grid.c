/* chart_grid.c - heat maps of square tables, and pictures in a grid. */
#include "chart.h"

#include "base/error.h"
#include "svg.h"

#include <math.h>
#include <stdio.h>

#define WIDTH 560.0
#define EDGE  16.0
#define LABEL 12.5

static const struct svg_style title_style = {.size = 15, .kind = "ink", .bold = true};
static const struct svg_style label_style = {.size = LABEL, .kind = "soft"};

/* ---- heat map ------------------------------------------------------------- */

struct heat_plan { /* px */
    double left, top, cell, font, names_below;
    bool turned; /* the names of columns stand upright */
};

static void plan_heat(struct heat_plan *p, const struct chart_heat *c)
{
    double longest = 0, n = (double)c->n;

    p->font = c->n > 24 ? 9.5 : c->n > 14 ? 11 : LABEL;
    for (int64_t i = 0; i < c->n; i++)
        longest = fmax(longest, svg_width(c->names[i], p->font));
    p->left = EDGE + fmin(longest, 120) + 12;
    p->top = 92;
    p->cell = fmin((WIDTH - EDGE - p->left) / n, 110);
    p->turned = longest > p->cell - 4;
    p->names_below = p->turned ? fmin(longest, 110) + 14 : 24;
}

static void draw_heat_scale(struct text *t, const struct chart_heat *c)
{
    double step = 13, y = 52, x = WIDTH - EDGE - svg_width(c->scale_high, LABEL) - 6;

    svg_text(t, x + 6, y + 10, &label_style, c->scale_high);
    x -= step * SVG_HEAT;
    for (int i = 0; i < SVG_HEAT; i++)
        svg_cell(t, x + step * i, y, step, 12, i, NULL);
    svg_text(t, x - 6, y + 10, &(struct svg_style){LABEL, "soft", SVG_END, false, 0}, c->scale_low);
}

static void draw_heat_names(struct text *t, const struct chart_heat *c, const struct heat_plan *p)
{
    double below = p->top + p->cell * (double)c->n;
    char name[128];

    for (int64_t i = 0; i < c->n; i++) {
        double mid = ((double)i + 0.5) * p->cell;
        svg_text(t, p->left - 8, p->top + mid + p->font * 0.36,
                 &(struct svg_style){p->font, "ink", SVG_END, false, 0},
                 svg_fit(name, sizeof name, c->names[i], p->font, 120));
        struct svg_style style = {p->font, "ink", p->turned ? SVG_END : SVG_MIDDLE, false,
                                  p->turned ? -90 : 0};
        svg_text(t, p->left + mid + (p->turned ? p->font * 0.36 : 0),
                 below + (p->turned ? 8 : 8 + p->font * 0.8), &style,
                 svg_fit(name, sizeof name, c->names[i], p->font, 110));
    }
}

static void draw_heat_cell(struct text *t, const struct chart_heat *c, const struct heat_plan *p,
                           int64_t row, int64_t col)
{
    double x = p->left + p->cell * (double)col, y = p->top + p->cell * (double)row;
    double shade = c->shade(c->ctx, row, col), gap = p->cell > 16 ? 1 : 0.5;
    int level = shade < 0 ? -1 : shade > 1 ? -2 : (int)fmin(shade * SVG_HEAT, SVG_HEAT - 1);
    char words[16] = "", kind[16] = "ink";
    struct text tip = {0};

    if (level != -1)
        c->tip(c->ctx, row, col, &tip);
    svg_cell(t, x, y, p->cell - gap, p->cell - gap, level, tip.n ? text_str(&tip) : NULL);
    text_free(&tip);
    c->label(c->ctx, row, col, words);
    double font = fmin(13, p->cell * 0.42);
    if (font < 8.5)
        return;
    font = fmin(font, font * (p->cell - 3) / fmax(svg_width(words, font), 1));
    if (font < 7 || !words[0])
        return;
    if (level >= 0)
        snprintf(kind, sizeof kind, "t%d", level);
    svg_text(t, x + (p->cell - gap) / 2, y + (p->cell - gap) / 2 + font * 0.36,
             &(struct svg_style){font, kind, SVG_MIDDLE, false, 0}, words);
}

int chart_heat(struct text *t, const struct chart_heat *c)
{
    struct heat_plan p;

    plan_heat(&p, c);
    double side = p.cell * (double)c->n, height = p.top + side + p.names_below + 26;
    svg_begin(t, WIDTH, height, c->title, c->desc);
    svg_text(t, EDGE, 26, &title_style, c->title);
    svg_text(t, EDGE, 44, &label_style, c->subtitle);
    svg_text(t, EDGE, p.top - 8, &label_style, c->row_label);
    draw_heat_scale(t, c);
    draw_heat_names(t, c, &p);
    for (int64_t row = 0; row < c->n; row++)
        for (int64_t col = 0; col < c->n; col++)
            draw_heat_cell(t, c, &p, row, col);
    svg_text(t, p.left + side / 2, height - 10,
             &(struct svg_style){LABEL, "soft", SVG_MIDDLE, false, 0}, c->col_label);
    svg_end(t);
    return t->status;
}

/* ---- pictures ------------------------------------------------------------- */

#define COLUMNS 5
#define PICTURE 84.0
#define TILE    150.0 /* px from row to row */

static double gallery_height(const struct chart_gallery *g)
{
    return g->n ? 34 + TILE * (double)((g->n + COLUMNS - 1) / COLUMNS) : 0;
}

static int draw_tile(struct text *t, const struct chart_pictures *c, const struct chart_tile *tile,
                     double x, double y)
{
    struct svg_style style = {11, tile->good ? "good" : "bad", SVG_START, true, 0};
    double width = (WIDTH - 2 * EDGE) / COLUMNS - 8;
    char line[128];

    svg_text(t, x, y + PICTURE + 16, &style, tile->verdict);
    style = (struct svg_style){12, "ink", SVG_START, false, 0};
    for (int i = 0; i < 2; i++)
        svg_text(t, x, y + PICTURE + 31 + 14 * i, &style,
                 svg_fit(line, sizeof line, tile->line[i], 12, width));
    TRY(svg_image(t, x, y, PICTURE, &(struct picture){c->w, c->h, c->channels, tile->pixels}));
    text_add(t,
             "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\" "
             "class=\"%s\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
             x, y, PICTURE, PICTURE, tile->good ? "good" : "bad",
             tile->good ? "#00765a" : "#b34700", tile->good ? "" : " stroke-dasharray=\"5 3\"");
    return t->status;
}

int chart_pictures(struct text *t, const struct chart_pictures *c)
{
    double y = 36;

    svg_begin(t, WIDTH, y + gallery_height(&c->gallery[0]) + gallery_height(&c->gallery[1]),
              c->title, c->desc);
    svg_text(t, EDGE, 26, &title_style, c->title);
    for (int g = 0; g < 2; g++) {
        const struct chart_gallery *gallery = &c->gallery[g];
        if (gallery->n)
            svg_text(t, EDGE, y + 16, &label_style, gallery->heading);
        for (int64_t i = 0; i < gallery->n; i++) {
            double pitch = (WIDTH - 2 * EDGE) / COLUMNS;
            TRY(draw_tile(t, c, &gallery->tiles[i], EDGE + pitch * (double)(i % COLUMNS),
                          y + 28 + TILE * (double)(i / COLUMNS)));
        }
        y += gallery_height(gallery);
    }
    svg_end(t);
    return t->status;
}
