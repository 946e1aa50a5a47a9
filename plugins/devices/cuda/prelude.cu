/* prelude.cu - stands before every text that the CUDA device compiles, kernels.cu and the kernels
 * made of maps, with the functions of <runner/random.h> behind it. The host fills the same structs
 * (cuda.h). */
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef float rn_real; /* in the bodies of maps */

#define WARP               32
#define WARPS              8
#define THREADS            256 /* in a block: WARP * WARPS */
#define BLOCK_U            16  /* RN_BLOCK_U, RN_BLOCK_F */
#define BLOCK_F            64
#define REDUCE_SUM         0 /* enum rn_reduction */
#define REDUCE_SUM_SQUARES 1
#define REDUCE_MAX         2
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif

/* Rows are short: a loop that is unrolled compiles for longer than it ever runs. */
#ifdef __CUDACC_RTC__
#define ROLLED _Pragma("unroll 1")
#else
#define ROLLED
#endif

/* Notes in the host's memory whose work began: what is left when the device no longer answers. */
#define BEGIN(mark, tag) \
    do { \
        if (blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) \
            *(volatile uint32_t *)(mark) = (tag); \
    } while (0)

struct block { /* struct rn_block */
    uint64_t u[BLOCK_U];
    float f[BLOCK_F];
};

struct window { /* struct rn_window */
    int32_t h, w, channels;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
};

/* ---- what a warp does with a row -------------------------------------------------------- */

__device__ __forceinline__ float neutral(uint32_t op) { return op == REDUCE_MAX ? -INFINITY : 0; }

__device__ __forceinline__ float larger(float m, float x) /* NaN stays */
{
    return x > m || x != x ? x : m;
}

__device__ __forceinline__ float take(uint32_t op, float sum, float x)
{
    return op == REDUCE_MAX ? larger(sum, x) : op == REDUCE_SUM ? sum + x : sum + x * x;
}

__device__ __forceinline__ float join(uint32_t op, float a, float b)
{
    return op == REDUCE_MAX ? larger(a, b) : a + b;
}

__device__ __forceinline__ float join_warp(uint32_t op, float sum)
{
    for (uint32_t away = WARP / 2; away > 0; away /= 2)
        sum = join(op, sum, __shfl_xor_sync(0xffffffffu, sum, away));
    return sum;
}

/* *out = the row's n values reduced, + beta *out. */
__device__ __forceinline__ void reduce_row(uint32_t op, const float *in, int64_t n, float *out,
                                           float beta)
{
    float sum = neutral(op);

    for (int64_t i = threadIdx.x % WARP; i < n; i += WARP)
        sum = take(op, sum, in[i]);
    sum = join_warp(op, sum);
    if (threadIdx.x % WARP == 0)
        *out = beta != 0 ? sum + beta * *out : sum;
}

/* *out = the first place of the largest of n values. Nothing is larger than a NaN in the first
 * place, and a NaN elsewhere is not looked at. */
__device__ __forceinline__ void argmax_row(const float *in, int64_t n, float *out)
{
    const int32_t nowhere = 0x7fffffff;
    float best = -INFINITY;
    int32_t at = nowhere;

    for (int64_t i = threadIdx.x % WARP; i < n; i += WARP)
        if (in[i] > best) {
            best = in[i];
            at = (int32_t)i;
        }
    for (uint32_t away = WARP / 2; away > 0; away /= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, best, away);
        const int32_t other_at = __shfl_xor_sync(0xffffffffu, at, away);
        if (other > best || (other == best && other_at < at)) {
            best = other;
            at = other_at;
        }
    }
    if (threadIdx.x % WARP == 0)
        *out = (float)(at == nowhere || in[0] != in[0] ? 0 : at);
}
