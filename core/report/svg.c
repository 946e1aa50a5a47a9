/* svg.c - the strokes that charts are made of, and PNG for pictures inside them. */
#include "svg.h"

#include "base/error.h"
#include "escape.h"

#include <nettle/base64.h>
#include <string.h>
#include <zlib.h>

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
    return kind[0] == 't' && kind[1] > '3' ? "#ffffff" : "#1f2328";
}

const char *svg_series_colour(int series) { return series_look[series % SVG_SERIES].colour; }

void svg_begin(struct text *t, double w, double h, const char *title, const char *desc)
{
    text_add(t,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
             "height=\"%.0f\" role=\"img\" font-family=\"Inter, 'Helvetica Neue', Arial, "
             "'DejaVu Sans', sans-serif\">\n<title>",
             w, h, w, h);
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

void svg_stroke(struct text *t, int series, double width)
{
    const char *dash = series_look[series % SVG_SERIES].dash;

    text_add(t,
             " class=\"s%d\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.4g\" "
             "stroke-linejoin=\"round\"",
             series % SVG_SERIES, svg_series_colour(series), width);
    if (dash)
        text_add(t, " stroke-dasharray=\"%s\"", dash);
}

void svg_cell(struct text *t, double x, double y, double w, double h, int level, const char *tip)
{
    text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", x, y, w, h);
    if (level == -1)
        text_add(t, " class=\"h-none\" fill=\"#f6f8fa\"");
    else if (level < 0)
        text_add(t, " class=\"h-mute\" fill=\"#dfe3e8\"");
    else
        text_add(t, " class=\"h%d\" fill=\"%s\"", level, heat_look[level]);
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
    if (c >= 0x1100)
        return c >= 0x2000 && c < 0x2E80 ? 0.6 : 1.0;
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
        if (w + 0.6 * size <= width)
            cut = next;
    }
    bool whole = !*end;
    size_t n = (size_t)((whole ? end : cut) - s);
    memcpy(out, s, n);
    memcpy(out + n, whole ? "" : dots, whole ? 1 : sizeof dots);
    return out;
}

/* ---- pictures ------------------------------------------------------------- */

#define PICTURE_MAX 64 /* pixels a side that are kept */

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t put_chunk(uint8_t *out, const char *type, const uint8_t *data, size_t n)
{
    put_u32(out, (uint32_t)n);
    memcpy(out + 4, type, 4);
    if (n)
        memmove(out + 8, data, n);
    put_u32(out + 8 + n, (uint32_t)crc32(0, out + 4, (uInt)(n + 4)));
    return n + 12;
}

/* Mean over k x k pixels, so that a photograph does not fill the page; rows begin with filter 0. */
static void shrink(uint8_t *out, const uint8_t *in, int64_t w, int64_t h, int64_t ch, int64_t k)
{
    for (int64_t y = 0; y + k <= h; y += k) {
        *out++ = 0;
        for (int64_t x = 0; x + k <= w; x += k)
            for (int64_t c = 0; c < ch; c++) {
                int64_t sum = 0;
                for (int64_t i = 0; i < k * k; i++)
                    sum += in[((y + i / k) * w + x + i % k) * ch + c];
                *out++ = (uint8_t)(sum / (k * k));
            }
    }
}

/* rows: h rows of 1 + w * channels bytes. The PNG in base64, from mem_alloc. */
static char *png_base64(const uint8_t *rows, int64_t w, int64_t h, int64_t channels)
{
    size_t raw = (size_t)(h * (1 + w * channels));
    uLongf packed = compressBound((uLong)raw);
    uint8_t *png = mem_alloc(packed + 128), header[13] = {[8] = 8, [9] = channels == 3 ? 2 : 0};
    char *out = NULL;

    if (!png)
        return NULL;
    put_u32(header, (uint32_t)w);
    put_u32(header + 4, (uint32_t)h);
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    size_t n = 8 + put_chunk(png + 8, "IHDR", header, sizeof header);
    if (compress2(png + n + 8, &packed, rows, (uLong)raw, 9) == Z_OK) {
        n += put_chunk(png + n, "IDAT", png + n + 8, packed);
        n += put_chunk(png + n, "IEND", NULL, 0);
        out = mem_alloc(BASE64_ENCODE_RAW_LENGTH(n) + 1);
    }
    if (out)
        base64_encode_raw(out, n, png);
    mem_free(png);
    return out;
}

int svg_image(struct text *t, double x, double y, double size, const uint8_t *pixels, int64_t w,
              int64_t h, int64_t channels)
{
    int64_t longer = w > h ? w : h, k = (longer + PICTURE_MAX - 1) / PICTURE_MAX;

    if (w / k < 1 || h / k < 1) /* a thin strip: leave it as it is */
        k = 1;
    uint8_t *rows = mem_array((size_t)(h / k), (size_t)(1 + w / k * channels));
    if (!rows)
        return RN_ENOMEM;
    shrink(rows, pixels, w, h, channels, k);
    char *data = png_base64(rows, w / k, h / k, channels);
    mem_free(rows);
    if (!data)
        return FAIL(RN_ENOMEM, "out of memory: a picture of the report could not be packed");
    text_add(t,
             "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
             "image-rendering=\"pixelated\" href=\"data:image/png;base64,",
             x, y, size, size);
    text_add(t, "%s\"/>\n", data);
    mem_free(data);
    return t->status;
}
