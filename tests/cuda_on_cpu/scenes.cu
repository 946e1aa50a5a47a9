/* scenes.cu - the kernels of the scenes of test_emulator.c, with the bugs that can be planted. */
#define FULL 0xffffffffu
extern "C" __global__ void add(float *x, float v) { x[threadIdx.x] += v; }
extern "C" __global__ void put_at(float *x, long long i) { x[i] = 1; }
extern "C" __global__ void turn(float *x, int bug) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    if (!bug)
        __syncthreads();
    x[threadIdx.x] = s[63 - threadIdx.x];
}
extern "C" __global__ void turn_twice(float *x, int bug) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    float y = s[63 - threadIdx.x];
    if (!bug)
        __syncthreads();
    s[threadIdx.x] = y;
    __syncthreads();
    x[threadIdx.x] = s[63 - threadIdx.x];
}
extern "C" __global__ void divergent(float *x, int bug) {
    if (threadIdx.x < 40 || !bug)
        __syncthreads();
    x[threadIdx.x] = 1;
}
extern "C" __global__ void from_shared(float *x, int bug) {
    __shared__ float s[64];
    if (!bug)
        s[threadIdx.x] = 1;
    x[threadIdx.x] = s[threadIdx.x];
}
extern "C" __global__ void beyond_shared(float *x, int i) {
    __shared__ float s[64];
    if (threadIdx.x == 0)
        s[i] = 1;
    __syncthreads();
    x[threadIdx.x] = s[i];
}
extern "C" __global__ void much_shared(float *x) {
    __shared__ float s[12289];
    s[threadIdx.x] = 1;
    x[threadIdx.x] = s[threadIdx.x];
}
extern "C" __global__ void all_shared(float *x) {
    __shared__ float s[12288];
    s[threadIdx.x] = 1;
    x[threadIdx.x] = s[threadIdx.x];
}
extern "C" __global__ void sum_warps(float *x, int missing) {
    float v = x[threadIdx.x];
    if ((int)threadIdx.x != missing)
        for (int away = 16; away > 0; away /= 2)
            v += __shfl_xor_sync(FULL, v, away);
    x[threadIdx.x] = v;
}
extern "C" __global__ void half_mask(float *x) {
    x[threadIdx.x] = __shfl_down_sync(0xffffu, x[threadIdx.x], 1);
}
extern "C" __global__ void same_place(float *x, int bug) {
    if (threadIdx.x == 0)
        x[bug ? 0 : blockIdx.x] = (float)blockIdx.x;
}
