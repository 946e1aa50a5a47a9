/* blas.cc - libcublas.so.13: products in float, in a fixed order, with every extent checked. */
#include "emulator.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cublas_v2.h>

struct cublasContext {
    CUstream stream;
};

struct product {
    bool ta, tb;
    int64_t m, n, k, lda, ldb, ldc, count, next_a, next_b, next_c;
    float alpha, beta;
    const float *a, *b;
    float *c;
};

[[noreturn]] static void wrong(const char *what)
{
    fprintf(stderr, "cuda_on_cpu: cublas: %s is not in one piece of device memory\n", what);
    abort();
}

/* op(A), columns one behind the other without gaps. */
static std::vector<float> packed(const product &p, const float *a)
{
    std::vector<float> out(size_t(p.m * p.k));

    for (int64_t l = 0; l < p.k; l++)
        for (int64_t i = 0; i < p.m; i++)
            out[size_t(l * p.m + i)] = a[p.ta ? i * p.lda + l : l * p.lda + i];
    return out;
}

/* C = alpha op(A) op(B) + beta C, columns one behind the other; each sum by rising l. */
static void multiply(const product &p, const float *a, const float *b, float *c)
{
    const std::vector<float> columns = packed(p, a);
    std::vector<float> sum(static_cast<size_t>(p.m));

    for (int64_t j = 0; j < p.n; j++) {
        std::fill(sum.begin(), sum.end(), 0.0F);
        for (int64_t l = 0; l < p.k; l++) {
            const float factor = b[p.tb ? l * p.ldb + j : j * p.ldb + l];
            const float *column = columns.data() + l * p.m;
            for (int64_t i = 0; i < p.m; i++)
                sum[size_t(i)] += column[i] * factor;
        }
        for (int64_t i = 0; i < p.m; i++) {
            float &to = c[j * p.ldc + i];
            to = p.beta != 0 ? p.alpha * sum[size_t(i)] + p.beta * to : p.alpha * sum[size_t(i)];
        }
    }
}

static void run(void *arg)
{
    const product &p = *static_cast<product *>(arg);

    for (int64_t i = 0; i < p.count; i++)
        multiply(p, p.a + i * p.next_a, p.b + i * p.next_b, p.c + i * p.next_c);
}

/* A matrix as it lies in memory: rows down a column, ld from one column to the next. */
static void check(const float *at, int64_t rows, int64_t cols, int64_t ld, int64_t count,
                  int64_t next, const char *what)
{
    const int64_t values = (count - 1) * next + (cols - 1) * ld + rows;

    if (rows && cols && !emu_holds(at, size_t(values) * sizeof(float)))
        wrong(what);
}

static cublasStatus_t enqueue_product(cublasHandle_t h, const char *call, const product &p)
{
    if (emu_wanted_to_fail(call))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!h || !h->stream)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    const int64_t a_rows = p.ta ? p.k : p.m, a_cols = p.ta ? p.m : p.k;
    const int64_t b_rows = p.tb ? p.n : p.k, b_cols = p.tb ? p.k : p.n;
    if (p.m < 0 || p.n < 0 || p.k < 0 || p.count < 0 || p.lda < (a_rows > 1 ? a_rows : 1) ||
        p.ldb < (b_rows > 1 ? b_rows : 1) || p.ldc < (p.m > 1 ? p.m : 1))
        return CUBLAS_STATUS_INVALID_VALUE;
    check(p.a, a_rows, a_cols, p.lda, p.count, p.next_a, "A");
    check(p.b, b_rows, b_cols, p.ldb, p.count, p.next_b, "B");
    check(p.c, p.m, p.n, p.ldc, p.count, p.next_c, "C");
    product *copy = static_cast<product *>(malloc(sizeof p));
    *copy = p;
    emu_enqueue(h->stream, run, copy);
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasCreate_v2(cublasHandle_t *h)
{
    if (emu_wanted_to_fail("cublasCreate_v2"))
        return CUBLAS_STATUS_ALLOC_FAILED;
    *h = new cublasContext{nullptr};
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasDestroy_v2(cublasHandle_t h)
{
    emu_wanted_to_fail("cublasDestroy_v2");
    delete h;
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int *version)
{
    *version = 130000;
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasSetStream_v2(cublasHandle_t h, CUstream s)
{
    if (emu_wanted_to_fail("cublasSetStream_v2"))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    h->stream = s;
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void *at, size_t bytes)
{
    if (emu_wanted_to_fail("cublasSetWorkspace_v2"))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!emu_holds(at, bytes))
        wrong("the workspace");
    emu_own(at);
    return CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return emu_wanted_to_fail("cublasSetMathMode") ? CUBLAS_STATUS_INVALID_VALUE
                                                   : CUBLAS_STATUS_SUCCESS;
}

EMU_EXPORT cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta,
                                         cublasOperation_t tb, int m, int n, int k,
                                         const float *alpha, const float *a, int lda,
                                         const float *b, int ldb, const float *beta, float *c,
                                         int ldc)
{
    return enqueue_product(h, "cublasSgemm_v2",
                           {ta != CUBLAS_OP_N, tb != CUBLAS_OP_N, m, n, k, lda, ldb, ldc, 1, 0, 0,
                            0, *alpha, *beta, a, b, c});
}

EMU_EXPORT cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t ta,
                                                    cublasOperation_t tb, int m, int n, int k,
                                                    const float *alpha, const float *a, int lda,
                                                    long long next_a, const float *b, int ldb,
                                                    long long next_b, const float *beta, float *c,
                                                    int ldc, long long next_c, int count)
{
    return enqueue_product(h, "cublasSgemmStridedBatched",
                           {ta != CUBLAS_OP_N, tb != CUBLAS_OP_N, m, n, k, lda, ldb, ldc, count,
                            next_a, next_b, next_c, *alpha, *beta, a, b, c});
}

EMU_EXPORT const char *cublasGetStatusString(cublasStatus_t s)
{
    return s == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "an emulated error";
}
