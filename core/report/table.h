/* table.h - tables as write.c writes them, read row by row. Nothing in them is trusted. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/mem.h"

#define TABLE_CELLS 256

/* An error in a cell is kept in status and told by the next call of table_next(). */
struct table {
    const char *path;
    char *text, *next; /* next: where the rest begins */
    char *head[TABLE_CELLS], *cell[TABLE_CELLS];
    int64_t line;
    int n, status; /* n: cells of each row */
};

/* columns: those that its first line begins with, "step,epoch,loss"; more may follow. A file that
 * is not there has no rows. path stays the caller's. RN_EDATA. Close it after an error, too. */
int table_open(struct table *t, const char *path, const char *columns);
int table_next(struct table *t); /* 1: there is a row; 0: there is none; < 0: an error */
void table_close(struct table *t);

/* Of the row: a whole number from low to high, a real, words. */
int64_t table_whole(struct table *t, int cell, int64_t low, int64_t high);
double table_real(struct table *t, int cell);
const char *table_words(const struct table *t, int cell);
/* RN_EDATA with the place and what is wrong. */
int table_bad(struct table *t, const char *what);

#endif
