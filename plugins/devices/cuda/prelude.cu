/* prelude.cu - stands before every text that the CUDA device compiles, kernels.cu and the kernels
 * made of maps, with the functions of <runner/random.h> behind it. The host fills the same structs
 * (cuda.h). */
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef float rn_real; /* in the bodies of maps */

#define WARP       32
#define WARPS      8
#define THREADS    256 /* in a block: WARP * WARPS */
#define BLOCK_U    16  /* RN_BLOCK_U, RN_BLOCK_F */
#define BLOCK_F    64
#define REDUCE_SUM 0 /* enum rn_reduction */
#define REDUCE_MAX 2
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
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
