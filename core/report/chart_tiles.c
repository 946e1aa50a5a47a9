/* chart_tiles.c - pictures in rows, with words beside them, and weights as pictures. All pictures
 * of a gallery are one PNG, clear between them, so that none needs a file or an element of its own.
 */
#include "chart_parts.h"

#include "base/error.h"
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- one PNG of many ------------------------------------------------------ */

struct mosaic {
    int64_t w, h;          /* of a tile, px of the PNG */
    int64_t across, down;  /* from tile to tile */
    int64_t columns, zoom; /* zoom: a pixel of a picture is so many of the PNG, squared */
    double scale;          /* px of the drawing for one of the PNG */
    struct picture all;    /* the last channel is how solid it is */
    uint8_t *pixels;
};

static int mosaic_open(struct mosaic *m, int64_t n, int64_t channels)
{
    int64_t rows = (n + m->columns - 1) / m->columns;

    m->all = (struct picture){.w = m->across * ((n < m->columns ? n : m->columns) - 1) + m->w,
                              .h = m->down * (rows - 1) + m->h,
                              .channels = channels + 1};
    m->all.pixels = m->pixels = mem_array((size_t)m->all.h, (size_t)(m->all.w * m->all.channels));
    return m->pixels ? RN_OK : RN_ENOMEM;
}

static void mosaic_put(struct mosaic *m, int64_t tile, int64_t x, int64_t y, const uint8_t *pixel)
{
    int64_t ch = m->all.channels;

    for (int64_t i = 0; i < m->zoom * m->zoom; i++) {
        int64_t to_x = tile % m->columns * m->across + x * m->zoom + i % m->zoom;
        int64_t to_y = tile / m->columns * m->down + y * m->zoom + i / m->zoom;
        uint8_t *to = m->pixels + (to_y * m->all.w + to_x) * ch;
        memcpy(to, pixel, (size_t)(ch - 1));
        to[ch - 1] = 255;
    }
}

static int mosaic_draw(struct mosaic *m, struct text *t, double x, double y)
{
    int status =
        svg_image(t, x, y, (double)m->all.w * m->scale, (double)m->all.h * m->scale, &m->all);

    mem_free(m->pixels);
    return status;
}

/* ---- galleries ------------------------------------------------------------ */

#define COLUMNS 3
#define PICTURE 60.0 /* px of the longer side */
#define TILE    74.0 /* from row to row, at least */
#define LINE    15.0
#define FONT    12.0
#define ROOM    (CHART_WIDTH - 2 * CHART_EDGE)

/* Tiles lie on whole pixels of the PNG. */
static struct mosaic plan_gallery(const struct chart_pictures *c)
{
    int64_t longer = c->w > c->h ? c->w : c->h;
    struct mosaic m = {.columns = COLUMNS, .zoom = longer < 24 ? (24 + longer - 1) / longer : 1};

    m.w = c->w * m.zoom;
    m.h = c->h * m.zoom;
    m.scale = PICTURE / (double)(longer * m.zoom);
    m.across = (int64_t)floor(ROOM / COLUMNS / m.scale);
    m.down = (int64_t)ceil(TILE / m.scale);
    return m;
}

static double gallery_height(const struct chart_gallery *g, const struct mosaic *m)
{
    return g->n ? 36 + (double)(m->down * ((g->n + COLUMNS - 1) / COLUMNS)) * m->scale : 0;
}

static void draw_guess(struct text *t, const struct chart_tile *tile, int k, double x, double y,
                       double width)
{
    const struct svg_style said = {.size = FONT, .kind = "ink"};
    const struct svg_style share = {.size = FONT, .kind = "ink", .anchor = SVG_END};
    char name[128], percent[16];

    snprintf(percent, sizeof percent, "%.0f %%", 100 * tile->p[k]);
    text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"13\"", x, y - 10.5,
             fmax(width * tile->p[k], 0.5));
    svg_fill(t, tile->truth == k ? 2 : 0, 0.28);
    text_add(t, "/>\n");
    svg_text(
        t, x + 3, y, &said,
        svg_fit(name, sizeof name, tile->name[k], FONT, width - 11 - svg_width(percent, FONT)));
    svg_text(t, x + width - 3, y, &share, percent);
}

static void draw_tile(struct text *t, const struct chart_tile *tile, const struct mosaic *m,
                      double x, double y)
{
    struct svg_style style = {.size = FONT, .kind = tile->good ? "good" : "bad", .bold = true};
    double left = x + PICTURE + 8, width = (double)m->across * m->scale - PICTURE - 18;
    char line[160];

    svg_text(t, left, y + 10, &style,
             svg_fit(line, sizeof line, tile->verdict, FONT * 1.06, width)); /* bold is wider */
    for (int k = 0; k < CHART_PARTS; k++)
        if (tile->name[k] && tile->p[k] >= (k ? 0.005 : 0))
            draw_guess(t, tile, k, left, y + 11 + LINE * (k + 1), width);
    if (!tile->good)
        text_add(t,
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
                 "class=\"bad\" stroke=\"#b34700\" stroke-width=\"2\" stroke-dasharray=\"5 3\"/>\n",
                 x, y, (double)m->w * m->scale, (double)m->h * m->scale);
}

static int draw_gallery(struct text *t, const struct chart_pictures *c,
                        const struct chart_gallery *g, double y)
{
    struct mosaic m = plan_gallery(c);
    char heading[256];

    if (!g->n)
        return RN_OK;
    TRY(mosaic_open(&m, g->n, c->channels));
    svg_text(t, CHART_EDGE, y + 18, &chart_soft,
             svg_fit(heading, sizeof heading, g->heading, CHART_LABEL, ROOM));
    for (int64_t i = 0; i < g->n; i++)
        for (int64_t k = 0; k < c->w * c->h; k++)
            mosaic_put(&m, i, k % c->w, k / c->w, g->tiles[i].pixels + k * c->channels);
    TRY(mosaic_draw(&m, t, CHART_EDGE, y + 30));
    for (int64_t i = 0; i < g->n; i++)
        draw_tile(t, &g->tiles[i], &m, CHART_EDGE + (double)(i % COLUMNS * m.across) * m.scale,
                  y + 30 + (double)(i / COLUMNS * m.down) * m.scale);
    return t->status;
}

int chart_pictures(struct text *t, const struct chart_pictures *c)
{
    struct mosaic m = plan_gallery(c);
    double y = chart_head(NULL, &c->head) + 8, height = y;

    for (int g = 0; g < 2; g++)
        height += gallery_height(&c->gallery[g], &m);
    svg_begin(t, CHART_WIDTH, height, c->head.title, c->head.desc, NULL);
    chart_head(t, &c->head);
    for (int g = 0; g < 2; g++) {
        TRY(draw_gallery(t, c, &c->gallery[g], y));
        y += gallery_height(&c->gallery[g], &m);
    }
    svg_end(t);
    return t->status;
}

/* ---- weights -------------------------------------------------------------- */

#define UNIT_COLUMNS 8
#define UNIT_MOST    62.0 /* px of a picture */
#define SCALE_STEPS  9
#define SHADES       16 /* each way, which no eye counts: a third of the bytes of all */

/* -1..1: blue over white to orange, of the colours that all eyes tell apart. */
static void diverging(double v, uint8_t out[3])
{
    static const double ends[2][3] = {{0, 114, 178}, {213, 94, 0}};
    const double *end = ends[v > 0];
    double share = round(fmin(fabs(v), 1) * SHADES) / SHADES;

    for (int k = 0; k < 3; k++)
        out[k] = (uint8_t)lround(255 + (end[k] - 255) * share);
}

/* What the strongest colour stands for: a few large weights do not make all others pale. */
static double strongest(const struct chart_units *c)
{
    double sum = 0, most = 0;
    int64_t n = c->n * c->w * c->h * c->channels, finite = 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(c->values[i])) {
            sum += (double)c->values[i] * (double)c->values[i];
            most = fmax(most, fabs((double)c->values[i]));
            finite++;
        }
    double usual = finite ? 4 * sqrt(sum / (double)finite) : 0;
    return most > 0 ? fmin(most, usual) : 1;
}

static void draw_colours(struct text *t, double limit, double y)
{
    char low[24], high[24];
    uint8_t rgb[3];

    snprintf(low, sizeof low, "\xE2\x88\x92%.2g", limit);
    snprintf(high, sizeof high, "%.2g", limit);
    double x = CHART_EDGE + svg_width(low, CHART_LABEL) + 6;
    svg_text(t, CHART_EDGE, y, &chart_soft, low);
    for (int i = 0; i < SCALE_STEPS; i++) {
        diverging(2.0 * i / (SCALE_STEPS - 1) - 1, rgb);
        text_add(
            t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"13\" height=\"13\" fill=\"#%02x%02x%02x\"/>\n",
            x + 13 * i, y - 11, rgb[0], rgb[1], rgb[2]);
    }
    svg_text(t, x + 13 * SCALE_STEPS + 6, y, &chart_soft, high);
}

static void put_unit(struct mosaic *m, const struct chart_units *c, int64_t unit, double limit)
{
    int64_t plane = c->w * c->h;

    for (int64_t k = 0; k < plane; k++) {
        const float *v = c->values + unit * plane * c->channels + k;
        uint8_t rgb[3];
        bool finite = true;
        for (int64_t ch = 0; ch < c->channels; ch++)
            finite = finite && isfinite(v[ch * plane]);
        if (!finite)
            continue;
        for (int ch = 0; c->channels == 3 && ch < 3; ch++)
            rgb[ch] =
                (uint8_t)lround(127.5 + 127.5 * fmax(-1, fmin((double)v[ch * plane] / limit, 1)));
        if (c->channels != 3)
            diverging((double)*v / limit, rgb);
        mosaic_put(m, unit, k % c->w, k / c->w, rgb);
    }
}

int chart_units(struct text *t, const struct chart_units *c)
{
    int64_t longer = c->w > c->h ? c->w : c->h;
    struct mosaic m = {.columns = UNIT_COLUMNS,
                       .zoom = longer < 24 ? (24 + longer - 1) / longer : 1};
    double top = chart_head(NULL, &c->head) + 26, limit = strongest(c);
    int64_t gap = (longer * m.zoom + 7) / 8;

    m.w = c->w * m.zoom;
    m.h = c->h * m.zoom;
    m.across = m.w + gap;
    m.down = m.h + gap;
    m.scale =
        fmin(ROOM / (double)(UNIT_COLUMNS * m.across - gap), UNIT_MOST / (double)(longer * m.zoom));
    TRY(mosaic_open(&m, c->n, 3));
    for (int64_t i = 0; i < c->n; i++)
        put_unit(&m, c, i, limit);
    svg_begin(t, CHART_WIDTH, top + 14 + (double)m.all.h * m.scale + CHART_EDGE, c->head.title,
              c->head.desc, NULL);
    chart_head(t, &c->head);
    if (c->channels != 3)
        draw_colours(t, limit, top);
    TRY(mosaic_draw(&m, t, CHART_EDGE, top + 14));
    svg_end(t);
    return t->status;
}
