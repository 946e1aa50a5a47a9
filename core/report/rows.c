/* rows.c - tables as write.c writes them, read row by row. */
#include "rows.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_BYTES (512u << 20)

int rows_bad(struct rows *t, const char *what)
{
    if (!t->status)
        t->status = FAIL(RN_EDATA, "%s:%lld: %s; the file is damaged, restore it or remove it",
                         t->path, (long long)t->line, what);
    return t->status;
}

/* Takes the cell at *at off; a quoted one loses its quotes. */
static char *take_cell(struct rows *t, char **at)
{
    char *from = *at, *to = from, *start = from;

    if (*from == '"') {
        for (from++; *from && (*from != '"' || from[1] == '"'); *to++ = *from++)
            from += *from == '"';
        if (*from != '"') {
            rows_bad(t, "a quote is never closed");
            return NULL;
        }
        from++;
    } else {
        from += strcspn(from, ",");
        to = from;
    }
    if (*from && *from != ',') {
        rows_bad(t, "a quote is closed before the end of its cell");
        return NULL;
    }
    *at = *from ? from + 1 : NULL;
    *to = '\0';
    return start;
}

/* The next line into cells; their number, 0 at the end. */
static int take_line(struct rows *t, char **cells)
{
    int n = 0;

    if (!t->next || !*t->next)
        return 0;
    char *at = t->next, *end = strchr(at, '\n');
    t->line++;
    if (!end)
        return rows_bad(t, "the line does not end");
    *end = '\0';
    t->next = end + 1;
    while (at) {
        if (n == ROW_CELLS)
            return rows_bad(t, "too many cells");
        if (!(cells[n++] = take_cell(t, &at)))
            return t->status;
    }
    return n;
}

int rows_open(struct rows *t, const char *path, const char *columns)
{
    uint64_t bytes;
    void *data;

    *t = (struct rows){.path = path};
    if (!file_exists(path))
        return RN_OK;
    TRY(file_read(path, ROWS_BYTES, &data, &bytes));
    t->text = t->next = data;
    t->line = 1;
    if (strlen(t->text) != bytes)
        return rows_bad(t, "a byte of 0 in a text");
    size_t n = strlen(columns);
    if (strncmp(t->text, columns, n) != 0 || !strchr(",\n", t->text[n])) {
        t->status = FAIL(RN_EDATA, "%s:1: expected a line that begins with '%s'", path, columns);
        return t->status;
    }
    t->line = 0;
    t->n = take_line(t, t->head);
    return t->status;
}

int rows_next(struct rows *t)
{
    int n = t->status ? t->status : take_line(t, t->cell);

    if (n > 0 && n != t->n)
        return rows_bad(t, n < t->n ? "too few cells" : "too many cells");
    return t->status ? t->status : n > 0;
}

void rows_close(struct rows *t)
{
    mem_free(t->text);
    t->text = NULL;
}

int64_t rows_whole(struct rows *t, int cell, int64_t low, int64_t high)
{
    char *end;

    errno = 0;
    long long v = strtoll(t->cell[cell], &end, 10);
    if (end == t->cell[cell] || *end || errno || v < low || v > high) {
        rows_bad(t, "a number is none, or out of range");
        return low;
    }
    return v;
}

double rows_real(struct rows *t, int cell)
{
    char *end;
    double v = strtod(t->cell[cell], &end);

    if (end != t->cell[cell] && !*end)
        return v;
    rows_bad(t, "a number is none");
    return NAN;
}

double rows_share(struct rows *t, int cell)
{
    double v = rows_real(t, cell);

    if (v < 0 || v > 1)
        rows_bad(t, "a share is not between 0 and 1");
    return v < 0 || v > 1 ? NAN : v;
}

const char *rows_words(const struct rows *t, int cell)
{
    const char *s = t->cell[cell];

    return *s == '\'' && s[1] && strchr("=+-@", s[1]) ? s + 1 : s; /* as escape_csv() puts it */
}
