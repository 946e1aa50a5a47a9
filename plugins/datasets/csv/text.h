/* text.h - a table as text: where its rows and cells are, and where something is wrong. Nothing in
 * the text is changed: a cell is a place in it, and a place is enough to say line and column.
 * Format: RFC 4180, and blank lines, LF, a byte order mark, other delimiters. */
#ifndef CSV_TEXT_H
#define CSV_TEXT_H

#include <runner/abi.h>

struct text {
    const char *path;
    char *bytes;             /* from rn_host */
    const char *begin, *end; /* behind a byte order mark; *end is 0 */
    char delimiter;
    char sha256[72];
};

/* Without its quotes, but with doubled ones inside: no text without quotes has any, so that two
 * cells say the same when their bytes are the same. */
struct cell {
    const char *s;
    size_t n;
    bool last; /* of its row */
};

/* Reads the file; t->bytes is to be freed whatever the status. */
int csv_open_text(struct text *t, const char *path, char delimiter);
/* RN_EDATA with path, line and column of at. */
int csv_wrong(const struct text *t, const char *at, const char *fmt, ...) RN_PRINTF(3, 4);
/* Moves *at over blank lines; false at the end of the file. */
bool csv_row(const struct text *t, const char **at);
/* The cell that begins at *at, which moves to the next one. */
int csv_cell(const struct text *t, const char **at, struct cell *c);
/* No control characters in its beginning, and not that of an image, which may be text, too. */
bool csv_is_text(const struct text *t);
/* The next of "a, b, c", from *s on; false: it was the last. */
bool csv_name(const char **s, const char **name, size_t *n);
/* A cell for a message: the begin of it, without what would disturb a terminal. */
#define CSV_SHOWN 44
const char *csv_shown(const struct cell *c, char out[CSV_SHOWN]);

#endif
