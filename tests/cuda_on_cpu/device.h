/* device.h - what kernels are compiled against, in front of their text, and what the emulator knows
 * of them. Small: it is compiled with every program. */
#ifndef EMU_DEVICE_H
#define EMU_DEVICE_H

struct emu_dim {
    unsigned x, y, z;
};
struct emu_place { /* of the thread that runs */
    emu_dim thread, block, block_dim, grid_dim;
};
struct emu_runtime {
    emu_place *now;
    void (*barrier)();
    unsigned long (*exchange)(const char *what, unsigned mask, unsigned long value, int from);
    void *(*shared)(int id, unsigned long bytes);
};

struct emu_kernel { /* what a program says of one */
    const char *name;
    int n;
    const unsigned *bytes;
    const bool *pointer;
    void (*run)(void **args);
};

#ifdef EMU_KERNELS
extern "C" {
float expf(float) noexcept;
float expm1f(float) noexcept;
float logf(float) noexcept;
float log1pf(float) noexcept;
float sqrtf(float) noexcept;
float tanhf(float) noexcept;
float erff(float) noexcept;
float fabsf(float) noexcept;
float powf(float, float) noexcept;
float fmaxf(float, float) noexcept;
float fminf(float, float) noexcept;
float floorf(float) noexcept;
float ceilf(float) noexcept;
float sinf(float) noexcept;
float cosf(float) noexcept;
float copysignf(float, float) noexcept;
float fmodf(float, float) noexcept;
float roundf(float) noexcept;
float truncf(float) noexcept;
float exp2f(float) noexcept;
float log2f(float) noexcept;
}
static const emu_runtime *emu;
extern "C" __attribute__((visibility("default"))) void emu_bind(const emu_runtime *r) { emu = r; }

#define __CUDACC_RTC__ 1
#define __global__     __attribute__((visibility("default")))
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define threadIdx       (emu->now->thread)
#define blockIdx        (emu->now->block)
#define blockDim        (emu->now->block_dim)
#define gridDim         (emu->now->grid_dim)
#define __syncthreads() emu->barrier()
#define __syncwarp()    (void)emu->exchange("__syncwarp", 0xffffffffu, 0, -1)
#define INFINITY        __builtin_inff()
#define NAN             __builtin_nanf("")

template <class T> static inline unsigned long emu_bits(T v)
{
    unsigned long bits = 0;
    __builtin_memcpy(&bits, &v, sizeof v);
    return bits;
}
template <class T> static inline T emu_value(unsigned long bits)
{
    T v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
}
static inline int emu_lane() { return (int)((threadIdx.y * blockDim.x + threadIdx.x) % 32); }
template <class T> static inline T __shfl_xor_sync(unsigned mask, T v, int x)
{
    return emu_value<T>(emu->exchange("__shfl_xor_sync", mask, emu_bits(v), emu_lane() ^ x));
}
template <class T> static inline T __shfl_down_sync(unsigned mask, T v, int n)
{
    return emu_value<T>(emu->exchange("__shfl_down_sync", mask, emu_bits(v), emu_lane() + n));
}
template <class T> static inline T __shfl_sync(unsigned mask, T v, int lane)
{
    return emu_value<T>(emu->exchange("__shfl_sync", mask, emu_bits(v), lane));
}
static inline float __int_as_float(int i) { return emu_value<float>(emu_bits(i)); }
static inline int __float_as_int(float f) { return emu_value<int>(emu_bits(f)); }

/* ---- what the emulator has to know of a kernel ---- */

template <class T> struct emu_is_pointer {
    static constexpr bool value = false;
};
template <class T> struct emu_is_pointer<T *> {
    static constexpr bool value = true;
};
template <int... I> struct emu_numbers {
};
template <int N, int... I> struct emu_count : emu_count<N - 1, N - 1, I...> {
};
template <int... I> struct emu_count<0, I...> {
    using type = emu_numbers<I...>;
};
template <auto K> struct emu_about;
template <class... A, void (*K)(A...)> struct emu_about<K> {
    static constexpr unsigned bytes[] = {sizeof(A)..., 0};
    static constexpr bool pointer[] = {emu_is_pointer<A>::value..., false};
    template <int... I> static void call(void **a, emu_numbers<I...>) { K(*(A *)a[I]...); }
    static void run(void **a) { call(a, typename emu_count<sizeof...(A)>::type()); }
};
#define EMU_KERNEL(k) \
    extern "C" __attribute__((visibility("default"))) const emu_kernel emu_about_##k = { \
        #k, (int)(sizeof emu_about<k>::bytes / sizeof(unsigned)) - 1, emu_about<k>::bytes, \
        emu_about<k>::pointer, emu_about<k>::run};
#endif
#endif
