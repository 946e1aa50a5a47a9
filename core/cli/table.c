/* table.c - a table for a terminal. */
#define _XOPEN_SOURCE 700
#include "table.h"

#include "base/error.h"
#include "base/log.h"

#include <runner/utf8.h>

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { GAP = 2 };

static int columns_of(uint32_t c)
{
    int n = wcwidth((wchar_t)c);

    return n < 0 ? 1 : n;
}

int table_width(const char *s)
{
    uint32_t c;
    int width = 0;

    for (int n; *s && (n = rn_utf8_next(s, RN_UTF8_MAX, &c)); s += n)
        width += columns_of(c);
    return width;
}

int terminal_columns(void)
{
    struct winsize w;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
        return 0;
    return w.ws_col;
}

void table_rule(struct table *t, int row)
{
    if (t->n_rules < (int)(sizeof t->rules / sizeof *t->rules))
        t->rules[t->n_rules++] = row;
}

int table_add(struct table *t, const char *cell)
{
    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 256;
        const char **cells = pool_alloc(t->p, (size_t)cap * sizeof *cells);
        if (!cells)
            return RN_ENOMEM;
        if (t->n)
            memcpy(cells, t->cells, (size_t)t->n * sizeof *cells);
        t->cells = cells;
        t->cap = cap;
    }
    char *copy = pool_strdup(t->p, cell ? cell : "");
    if (!copy)
        return RN_ENOMEM;
    log_clean(copy);
    for (char *s = copy; *s; s++)
        *s = *s == '\n' || *s == '\t' ? ' ' : *s;
    t->cells[t->n++] = copy;
    return RN_OK;
}

/* As much of s as fits, with an ellipsis where it was cut. */
static void put_cut(struct text *out, const char *s, int width)
{
    int used = 0;
    uint32_t c;

    if (table_width(s) <= width) {
        text_add(out, "%s", s);
        return;
    }
    for (int n; *s && (n = rn_utf8_next(s, RN_UTF8_MAX, &c)); s += n) {
        used += columns_of(c);
        if (used > width - 1)
            break;
        text_put(out, s, (size_t)n);
    }
    text_add(out, "\xE2\x80\xA6");
}

static void put_line(const int *widths, int last, struct text *out)
{
    int n = widths[last];

    for (int i = 0; i < last; i++)
        n += widths[i] ? widths[i] + GAP : 0;
    while (n-- > 0)
        text_add(out, "\xE2\x94\x80");
    text_add(out, "\n");
}

void table_text(const struct table *t, int width, struct text *out)
{
    int widths[TABLE_COLUMNS] = {0}, last = 0;

    for (int i = t->columns; i < t->n; i++) {
        int w = table_width(t->cells[i]), *column = &widths[i % t->columns];
        *column = w > *column ? w : *column;
    }
    for (int i = 0; i < t->columns && i < t->n; i++) {
        int w = table_width(t->cells[i]);
        if (widths[i] && w > widths[i])
            widths[i] = w;
        last = widths[i] ? i : last;
    }
    for (int i = 0, at = 0; i < t->n; i++) {
        int column = i % t->columns, w = table_width(t->cells[i]);
        for (int k = 0; !column && k < t->n_rules; k++)
            if (t->rules[k] == i / t->columns)
                put_line(widths, last, out);
        if (!column)
            at = 0;
        if (column == last) {
            bool cut = width && width - at > 8;
            if (t->right[column] && w < widths[column])
                text_add(out, "%*s", widths[column] - w, "");
            put_cut(out, t->cells[i], cut ? width - at : w);
            while (out->n && out->s[out->n - 1] == ' ')
                out->s[--out->n] = '\0';
            text_add(out, "\n");
        } else if (column < last && widths[column]) {
            int room = widths[column] - w;
            text_add(out, "%*s%s%*s", t->right[column] ? room : 0, "", t->cells[i],
                     GAP + (t->right[column] ? 0 : room), "");
            at += widths[column] + GAP;
        }
    }
}
