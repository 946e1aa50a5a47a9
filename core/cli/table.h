/* table.h - a table for a terminal: cells cleaned and aligned by the columns that they take. */
#ifndef TABLE_H
#define TABLE_H

#include "base/mem.h"

enum { TABLE_COLUMNS = 16 };

struct table {
    struct pool *p;
    int columns;
    bool right[TABLE_COLUMNS]; /* numbers: aligned at their end */
    const char **cells;        /* row by row */
    int n, cap;
    int rules[2], n_rules; /* rows above which a line is drawn */
};

void table_rule(struct table *t, int row);
/* A copy; NULL is an empty cell. RN_ENOMEM. */
int table_add(struct table *t, const char *cell);
/* Columns without any cell but that of the first row are left out. width: of the terminal, 0: any;
 * the last column is cut to it. Nothing is written behind the last word of a line. */
void table_text(const struct table *t, int width, struct text *out);

int table_width(const char *s); /* columns that a text takes on a terminal */
int terminal_columns(void);     /* of standard output; 0: it is none */

#endif
