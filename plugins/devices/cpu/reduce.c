/* reduce.c - sums and maxima. They run in an order that depends neither on the number of threads
 * nor on the width of the vector unit. Long sums are made of short ones, which are added up in
 * double. */
#include "cpu.h"

#define LANES      16
#define BLOCK      1024 /* values in a row that one short sum covers */
#define BLOCK_ROWS 64   /* rows that one short sum of columns covers */

static inline rn_real larger(rn_real m, rn_real x) /* NaN stays */
{
    return x > m || x != x ? x : m;
}

static inline rn_real combine(int op, rn_real acc, rn_real x)
{
    return op == RN_MAX ? larger(acc, x) : op == RN_SUM ? acc + x : acc + x * x;
}

static inline double join(int op, double acc, rn_real x)
{
    return op == RN_MAX ? (double)larger((rn_real)acc, x) : acc + (double)x;
}

static inline rn_real neutral(int op) { return op == RN_MAX ? -INFINITY : 0; }

/* ---- along a row ---------------------------------------------------------------- */

static inline rn_real block_sum(int op, const rn_real *x, int64_t n)
{
    rn_real lane[LANES], acc = neutral(op);
    int64_t i = 0;

    for (int l = 0; l < LANES; l++)
        lane[l] = neutral(op);
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = combine(op, lane[l], x[i + l]);
    for (; i < n; i++)
        acc = combine(op, acc, x[i]);
    for (int l = 0; l < LANES; l++) /* the lanes hold sums, not values */
        acc = combine(op == RN_MAX ? RN_MAX : RN_SUM, acc, lane[l]);
    return acc;
}

RN_CLONES static double long_reduce(int op, const rn_real *x, int64_t n)
{
    double total = (double)neutral(op);

    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t some = n - i < BLOCK ? n - i : BLOCK;

        total = join(op, total,
                     op == RN_MAX   ? block_sum(RN_MAX, x + i, some)
                     : op == RN_SUM ? block_sum(RN_SUM, x + i, some)
                                    : block_sum(RN_SUM_SQUARES, x + i, some));
    }
    return total;
}

/* ---- down the columns ------------------------------------------------------------- */

/* total[0..n-1] from rows x n values, ld apart; n <= LANES */
static inline void add_block(int op, const rn_real *in, int64_t rows, int64_t n, int64_t ld,
                             double *total)
{
    rn_real acc[LANES];

    for (int64_t l = 0; l < n; l++)
        acc[l] = neutral(op);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t l = 0; l < n; l++)
            acc[l] = combine(op, acc[l], in[r * ld + l]);
    for (int64_t l = 0; l < n; l++)
        total[l] = join(op, total[l], acc[l]);
}

static inline void add_blocks(int op, const rn_real *in, int64_t rows, int64_t n, int64_t ld,
                              double *total)
{
    for (int64_t l = 0; l < n; l++)
        total[l] = (double)neutral(op);
    for (int64_t r = 0; r < rows; r += BLOCK_ROWS) {
        int64_t some = rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS, c = 0;

        for (; c + LANES <= n; c += LANES) /* a constant: the sums stay in registers */
            add_block(op, in + r * ld + c, some, LANES, ld, total + c);
        if (c < n)
            add_block(op, in + r * ld + c, some, n - c, ld, total + c);
    }
}

RN_CLONES static void column_sums(int op, const rn_real *in, int64_t rows, int64_t n, int64_t ld,
                                  double *total)
{
    if (op == RN_MAX)
        add_blocks(RN_MAX, in, rows, n, ld, total);
    else if (op == RN_SUM)
        add_blocks(RN_SUM, in, rows, n, ld, total);
    else
        add_blocks(RN_SUM_SQUARES, in, rows, n, ld, total);
}

/* ---- who does what ------------------------------------------------------------------- */

static void put(const struct rn_reduce *r, rn_real *out, double v)
{
    *out = r->beta != 0 ? (rn_real)v + r->beta * *out : (rn_real)v;
}

static void reduce_cols(const struct rn_reduce *r, rn_real *out, struct slice s)
{
    double total[COL_UNIT];

    for (int64_t c = s.c0; c < s.c1; c += COL_UNIT) {
        int64_t n = s.c1 - c < COL_UNIT ? s.c1 - c : COL_UNIT;

        column_sums(r->op, r->in + c, r->rows, n, r->cols, total);
        for (int64_t i = 0; i < n; i++)
            put(r, &out[c + i], total[i]);
    }
}

int64_t reduce_piece(int over) { return over == RN_ONE ? 16 * BLOCK : 8 * BLOCK_ROWS; }

int64_t reduce_parts(const struct rn_reduce *r)
{
    int64_t n = r->over == RN_ONE ? r->rows * r->cols : r->rows;
    int64_t piece = reduce_piece(r->over);

    return r->over != RN_PER_ROW && n >= 4 * piece ? (n + piece - 1) / piece : 0;
}

static void one_part(const struct rn_reduce *r, int64_t first, int64_t n, double *total)
{
    if (r->over == RN_ONE)
        *total = long_reduce(r->op, r->in + first, n);
    else
        column_sums(r->op, r->in + first * r->cols, n, r->cols, r->cols, total);
}

static void some_parts(const struct rn_reduce *r, double *parts, struct slice s)
{
    int64_t piece = reduce_piece(r->over), width = r->over == RN_ONE ? 1 : r->cols;

    for (int64_t i = s.r0; i < s.r1; i += piece)
        one_part(r, i, s.r1 - i < piece ? s.r1 - i : piece, parts + i / piece * width);
}

static void add_parts(const struct rn_reduce *r, rn_real *out, const double *parts, struct slice s)
{
    int64_t n = reduce_parts(r), width = r->over == RN_ONE ? 1 : r->cols;

    for (int64_t c = s.c0; c < s.c1; c++) {
        double total = parts[c];

        for (int64_t i = 1; i < n; i++)
            total = r->op == RN_MAX ? join(RN_MAX, total, (rn_real)parts[i * width + c])
                                    : total + parts[i * width + c];
        put(r, &out[c], total);
    }
}

void reduce_run(const struct op *op, const struct rn_block *b, int64_t u0, int64_t u1)
{
    const struct rn_reduce *r = &op->does.reduce;
    rn_real *out = r->out + b->u[r->out_from];
    int64_t width = r->over == RN_PER_COL ? r->cols : 1;
    bool one = r->over == RN_ONE;

    if (op->step == REDUCE_PARTS) {
        some_parts(r, op->parts, slice_of(&op->share, op->share.n, 1, u0, u1));
    } else if (op->step == REDUCE_ADD_UP) {
        add_parts(r, out, op->parts, slice_of(&op->share, 1, width, u0, u1));
    } else if (r->over == RN_PER_COL) {
        reduce_cols(r, out, slice_of(&op->share, 1, width, u0, u1));
    } else {
        int64_t cols = one ? r->rows * r->cols : r->cols;
        struct slice s = slice_of(&op->share, one ? 1 : r->rows, 1, u0, u1);
        for (int64_t i = s.r0; i < s.r1; i++)
            put(r, &out[i], long_reduce(r->op, r->in + i * cols, cols));
    }
}
