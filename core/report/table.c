/* table.c - tables as write.c writes them, read row by row. */
#include "table.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES (512u << 20)

int table_bad(struct table *t, const char *what)
{
    if (!t->status)
        t->status = FAIL(RN_EDATA, "%s:%lld: %s; the file is damaged, restore it or remove it",
                         t->path, (long long)t->line, what);
    return t->status;
}

/* Takes the cell at *at off; a quoted one loses its quotes. */
static char *take_cell(struct table *t, char **at)
{
    char *from = *at, *to = from, *start = from;

    if (*from == '"') {
        for (from++; *from && (*from != '"' || from[1] == '"'); *to++ = *from++)
            from += *from == '"';
        if (*from != '"') {
            table_bad(t, "a quote is never closed");
            return NULL;
        }
        from++;
    } else {
        from += strcspn(from, ",");
        to = from;
    }
    if (*from && *from != ',') {
        table_bad(t, "a quote is closed before the end of its cell");
        return NULL;
    }
    *at = *from ? from + 1 : NULL;
    *to = '\0';
    return start;
}

/* The next line into cells; their number, 0 at the end. */
static int take_line(struct table *t, char **cells)
{
    int n = 0;

    if (!t->next || !*t->next)
        return 0;
    char *at = t->next, *end = strchr(at, '\n');
    t->line++;
    if (!end)
        return table_bad(t, "the line does not end");
    *end = '\0';
    t->next = end + 1;
    while (at) {
        if (n == TABLE_CELLS)
            return table_bad(t, "too many cells");
        if (!(cells[n++] = take_cell(t, &at)))
            return t->status;
    }
    return n;
}

int table_open(struct table *t, const char *path, const char *columns)
{
    uint64_t bytes;
    void *data;

    *t = (struct table){.path = path};
    if (!file_exists(path))
        return RN_OK;
    TRY(file_read(path, TABLE_BYTES, &data, &bytes));
    t->text = t->next = data;
    t->line = 1;
    if (strlen(t->text) != bytes)
        return table_bad(t, "a byte of 0 in a text");
    size_t n = strlen(columns);
    if (strncmp(t->text, columns, n) != 0 || !strchr(",\n", t->text[n])) {
        t->status = FAIL(RN_EDATA, "%s:1: expected a line that begins with '%s'", path, columns);
        return t->status;
    }
    t->line = 0;
    t->n = take_line(t, t->head);
    return t->status;
}

int table_next(struct table *t)
{
    int n = t->status ? t->status : take_line(t, t->cell);

    if (n > 0 && n != t->n)
        return table_bad(t, n < t->n ? "too few cells" : "too many cells");
    return t->status ? t->status : n > 0;
}

void table_close(struct table *t)
{
    mem_free(t->text);
    t->text = NULL;
}

int64_t table_whole(struct table *t, int cell, int64_t low, int64_t high)
{
    char *end;

    errno = 0;
    long long v = strtoll(t->cell[cell], &end, 10);
    if (end == t->cell[cell] || *end || errno || v < low || v > high) {
        table_bad(t, "a number is none, or out of range");
        return low;
    }
    return v;
}

double table_real(struct table *t, int cell)
{
    char *end;
    double v = strtod(t->cell[cell], &end);

    if (end != t->cell[cell] && !*end)
        return v;
    table_bad(t, "a number is none");
    return NAN;
}

const char *table_words(const struct table *t, int cell)
{
    const char *s = t->cell[cell];

    return *s == '\'' && s[1] && strchr("=+-@", s[1]) ? s + 1 : s; /* as escape_csv() puts it */
}
