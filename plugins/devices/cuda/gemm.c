/* gemm.c - matrix products by cuBLAS. It stores columns, we store rows: what it takes for C' is C,
 * and C' = B' A', so operands trade places and nothing is copied. */
#include "cuda.h"

int products_launch(struct cuda *c, const struct products *p)
{
    const struct rn_gemm *g = &p->one;
    const cublasOperation_t of_a = g->ta ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t of_b = g->tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    const float one = 1, beta = g->beta;

    if (g->m > INT32_MAX || g->n > INT32_MAX || g->k > INT32_MAX || g->lda > INT32_MAX ||
        g->ldb > INT32_MAX || g->ldc > INT32_MAX)
        return RN_FAIL(RN_EUNSUPPORTED, "a product of %lld x %lld x %lld is more than cuBLAS takes",
                       (long long)g->m, (long long)g->n, (long long)g->k);
    const int m = (int)g->m, n = (int)g->n, k = (int)g->k;
    const int lda = (int)g->lda, ldb = (int)g->ldb, ldc = (int)g->ldc;
    if (p->count == 1)
        return BLAS(api.cublasSgemm_v2(c->blas, of_b, of_a, n, m, k, &one, g->b, ldb, g->a, lda,
                                       &beta, g->c, ldc));
    return BLAS(api.cublasSgemmStridedBatched(c->blas, of_b, of_a, n, m, k, &one, g->b, ldb,
                                              p->next_b, g->a, lda, p->next_a, &beta, g->c, ldc,
                                              p->next_c, (int)p->count));
}
