/* rows.h - tables as write.c writes them, read row by row. Nothing in them is trusted. */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include "base/mem.h"

#define ROW_CELLS 256

/* An error in a cell is kept in status and told by the next call of rows_next(). */
struct rows {
    const char *path;
    char *text, *next; /* next: where the rest begins */
    char *head[ROW_CELLS], *cell[ROW_CELLS];
    int64_t line;
    int n, status; /* n: cells of each row */
};

/* columns: those that its first line begins with, "step,epoch,loss"; more may follow. A file that
 * is not there has no rows. path stays the caller's. RN_EDATA. Close it after an error, too. */
int rows_open(struct rows *t, const char *path, const char *columns);
int rows_next(struct rows *t); /* 1: there is a row; 0: there is none; < 0: an error */
void rows_close(struct rows *t);

/* Of the row: a whole number from low to high, a real, a real from 0 to 1 or NaN, words. */
int64_t rows_whole(struct rows *t, int cell, int64_t low, int64_t high);
double rows_real(struct rows *t, int cell);
double rows_share(struct rows *t, int cell);
const char *rows_words(const struct rows *t, int cell);
/* RN_EDATA with the place and what is wrong. */
int rows_bad(struct rows *t, const char *what);

#endif
