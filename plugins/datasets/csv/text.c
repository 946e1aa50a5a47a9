/* text.c - a table as text. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES ((uint64_t)1 << 32) /* of a file: it is held in memory whole */

int csv_wrong(const struct text *t, const char *at, const char *fmt, ...)
{
    const char *row = t->begin;
    long long line = 1, column = 1;
    char why[512];
    va_list args;

    for (const char *s = t->begin; s < at; s++)
        if (*s == '\n')
            line++, row = s + 1;
    for (const char *s = row; s < at; s++)
        column += (*s & 0xC0) != 0x80; /* characters of UTF-8, as editors count */
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return RN_FAIL(RN_EDATA, "%s:%lld:%lld: %s", t->path, line, column, why);
}

const char *csv_shown(const struct cell *c, char out[CSV_SHOWN])
{
    size_t n = c->n < 40 ? c->n : 40;

    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)c->s[i] < ' ' || c->s[i] == 0x7f ? '?' : c->s[i];
    memcpy(out + n, n < c->n ? "..." : "", 4 * (n < c->n) + (n == c->n));
    return out;
}

static bool is_blank(char c, char delimiter) { return c == ' ' || (c == '\t' && c != delimiter); }

bool csv_row(const struct text *t, const char **at)
{
    for (const char *s = *at; s < t->end; s++) {
        if (*s == '\n')
            *at = s + 1;
        else if (!is_blank(*s, t->delimiter) && !(*s == '\r' && s[1] == '\n'))
            return true;
    }
    *at = t->end;
    return false;
}

static int quoted_read(const struct text *t, const char **at, struct cell *c)
{
    const char *s = *at + 1;

    for (; s < t->end && (*s != '"' || s[1] == '"'); s++)
        s += *s == '"';
    if (s >= t->end)
        return csv_wrong(t, *at, "this quote is never closed");
    *c = (struct cell){.s = *at + 1, .n = (size_t)(s - *at - 1)};
    for (s++; s < t->end && is_blank(*s, t->delimiter);)
        s++;
    *at = s;
    if (s < t->end && *s != t->delimiter && *s != '\n' && !(*s == '\r' && s[1] == '\n'))
        return csv_wrong(t, s,
                         "text behind a closing quote: a delimiter or the end of the line "
                         "expected; a quote inside quotes is written twice");
    return RN_OK;
}

static int plain_read(const struct text *t, const char **at, struct cell *c)
{
    const char *s = *at, *end;

    for (end = s; end < t->end && *end != t->delimiter && *end != '\n'; end++) {
        if (*end == '"')
            return csv_wrong(t, end,
                             "a quote inside a field without quotes: put the field in quotes "
                             "and write this one twice");
        if (*end == '\r' && end[1] != '\n' && end + 1 < t->end)
            return csv_wrong(t, end,
                             "a carriage return without a line feed: save the file with the "
                             "line ends of Unix or Windows");
    }
    *at = end;
    if (end > s && end[-1] == '\r')
        end--;
    while (end > s && is_blank(end[-1], t->delimiter))
        end--;
    *c = (struct cell){.s = s, .n = (size_t)(end - s)};
    return RN_OK;
}

int csv_cell(const struct text *t, const char **at, struct cell *c)
{
    while (*at < t->end && is_blank(**at, t->delimiter))
        ++*at;
    RN_TRY(*at < t->end && **at == '"' ? quoted_read(t, at, c) : plain_read(t, at, c));
    if (*at < t->end && **at == '\r')
        ++*at;
    c->last = *at >= t->end || **at == '\n';
    *at += *at < t->end;
    return RN_OK;
}

int csv_open_text(struct text *t, const char *path, char delimiter)
{
    uint64_t bytes;
    void *data;

    t->path = path;
    t->delimiter = delimiter;
    RN_TRY(rn_host->read_file(path, MAX_BYTES, &data, &bytes));
    t->begin = t->bytes = data;
    t->end = t->bytes + bytes;
    rn_host->sha256(data, bytes, t->sha256);
    const char *zero = memchr(t->bytes, '\0', bytes);
    if (zero)
        return csv_wrong(t, zero, "a 0 byte: this is no text in UTF-8; save it as that");
    if (bytes >= 3 && !memcmp(t->bytes, "\xEF\xBB\xBF", 3))
        t->begin += 3;
    return RN_OK;
}

bool csv_is_text(const struct text *t)
{
    const char *s = t->begin;
    bool image = t->end - s > 2 && s[0] == 'P' && s[1] >= '1' && s[1] <= '7';

    for (; s < t->end && s < t->begin + 4096; s++)
        if ((unsigned char)*s < ' ' && *s != '\t' && *s != '\r' && *s != '\n')
            return false;
    return !image;
}

bool csv_name(const char **s, const char **name, size_t *n)
{
    *name = *s += strspn(*s, " ");
    *n = strcspn(*s, ",");
    *s += *n;
    while (*n && (*name)[*n - 1] == ' ')
        --*n;
    return *(*s) && *(*s)++;
}
