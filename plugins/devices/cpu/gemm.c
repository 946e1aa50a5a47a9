/* gemm.c - matrix products by oneDNN, a unit of the result at a time (cpu.h says why). Where the
 * rows of an operand lie a multiple of a page apart, what a kernel reads side by side falls into
 * the same few sets of the cache: such an operand is copied block by block to a place of its own
 * first, which makes products of 1024 columns twice as fast. How it is cut depends on the shape
 * alone. */
#include "cpu.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#define B_APART 512  /* rows of B that lie a multiple of so many values apart are copied */
#define A_APART 1024 /* the same of A transposed */
#define REUSED  16   /* rows of C for which copying B is worth it */
#define K_BLOCK 256  /* of a copied operand */
#define ROWS    64   /* of C, for which a block of A is copied */
_Static_assert(K_BLOCK *(ROWS + 2 * COL_UNIT) <= GEMM_ROOM, "a block of each, B's up to two units");

static bool copies_a(const struct rn_gemm *g) { return g->ta && g->lda % A_APART == 0; }

static bool copies_b(const struct rn_gemm *g)
{
    return !g->tb && g->ldb % B_APART == 0 && g->m >= REUSED;
}

static bool copies(const struct rn_gemm *g) { return copies_a(g) || copies_b(g); }

/* rows x cols from a place with ld between rows to one without gaps */
static void copy_block(const rn_real *from, int64_t rows, int64_t cols, int64_t ld, rn_real *to)
{
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * cols, from + r * ld, (size_t)cols * sizeof *to);
}

static dnnl_status_t multiply(const struct rn_gemm *g)
{
    return dnnl_sgemm(g->ta ? 'T' : 'N', g->tb ? 'T' : 'N', g->m, g->n, g->k, 1.f, g->a, g->lda,
                      g->b, g->ldb, g->beta, g->c, g->ldc);
}

/* rows r0 .. r0 + m - 1 of the product g */
static struct rn_gemm rows_of(const struct rn_gemm *g, int64_t r0, int64_t m)
{
    struct rn_gemm part = *g;

    part.m = m;
    part.a = g->ta ? g->a + r0 : g->a + r0 * g->lda;
    part.c = g->c + r0 * g->ldc;
    return part;
}

static dnnl_status_t multiply_copied_a(const struct rn_gemm *g, rn_real *room)
{
    for (int64_t r = 0; r < g->m; r += ROWS) {
        struct rn_gemm part = rows_of(g, r, least(ROWS, g->m - r));
        copy_block(part.a, part.k, part.m, part.lda, room);
        part.a = room;
        part.lda = part.m;
        dnnl_status_t status = multiply(&part);
        if (status != dnnl_success)
            return status;
    }
    return dnnl_success;
}

/* g->n is less than two units */
static dnnl_status_t multiply_blocks(const struct rn_gemm *g, rn_real *room)
{
    dnnl_status_t status = dnnl_success;

    for (int64_t k = 0; k < g->k && status == dnnl_success; k += K_BLOCK) {
        struct rn_gemm part = *g;
        part.k = least(K_BLOCK, g->k - k);
        part.a = g->ta ? g->a + k * g->lda : g->a + k;
        part.b = g->tb ? g->b + k : g->b + k * g->ldb;
        part.beta = k ? 1 : g->beta;
        if (copies_b(g)) {
            copy_block(part.b, part.k, part.n, part.ldb, room);
            part.b = room;
            part.ldb = part.n;
        }
        status =
            copies_a(g) ? multiply_copied_a(&part, room + 2 * K_BLOCK * COL_UNIT) : multiply(&part);
    }
    return status;
}

/* C[r0..r1, c0..c1] */
static dnnl_status_t multiply_unit(const struct rn_gemm *g, struct slice s, rn_real *room)
{
    struct rn_gemm part = rows_of(g, s.r0, s.r1 - s.r0);

    part.n = s.c1 - s.c0;
    part.b = g->tb ? g->b + s.c0 * g->ldb : g->b + s.c0;
    part.c += s.c0;
    return copies(g) && g->k ? multiply_blocks(&part, room) : multiply(&part);
}

int gemm_run(const struct op *op, rn_real *room, int64_t u0, int64_t u1)
{
    const struct rn_gemm *g = &op->does.gemm;

    for (int64_t u = u0; u < u1; u++)
        if (multiply_unit(g, slice_of(&op->share, g->m, g->n, u, u + 1), room) != dnnl_success)
            return RN_EDEVICE;
    return RN_OK;
}
