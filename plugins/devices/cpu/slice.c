/* slice.c - who computes what: the share of each thread in a [rows, cols] result. */
#include "cpu.h"

/* whole units to each thread, the first ones a unit more */
static int64_t share(int64_t n, int64_t unit, int i, int parts)
{
    int64_t units = (n + unit - 1) / unit, at = (units * i + parts - 1) / parts * unit;

    return at < n ? at : n;
}

enum axis slice_axis(int64_t rows, int64_t cols)
{
    return cols >= 2 * COL_UNIT ? BY_COLS : rows > ROW_UNIT ? BY_ROWS : BY_FIRST;
}

struct slice slice_rows(int64_t rows, int64_t cols, int thread, int threads)
{
    return (struct slice){share(rows, ROW_UNIT, thread, threads),
                          share(rows, ROW_UNIT, thread + 1, threads), 0, cols};
}

struct slice slice_of(int64_t rows, int64_t cols, int thread, int threads)
{
    switch (slice_axis(rows, cols)) {
    case BY_COLS:
        return (struct slice){0, rows, share(cols, COL_UNIT, thread, threads),
                              share(cols, COL_UNIT, thread + 1, threads)};
    case BY_ROWS: return slice_rows(rows, cols, thread, threads);
    default: return (struct slice){0, thread ? 0 : rows, 0, thread ? 0 : cols};
    }
}

struct slice slice_pieces(int64_t rows, int64_t piece, int thread, int threads)
{
    return (struct slice){share(rows, piece, thread, threads),
                          share(rows, piece, thread + 1, threads), 0, 0};
}
