/* svg.c - the strokes that charts are made of. */
#include "svg.h"

#include "base/error.h"
#include "escape.h"

#include <math.h>
#include <nettle/base64.h>
#include <string.h>

static const struct {
    const char *colour, *dash;
} series_look[SVG_SERIES] = {
    {"#0072b2", NULL},  {"#d55e00", "6 3"},     {"#009e73", "2 3"},  {"#e69f00", "8 3 2 3"},
    {"#56b4e9", "1 3"}, {"#cc79a7", "4 2 1 2"}, {"#59636e", "10 4"},
};

static const char *const heat_look[SVG_HEAT] = {"#fdfbd3", "#e3f3b8", "#b5e0b7", "#74c6be",
                                                "#3aa3c1", "#2874b0", "#254a98", "#152a66"};

static const char *colour_of(const char *kind)
{
    static const struct {
        const char *kind, *colour;
    } table[] = {
        {"ink", "#1f2328"},  {"soft", "#59636e"}, {"axis", "#8c959f"},
        {"grid", "#e7eaee"}, {"good", "#00765a"}, {"bad", "#b34700"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(kind, table[i].kind))
            return table[i].colour;
    return kind[0] == 't' && kind[1] > '4' ? "#ffffff" : "#1f2328";
}

const char *svg_series_colour(int series) { return series_look[series % SVG_SERIES].colour; }

void svg_begin(struct text *t, double w, double h, const char *title, const char *desc,
               const char *attributes)
{
    text_add(t,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
             "height=\"%.0f\" role=\"img\" font-family=\"Inter, 'Helvetica Neue', Arial, "
             "'DejaVu Sans', sans-serif\"%s>\n<title>",
             w, h, w, h, attributes ? attributes : "");
    escape_xml(t, title);
    text_add(t, "</title>\n<desc>");
    escape_xml(t, desc);
    text_add(t, "</desc>\n<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n",
             w, h);
}

void svg_end(struct text *t) { text_add(t, "</svg>\n"); }

void svg_text(struct text *t, double x, double y, const struct svg_style *s, const char *words)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};

    text_add(t, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" fill=\"%s\" font-size=\"%.4g\"%s%s", x, y,
             s->kind, colour_of(s->kind), s->size, anchors[s->anchor],
             s->bold ? " font-weight=\"600\"" : "");
    if (s->turn != 0)
        text_add(t, " transform=\"rotate(%.0f %.1f %.1f)\"", s->turn, x, y);
    text_add(t, ">");
    escape_xml(t, words);
    text_add(t, "</text>\n");
}

void svg_line(struct text *t, double x0, double y0, double x1, double y1, const char *kind,
              double width)
{
    text_add(t,
             "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\" stroke=\"%s\" "
             "stroke-width=\"%.4g\"/>\n",
             x0, y0, x1, y1, kind, colour_of(kind), width);
}

/* As "%.1f", which takes several times as long. */
static char *put_tenths(char *out, double v)
{
    char digits[24];
    int n = 0;
    int64_t tenths = llround(v * 10), rest = tenths < 0 ? -tenths : tenths;

    if (tenths < 0)
        *out++ = '-';
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest || n < 2);
    while (n > 1)
        *out++ = digits[--n];
    if (digits[0] != '0') {
        *out++ = '.';
        *out++ = digits[0];
    }
    return out;
}

void svg_move(struct text *t, char command, double x, double y)
{
    char out[64] = {command};
    char *end = put_tenths(out + 1, x);

    *end++ = ' ';
    end = put_tenths(end, y);
    text_put(t, out, (size_t)(end - out));
}

void svg_stroke(struct text *t, int series, double width)
{
    const char *dash = width > 1 ? series_look[series % SVG_SERIES].dash : NULL;

    text_add(t,
             " class=\"s%d\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.4g\" "
             "stroke-linejoin=\"round\"",
             series % SVG_SERIES, svg_series_colour(series), width);
    if (width <= 1)
        text_add(t, " stroke-opacity=\"0.6\"");
    if (dash)
        text_add(t, " stroke-dasharray=\"%s\"", dash);
}

void svg_fill(struct text *t, int series, double opacity)
{
    text_add(t, " class=\"s%d-dot\" fill=\"%s\"", series % SVG_SERIES, svg_series_colour(series));
    if (opacity < 1)
        text_add(t, " fill-opacity=\"%.4g\"", opacity);
}

void svg_cell(struct text *t, double x, double y, double w, double h, int level,
              const char *attributes, const char *tip)
{
    text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", x, y, w, h);
    if (level == -1)
        text_add(t, " class=\"h-none\" fill=\"#f6f8fa\"");
    else if (level < 0)
        text_add(t, " class=\"h-mute\" fill=\"#dfe3e8\"");
    else
        text_add(t, " class=\"h%d\" fill=\"%s\"", level, heat_look[level]);
    text_add(t, "%s", attributes ? attributes : "");
    if (!tip) {
        text_add(t, "/>\n");
        return;
    }
    text_add(t, "><title>");
    escape_xml(t, tip);
    text_add(t, "</title></rect>\n");
}

/* ---- words ---------------------------------------------------------------- */

static double advance(uint32_t c)
{
    if (c >= 0x2190 && c < 0x2300) /* arrows, minus and the like */
        return 0.84;
    if (c >= 0x1100)
        return c >= 0x2000 && c < 0x2E80 && c != 0x2026 && c != 0x2014 ? 0.6 : 1.0;
    if (c < 0x80 && strchr("iljtfrI.,:;'|!()[] 1", (int)c))
        return c == '1' ? 0.62 : 0.4;
    return c < 0x80 && strchr("mwMW@%", (int)c) ? 0.95 : 0.62;
}

double svg_width(const char *s, double size)
{
    double w = 0;

    for (uint32_t c; (c = escape_next(&s));)
        w += advance(c) * size;
    return w;
}

const char *svg_fit(char *out, size_t bytes, const char *s, double size, double width)
{
    static const char dots[] = "\xE2\x80\xA6";
    const char *end = s, *cut = s;
    double w = 0;

    for (const char *next = s; escape_next(&next); end = next) {
        const char *at = end;
        w += advance(escape_next(&at)) * size;
        if ((size_t)(next - s) + sizeof dots > bytes || w > width)
            break;
        if (w + advance(0x2026) * size <= width)
            cut = next;
    }
    bool whole = !*end;
    size_t n = (size_t)((whole ? end : cut) - s);
    memcpy(out, s, n);
    memcpy(out + n, whole ? "" : dots, whole ? 1 : sizeof dots);
    return out;
}

/* ---- pictures ------------------------------------------------------------- */

int svg_image(struct text *t, double x, double y, double w, double h, const struct picture *p)
{
    size_t n;
    uint8_t *png = picture_png(p, &n);
    char *data = png ? mem_alloc(BASE64_ENCODE_RAW_LENGTH(n) + 1) : NULL;

    if (data) {
        base64_encode_raw(data, n, png);
        text_add(t,
                 "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                 "image-rendering=\"pixelated\" href=\"data:image/png;base64,",
                 x, y, w, h);
        text_put(t, data, BASE64_ENCODE_RAW_LENGTH(n));
        text_add(t, "\"/>\n");
    }
    mem_free(png);
    int status = data ? t->status : RN_ENOMEM;
    mem_free(data);
    return status;
}
