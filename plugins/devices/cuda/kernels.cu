/* kernels.cu - what the CUDA device computes itself, beside products and the kernels made of maps.
 * Compiled at run time by NVRTC behind the text of prelude.cu. Every sum has a fixed order: no
 * atomics. The first two parameters of each kernel say where to note whose work began. */

/* ---- the step block ----------------------------------------------------------------- */

/* Launched before each replay: parameters travel with the launch, so nothing waits for a copy. */
extern "C" __global__ void set_block(struct block *to, const struct block from)
{
    const uint32_t i = threadIdx.x;

    if (i < BLOCK_U)
        to->u[i] = from.u[i];
    if (i < BLOCK_F)
        to->f[i] = from.f[i];
}

/* ---- batches ------------------------------------------------------------------------ */

/* One thread for each value of the batch. */
extern "C" __global__ void gather(uint32_t *mark, uint32_t tag, const struct block *b, int64_t n,
                                  int64_t cols, int32_t channels, const void *from, uint32_t bytes,
                                  const int32_t *index, uint32_t start_from, const float *scale,
                                  const float *shift, float *out)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (i >= n)
        return;
    const int64_t row = i / cols, col = i - row * cols;
    const int64_t at = (int64_t)index[b->u[start_from] + row] * cols + col;
    const int32_t channel = (int32_t)(col % channels);
    float v = bytes ? (float)((const uint8_t *)from)[at] : ((const float *)from)[at];

    if (scale)
        v *= scale[channel];
    if (shift)
        v += shift[channel];
    out[i] = v;
}

/* ---- sums and maxima ------------------------------------------------------------------ */

/* out[y, col] from some rows of in[rows, cols], those of the block's y: a warp's width of columns,
 * each of the eight warps every eighth row. */
extern "C" __global__ void reduce_cols(uint32_t *mark, uint32_t tag, const struct block *b,
                                       int64_t rows, int64_t cols, int64_t some, const float *in,
                                       float *out, uint32_t out_from, float beta, uint32_t op)
{
    __shared__ float sums[WARPS][WARP];
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int64_t col = (int64_t)blockIdx.x * WARP + lane, first = blockIdx.y * some;
    const int64_t end = first + some < rows ? first + some : rows;
    float sum = neutral(op);

    BEGIN(mark, tag);
    for (int64_t row = first + warp; row < end && col < cols; row += WARPS)
        sum = take(op, sum, in[row * cols + col]);
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || col >= cols)
        return;
    for (uint32_t w = 1; w < WARPS; w++)
        sum = join(op, sum, sums[w][lane]);
    out += b->u[out_from] + blockIdx.y * cols + col;
    *out = beta != 0 ? sum + beta * *out : sum;
}

/* out[x] from the values of in[n] that are the block's. */
extern "C" __global__ void reduce_all(uint32_t *mark, uint32_t tag, const struct block *b,
                                      int64_t n, int64_t some, const float *in, float *out,
                                      uint32_t out_from, float beta, uint32_t op)
{
    __shared__ float sums[WARPS];
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int64_t first = blockIdx.x * some, end = first + some < n ? first + some : n;
    float sum = neutral(op);

    BEGIN(mark, tag);
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS)
        sum = take(op, sum, in[i]);
    sum = join_warp(op, sum);
    if (lane == 0)
        sums[warp] = sum;
    __syncthreads();
    if (threadIdx.x > 0)
        return;
    for (uint32_t w = 1; w < WARPS; w++)
        sum = join(op, sum, sums[w]);
    out += b->u[out_from] + blockIdx.x;
    *out = beta != 0 ? sum + beta * *out : sum;
}

/* ---- convolutions: the matrix of what each window sees -------------------------------- */

/* col[image, y, x of the output; group; i, j of the kernel; channel of the group] = the value of
 * x[images, h, w, channels] there, 0 beside it. One thread for each of its n values. */
extern "C" __global__ void im2col(uint32_t *mark, uint32_t tag, int64_t n, const struct window w,
                                  int32_t groups, const float *x, float *col)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (at >= n)
        return;
    const int32_t some = w.channels / groups;
    const int32_t channel = (int32_t)(at % some), j = (int32_t)(at / some % w.kernel_w);
    const int64_t taps = at / some / w.kernel_w;
    const int32_t i = (int32_t)(taps % w.kernel_h), group = (int32_t)(taps / w.kernel_h % groups);
    const int64_t place = taps / w.kernel_h / groups; /* image, y, x */
    const int32_t ox = (int32_t)(place % w.out_w), oy = (int32_t)(place / w.out_w % w.out_h);
    const int64_t image = place / w.out_w / w.out_h;
    const int32_t iy = oy * w.stride_h + i * w.dilation_h - w.pad_top;
    const int32_t ix = ox * w.stride_w + j * w.dilation_w - w.pad_left;
    const bool inside = iy >= 0 && iy < w.h && ix >= 0 && ix < w.w;

    col[at] = inside ? x[((image * w.h + iy) * w.w + ix) * w.channels + group * some + channel] : 0;
}

/* The window along one axis that has element `in` of the input at place `tap`; -1: none. */
static __device__ __forceinline__ int32_t window_at(int32_t in, int32_t tap, int32_t pad,
                                                    int32_t dilation, int32_t stride, int32_t out)
{
    const int32_t at = in + pad - tap * dilation;

    return at < 0 || at % stride || at / stride >= out ? -1 : at / stride;
}

/* x[images, h, w, channels] = the sum of all of col that im2col would have taken from there, in
 * the order of the kernel's elements, + beta x. One thread for each of its n values. */
extern "C" __global__ void col2im(uint32_t *mark, uint32_t tag, int64_t n, const struct window w,
                                  int32_t groups, const float *col, float *x, float beta)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (at >= n)
        return;
    const int32_t some = w.channels / groups, of_all = (int32_t)(at % w.channels);
    const int32_t group = of_all / some, channel = of_all % some;
    const int32_t ix = (int32_t)(at / w.channels % w.w);
    const int32_t iy = (int32_t)(at / w.channels / w.w % w.h);
    const int64_t image = at / w.channels / w.w / w.h;
    float sum = 0;

    for (int32_t i = 0; i < w.kernel_h; i++) {
        const int32_t oy = window_at(iy, i, w.pad_top, w.dilation_h, w.stride_h, w.out_h);
        for (int32_t j = 0; j < w.kernel_w && oy >= 0; j++) {
            const int32_t ox = window_at(ix, j, w.pad_left, w.dilation_w, w.stride_w, w.out_w);
            const int64_t place = (image * w.out_h + oy) * w.out_w + ox;
            if (ox >= 0)
                sum += col[(((place * groups + group) * w.kernel_h + i) * w.kernel_w + j) * some +
                           channel];
        }
    }
    x[at] = beta != 0 ? sum + beta * x[at] : sum;
}

/* y[n / cols, cols] += bias[cols] */
extern "C" __global__ void add_bias(uint32_t *mark, uint32_t tag, int64_t n, int32_t cols,
                                    const float *bias, float *y)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (i < n)
        y[i] += bias[i % cols];
}

/* ---- pooling -------------------------------------------------------------------------- */

struct place { /* of a value of an image or of a pool's result */
    int32_t channel, x, y;
    int64_t image;
};

static __device__ __forceinline__ struct place place_of(int64_t at, int32_t channels, int32_t w,
                                                        int32_t h)
{
    struct place p;

    p.channel = (int32_t)(at % channels);
    p.x = (int32_t)(at / channels % w);
    p.y = (int32_t)(at / channels / w % h);
    p.image = at / channels / w / h;
    return p;
}

/* The elements of a window along one axis that lie in the image: first to end - 1. */
struct part {
    int32_t at, first, end;
};

static __device__ __forceinline__ struct part part_of(int32_t out, int32_t size, int32_t kernel,
                                                      int32_t stride, int32_t dilation, int32_t pad)
{
    struct part p;

    p.at = out * stride - pad;
    p.first = p.at < 0 ? (dilation - 1 - p.at) / dilation : 0;
    p.end = p.at >= size                             ? 0
            : p.at + (kernel - 1) * dilation >= size ? (size - p.at + dilation - 1) / dilation
                                                     : kernel;
    p.end = p.end < p.first ? p.first : p.end;
    return p;
}

static __device__ __forceinline__ struct part rows_of(const struct window &w, int32_t y)
{
    return part_of(y, w.h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top);
}

static __device__ __forceinline__ struct part cols_of(const struct window &w, int32_t x)
{
    return part_of(x, w.w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left);
}

/* What an average divides by. */
static __device__ __forceinline__ float share_of(const struct window &w, struct part rows,
                                                 struct part cols, uint32_t inside_only)
{
    const int32_t inside = (rows.end - rows.first) * (cols.end - cols.first);

    return 1 / (float)(!inside_only ? w.kernel_h * w.kernel_w : inside ? inside : 1);
}

/* y and where [images, out_h, out_w, channels] from x: one thread for each of the n values. */
extern "C" __global__ void pool_max(uint32_t *mark, uint32_t tag, int64_t n, const struct window w,
                                    const float *x, float *y, float *where)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (at >= n)
        return;
    const struct place p = place_of(at, w.channels, w.out_w, w.out_h);
    const struct part rows = rows_of(w, p.y), cols = cols_of(w, p.x);
    float best = -INFINITY;
    int32_t found = rows.first * w.kernel_w + cols.first;

    for (int32_t i = rows.first; i < rows.end; i++)
        for (int32_t j = cols.first; j < cols.end; j++) {
            const int32_t iy = rows.at + i * w.dilation_h, ix = cols.at + j * w.dilation_w;
            const float v = x[((p.image * w.h + iy) * w.w + ix) * w.channels + p.channel];
            if (!(v <= best) && best == best) { /* NaN is larger than all, the first stays */
                best = v;
                found = i * w.kernel_w + j;
            }
        }
    y[at] = best;
    if (where)
        where[at] = (float)found;
}

extern "C" __global__ void pool_average(uint32_t *mark, uint32_t tag, int64_t n,
                                        const struct window w, const float *x, float *y,
                                        uint32_t inside_only)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (at >= n)
        return;
    const struct place p = place_of(at, w.channels, w.out_w, w.out_h);
    const struct part rows = rows_of(w, p.y), cols = cols_of(w, p.x);
    float sum = 0;

    for (int32_t i = rows.first; i < rows.end; i++)
        for (int32_t j = cols.first; j < cols.end; j++) {
            const int32_t iy = rows.at + i * w.dilation_h, ix = cols.at + j * w.dilation_w;
            sum += x[((p.image * w.h + iy) * w.w + ix) * w.channels + p.channel];
        }
    y[at] = sum * share_of(w, rows, cols, inside_only);
}

/* x [images, h, w, channels] = what the windows over it pass back + beta x: one thread for each of
 * the n values. where: NULL for averages. */
extern "C" __global__ void pool_back(uint32_t *mark, uint32_t tag, int64_t n, const struct window w,
                                     const float *y, const float *where, float *x,
                                     uint32_t inside_only, float beta)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;

    BEGIN(mark, tag);
    if (at >= n)
        return;
    const struct place p = place_of(at, w.channels, w.w, w.h);
    float sum = 0;

    for (int32_t i = 0; i < w.kernel_h; i++) {
        const int32_t oy = window_at(p.y, i, w.pad_top, w.dilation_h, w.stride_h, w.out_h);
        for (int32_t j = 0; j < w.kernel_w && oy >= 0; j++) {
            const int32_t ox = window_at(p.x, j, w.pad_left, w.dilation_w, w.stride_w, w.out_w);
            if (ox < 0)
                continue;
            const int64_t o = ((p.image * w.out_h + oy) * w.out_w + ox) * w.channels + p.channel;
            if (!where)
                sum += y[o] * share_of(w, rows_of(w, oy), cols_of(w, ox), inside_only);
            else if (where[o] == (float)(i * w.kernel_w + j))
                sum += y[o];
        }
    }
    x[at] = beta != 0 ? sum + beta * x[at] : sum;
}
