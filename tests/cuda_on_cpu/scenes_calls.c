/* scenes_calls.c - products, limits of launches, and what one asks the emulator for. */
#define _GNU_SOURCE
#include "scene.h"

#include <cublas_v2.h>

#include <stdlib.h>

#pragma GCC diagnostic error "-Wunused-function" /* NVIDIA's header turns it off */

/* ---- products -------------------------------------------------------------------------------- */

/* C (4 x 2) = A (4 x 3) B (3 x 2), columns one behind the other, of 0, 1, 2, ... */
static cublasStatus_t product(CUdeviceptr *c, int lda, int ldb, float beta, bool wait)
{
    static const float alpha = 1;
    CUdeviceptr a = give(12 * sizeof(float)), b = give(6 * sizeof(float));
    float v[12];
    cublasHandle_t blas;

    for (int i = 0; i < 12; i++)
        v[i] = (float)i;
    *c = give(8 * sizeof(float));
    MUST(cuMemcpyHtoDAsync_v2(a, v, sizeof v, stream));
    MUST(cuMemcpyHtoDAsync_v2(b, v, 6 * sizeof(float), stream));
    MUST(cublasCreate_v2(&blas));
    MUST(cublasSetStream_v2(blas, wait ? stream : other));
    return cublasSgemm_v2(blas, CUBLAS_OP_N, CUBLAS_OP_N, 4, 2, 3, &alpha, (float *)a, lda,
                          (float *)b, ldb, &beta, (float *)*c, 4);
}

static bool product_right(CUdeviceptr c)
{
    static const float right[8] = {20, 23, 26, 29, 56, 68, 80, 92};
    float v[8];
    bool all = true;

    MUST(cuMemcpyDtoHAsync_v2(v, c, sizeof v, stream));
    MUST(cuStreamSynchronize(stream));
    for (int i = 0; i < 8; i++)
        all &= v[i] == right[i];
    return all;
}

static bool leading_dimensions_swapped(int bug)
{
    CUdeviceptr c;
    cublasStatus_t status = product(&c, bug ? 3 : 4, bug ? 4 : 3, 0, true);

    return status == CUBLAS_STATUS_SUCCESS ? product_right(c)
                                           : status != CUBLAS_STATUS_INVALID_VALUE;
}

static bool product_extents(int bug)
{
    CUdeviceptr c;

    MUST(product(&c, 4, bug ? 4 : 3, 0, true));
    return product_right(c);
}

static bool product_reads_c(int bug)
{
    CUdeviceptr c;

    MUST(product(&c, 4, 3, bug ? 1 : 0, true));
    return product_right(c);
}

static bool product_in_another_stream(int bug)
{
    CUdeviceptr c;

    MUST(product(&c, 4, 3, 0, !bug));
    return product_right(c);
}

/* ---- limits and failures on demand ----------------------------------------------------------- */

static bool launch_limits(int bug)
{
    static const struct {
        unsigned blocks, blocks_y, threads, threads_y;
    } sizes[2][6] = {{{1, 1, 1, 1},
                      {3, 2, 32, 1},
                      {1, 1, 1024, 1},
                      {1, 65535, 1, 1},
                      {70000, 1, 1, 1},
                      {1, 1, 32, 32}},
                     {{0, 1, 1, 1},
                      {1, 0, 32, 1},
                      {1, 1, 1025, 1},
                      {1, 65536, 1, 1},
                      {1, 1, 0, 1},
                      {1, 1, 65536, 65536}}}; /* 0 in 32 bits */
    CUdeviceptr x = give(1024 * sizeof(float));
    float zero = 0;
    void *args[] = {&x, &zero};
    CUfunction f;
    bool right = true;

    MUST(cuModuleGetFunction(&f, module, "add"));
    for (int i = 0; i < 6; i++)
        right &= cuLaunchKernel(f, sizes[bug][i].blocks, sizes[bug][i].blocks_y, 1,
                                sizes[bug][i].threads, sizes[bug][i].threads_y, 1, 0, stream, args,
                                NULL) == (bug ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS);
    return right != bug; /* all were refused: caught */
}

static bool second_alloc_fails(int bug)
{
    CUdeviceptr at = 0;

    setenv("RN_EMU_FAIL", bug ? "cuMemAlloc_v2:2" : "cuMemAlloc_v2:4", 1);
    CUresult first = cuMemAlloc_v2(&at, 10), second = cuMemAlloc_v2(&at, 10),
             third = cuMemAlloc_v2(&at, 10);
    return first || third || second != CUDA_ERROR_OUT_OF_MEMORY;
}

static bool all_fail_from_the_second(int bug)
{
    CUdeviceptr at = 0;

    setenv("RN_EMU_FAIL", bug ? "cuMemAlloc_v2:2+" : "cuMemAlloc_v2:4+", 1);
    CUresult first = cuMemAlloc_v2(&at, 10), second = cuMemAlloc_v2(&at, 10),
             third = cuMemAlloc_v2(&at, 10);
    return first || !second || !third;
}

/* The error is told of by a wait, and stays. */
static bool kernel_fails(int bug)
{
    CUdeviceptr x = give_numbers();
    float one = 1;

    setenv("RN_EMU_FAIL", bug ? "kernel:add:2" : "kernel:add:3", 1);
    launch("add", &x, &one);
    MUST(cuStreamSynchronize(stream));
    launch("add", &x, &one);
    CUresult waited = cuStreamSynchronize(stream), then = cuMemAlloc_v2(&x, 10);
    return waited != CUDA_ERROR_ILLEGAL_ADDRESS || then != CUDA_ERROR_ILLEGAL_ADDRESS;
}

static bool little_memory(int bug)
{
    CUdeviceptr at;

    setenv("RN_EMU_MEMORY", "1", 1);
    return cuMemAlloc_v2(&at, bug ? (1 << 20) + 1 : 1 << 20) != CUDA_ERROR_OUT_OF_MEMORY;
}

static bool all_memory(size_t bytes)
{
    CUdeviceptr at;

    return cuMemAlloc_v2(&at, bytes) == CUDA_SUCCESS &&
           cuMemAlloc_v2(&at, 1) == CUDA_ERROR_OUT_OF_MEMORY;
}

static bool memory_with_a_unit(int bug)
{
    setenv("RN_EMU_MEMORY", bug ? "1K" : "2M", 1);
    return all_memory(2 << 20);
}

static bool older_card(int bug)
{
    int major = 0, minor = 0;

    if (bug)
        setenv("RN_EMU_CC", "75", 1);
    MUST(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
    MUST(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0));
    return major == 9 && minor == 0;
}

static bool denormals(int bug)
{
    CUdeviceptr x = give(N * sizeof(float));
    float v[N], tiny = bug ? 1e-39f : 1e-37f;

    MUST(cuMemsetD32Async(x, 0, N, stream));
    launch("add", &x, &tiny);
    get(x, v);
    return v[3] > 0;
}

const struct scene call_scenes[] = {
    {"leading dimensions swapped", leading_dimensions_swapped, ALWAYS, NULL, false},
    {"product beyond its operand", product_extents, MISUSE, "cublas: B is not in one piece", false},
    {"product reads C", product_reads_c, ALWAYS, NULL, false},
    {"product in another stream", product_in_another_stream, SOMETIMES, NULL, false},
    {"launch limits", launch_limits, ALWAYS, NULL, false},
    {"the second call fails", second_alloc_fails, ALWAYS, NULL, false},
    {"calls fail from the second on", all_fail_from_the_second, ALWAYS, NULL, false},
    {"a kernel fails", kernel_fails, ALWAYS, NULL, false},
    {"little memory", little_memory, ALWAYS, NULL, false},
    {"memory with a unit", memory_with_a_unit, MISUSE, "RN_EMU_MEMORY is '1K'", false},
    {"an older card", older_card, ALWAYS, NULL, false},
    {"denormals are zero", denormals, ALWAYS, NULL, false},
    {NULL, NULL, ALWAYS, NULL, false},
};
