/* slice.c - who computes what: the share of each thread in a [rows, cols] result. */
#include "cpu.h"

#define UNIT 16 /* floats of a cache line: no line belongs to two threads */

static int64_t share(int64_t n, int64_t unit, int i, int parts)
{
    int64_t units = (n + unit - 1) / unit, at = units * i / parts * unit;

    return at < n ? at : n;
}

enum axis slice_axis(int64_t rows, int64_t cols, int threads)
{
    return cols >= (int64_t)UNIT * threads ? BY_COLS : rows >= threads ? BY_ROWS : BY_FIRST;
}

struct slice slice_rows(int64_t rows, int64_t cols, int thread, int threads)
{
    return (struct slice){share(rows, 1, thread, threads), share(rows, 1, thread + 1, threads), 0,
                          cols};
}

struct slice slice_of(int64_t rows, int64_t cols, int thread, int threads)
{
    switch (slice_axis(rows, cols, threads)) {
    case BY_COLS:
        return (struct slice){0, rows, share(cols, UNIT, thread, threads),
                              share(cols, UNIT, thread + 1, threads)};
    case BY_ROWS: return slice_rows(rows, cols, thread, threads);
    default: return (struct slice){0, thread ? 0 : rows, 0, thread ? 0 : cols};
    }
}
