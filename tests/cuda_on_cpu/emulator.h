/* emulator.h - the parts of a GPU that is none: memory that the host may not touch, streams that
 * run late, and blocks of threads that run as fibers in a permuted order. Misuse ends the program
 * with a line that says what it was: a test that gets there has failed. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include "device.h"

#include <cuda.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#define EMU_EXPORT extern "C" __attribute__((visibility("default")))

/* ---- misuse and faults on demand: misuse.cc ---------------------------------------------- */

[[noreturn]] void misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Notes a call in the log; whether RN_EMU_FAIL wants this one to fail: "cuMemAlloc_v2:3" the third,
 * "cuMemAlloc_v2:3+" all from there on, "kernel:NAME:2" the second run of a kernel. */
bool wanted_to_fail(const std::string &call);
void log_call(const std::string &line);
uint64_t chance(uint64_t n); /* 0 to n - 1, by RN_EMU_SEED */
template <class T> void shuffle(std::vector<T> &v)
{
    for (size_t i = v.size(); i > 1; i--)
        std::swap(v[i - 1], v[chance(i)]);
}

/* ---- memory: memory.cc ----------------------------------------------------------------------- */

bool memory_give(size_t bytes, CUdeviceptr *out); /* false: there is no more */
void memory_take_back(CUdeviceptr at);
void memory_left(size_t *free_bytes, size_t *all);
size_t memory_live(); /* bytes that were never freed */
/* All of at[0..bytes-1] is in one piece that was given and not freed. */
bool memory_holds(const void *at, size_t bytes);
bool memory_is_device(const void *at);
void memory_open(bool open); /* kernels and copies run, or the host does */
/* From here on no kernel may touch the piece that begins there: it is large and cuBLAS's. */
void memory_own(const void *at);
void *host_give(size_t bytes);
void host_take_back(void *at);
bool host_holds(const void *at, size_t bytes);

/* ---- blocks of threads: fiber.cc ------------------------------------------------------------- */

struct dim {
    unsigned x, y, z;
};
void run_grid(const emu_kernel *k, dim grid, dim block, void **args);

/* ---- streams: stream.cc ---------------------------------------------------------------------- */

struct work { /* an entry of a queue */
    std::function<void()> run;
    CUevent wait = nullptr; /* for its record of that number */
    uint64_t number = 0;
};
/* Under the lock: into the stream, or into what it captures. */
void enqueue(CUstream s, work w);
CUresult stream_finish(CUstream s);
CUresult device_finish();
CUresult event_finish(CUevent e);
extern std::recursive_mutex lock;
extern CUresult sticky; /* the error that all calls give from then on */
void fail_device(CUresult r);

/* The start of a call of the API. */
#define CALL(name) \
    std::lock_guard<std::recursive_mutex> held(lock); \
    log_call(#name); \
    if (sticky != CUDA_SUCCESS) \
        return sticky; \
    if (wanted_to_fail(#name)) \
    return CUDA_ERROR_UNKNOWN

/* ---- for libcublas --------------------------------------------------------------------------- */

EMU_EXPORT void emu_enqueue(CUstream s, void (*run)(void *), void *arg); /* arg is free()d behind */
EMU_EXPORT void emu_own(const void *at); /* when what was enqueued is done */
EMU_EXPORT int emu_holds(const void *at, size_t bytes);
EMU_EXPORT int emu_wanted_to_fail(const char *call); /* and logs it */

#endif
