/* utf8.h - code points of texts that nobody vouches for. No part of the ABI: it is compiled into
 * whoever includes it. */
#ifndef RN_UTF8_H
#define RN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RN_UTF8_MAX 4 /* bytes of a code point */

/* Bytes of the code point at s, where n bytes are; 0 when it is not well-formed (RFC 3629). Nothing
 * is read behind a 0 byte: where one ends the text, n may be RN_UTF8_MAX. */
static inline int rn_utf8_next(const char *s, size_t n, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;

    if (!n)
        return 0;
    int len = u[0] < 0x80             ? 1
              : (u[0] & 0xE0) == 0xC0 ? 2
              : (u[0] & 0xF0) == 0xE0 ? 3
              : (u[0] & 0xF8) == 0xF0 ? 4
                                      : 0;
    if (!len || (size_t)len > n)
        return 0;
    uint32_t c = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (int i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3F);
    }
    if (c < least[len] || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF)
        return 0;
    *cp = c;
    return len;
}

/* Controls but for tab, LF and CR; separators that some take for line breaks; not characters. */
static inline bool rn_utf8_forbidden(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) ||
           c == 0x2028 || c == 0x2029 || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE;
}

/* Turns the direction of what follows it, so that a line shows other than it is. */
static inline bool rn_utf8_turns(uint32_t c)
{
    return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Bytes of the code point at s when people may be shown it; 0: it is broken, forbidden, or turns.
 * A 0 byte ends the text. */
static inline int rn_utf8_shown(const char *s)
{
    uint32_t c = 0;
    int n = rn_utf8_next(s, RN_UTF8_MAX, &c);

    return rn_utf8_forbidden(c) || rn_utf8_turns(c) ? 0 : n;
}

/* Where rn_utf8_shown() is 0: the bytes for which one replacement stands. */
static inline int rn_utf8_hidden(const char *s)
{
    int n = 1;

    while ((s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

#endif
