/* escape.c - text of unknown origin in the forms that files want. */
#include "escape.h"

#include <runner/utf8.h>

#include <math.h>
#include <string.h>

uint32_t escape_next(const char **s)
{
    uint32_t c = 0;
    int n = rn_utf8_next(*s, RN_UTF8_MAX, &c);

    if (n && !c)
        return 0;
    *s += n ? n : 1;
    for (; !n && (**s & 0xC0) == 0x80; (*s)++)
        ; /* the rest of what is broken: one replacement for all */
    return !n || rn_utf8_forbidden(c) || rn_utf8_turns(c) ? 0xFFFD : c;
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
    for (uint32_t c; (c = escape_next(&s));) {
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

void escape_csv(struct text *t, const char *s)
{
    bool formula = *s && strchr("=+-@\t\r", *s);
    bool quoted = strpbrk(s, ",\"\n\r") != NULL;

    text_add(t, "%s%s", quoted ? "\"" : "", formula ? "'" : "");
    for (uint32_t c; (c = escape_next(&s));) {
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

void escape_shell(struct text *t, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._=/+:,@%";

    if (*s && !s[strspn(s, plain)]) {
        text_add(t, "%s", s);
        return;
    }
    text_put(t, "'", 1);
    for (; *s; s++)
        text_put(t, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
    text_put(t, "'", 1);
}
