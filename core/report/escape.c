/* escape.c - text of unknown origin in the three forms that files want. */
#include "escape.h"

#include <math.h>
#include <string.h>

#define REPLACEMENT 0xFFFDu

static bool is_refused(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) ||
           (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF || (c & 0xFFFE) == 0xFFFE ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); /* direction */
}

uint32_t utf8_next(const char **s)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)*s;
    uint32_t c = *p;

    if (!c)
        return 0;
    int more = c < 0x80 ? 0 : c >= 0xF0 && c < 0xF8 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : -1;
    bool bad = more < 0 || c >= 0xF8;
    int used = 1;
    c &= more == 1 ? 0x1F : more == 2 ? 0x0F : more == 3 ? 0x07 : 0x7F;
    for (; !bad && used <= more; used++) {
        if ((p[used] & 0xC0) != 0x80)
            break;
        c = c << 6 | (p[used] & 0x3F);
    }
    *s += used;
    return bad || used <= more || c < least[more] || is_refused(c) ? REPLACEMENT : c;
}

static void put_utf8(struct text *t, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3F));
    b[0] = (char)(n == 1 ? c : n == 2 ? 0xC0 | c : n == 3 ? 0xE0 | c : 0xF0 | c);
    text_put(t, b, n);
}

void escape_xml(struct text *t, const char *s)
{
    for (uint32_t c; (c = utf8_next(&s));) {
        switch (c) {
        case '&': text_add(t, "&amp;"); break;
        case '<': text_add(t, "&lt;"); break;
        case '>': text_add(t, "&gt;"); break;
        case '"': text_add(t, "&quot;"); break;
        case '\'': text_add(t, "&#39;"); break;
        default: put_utf8(t, c);
        }
    }
}

void escape_json(struct text *t, const char *s)
{
    if (!s) {
        text_add(t, "null");
        return;
    }
    text_add(t, "\"");
    for (uint32_t c; (c = utf8_next(&s));) {
        if (c == '"' || c == '\\')
            text_add(t, "\\%c", (char)c);
        else if (c == '\n')
            text_add(t, "\\n");
        else if (c < 0x20 || c == 0x2028 || c == 0x2029 || c == '<')
            text_add(t, "\\u%04x", c);
        else
            put_utf8(t, c);
    }
    text_add(t, "\"");
}

void escape_csv(struct text *t, const char *s)
{
    bool formula = *s && strchr("=+-@\t\r", *s);
    bool quoted = strpbrk(s, ",\"\n\r") != NULL;

    text_add(t, "%s%s", quoted ? "\"" : "", formula ? "'" : "");
    for (uint32_t c; (c = utf8_next(&s));) {
        if (c == '"')
            text_add(t, "\"");
        put_utf8(t, c);
    }
    text_add(t, "%s", quoted ? "\"" : "");
}

void number_csv(struct text *t, double v)
{
    if (isnan(v))
        text_add(t, "nan"); /* printf may write -nan */
    else
        text_add(t, "%.9g", v);
}

void number_json(struct text *t, double v)
{
    text_add(t, "%s", isfinite(v) ? "" : "\"");
    number_csv(t, v);
    text_add(t, "%s", isfinite(v) ? "" : "\"");
}
