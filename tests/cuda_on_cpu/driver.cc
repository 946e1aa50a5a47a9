/* driver.cc - libcuda.so.1: the calls of the driver API that the CUDA device makes. */
#include "stream.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

const emu_runtime *emu_runtime_of();

struct CUmod_st {
    void *lib;
};
struct CUfunc_st {
    const emu_kernel *k;
};

/* What may not happen while a stream is captured breaks the capture. */
#define NOT_IN_CAPTURE \
    if (any_capture()) \
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED

static double now_ms()
{
    timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) * 1e3 + double(t.tv_nsec) * 1e-6;
}

/* ---- the device ---------------------------------------------------------------------------- */

EMU_EXPORT CUresult cuInit(unsigned)
{
    CALL(cuInit);
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDriverGetVersion(int *version)
{
    CALL(cuDriverGetVersion);
    *version = 13000;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDeviceGetCount(int *n)
{
    CALL(cuDeviceGetCount);
    *n = 1;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDeviceGet(CUdevice *d, int i)
{
    CALL(cuDeviceGet);
    *d = i;
    return i ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDeviceGetName(char *name, int n, CUdevice)
{
    CALL(cuDeviceGetName);
    snprintf(name, size_t(n), "emulated on the CPU");
    return CUDA_SUCCESS;
}

static int capability()
{
    const char *text = getenv("RN_EMU_CC");
    return text ? atoi(text) : 90;
}

EMU_EXPORT CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice)
{
    CALL(cuDeviceGetAttribute);
    if (a != CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR &&
        a != CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
        misuse("an attribute that the emulator doesn't know: %d", int(a));
    *v = a == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? capability() / 10 : capability() % 10;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice)
{
    CALL(cuDeviceTotalMem_v2);
    size_t left;
    memory_left(&left, bytes);
    return CUDA_SUCCESS;
}

static int retained;

EMU_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice)
{
    CALL(cuDevicePrimaryCtxRetain);
    *c = reinterpret_cast<CUcontext>(&sticky);
    retained++;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuDevicePrimaryCtxRelease_v2");
    if (!retained)
        misuse("cuDevicePrimaryCtxRelease of what was not retained");
    if (--retained) /* somebody else uses it */
        return sticky;
    if (memory_live() && sticky == CUDA_SUCCESS)
        misuse("%zu bytes of device memory were not freed", memory_live());
    if (!streams.empty())
        misuse("%zu streams were not destroyed", streams.size());
    sticky = CUDA_SUCCESS;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuCtxSetCurrent(CUcontext)
{
    CALL(cuCtxSetCurrent);
    return CUDA_SUCCESS;
}

/* ---- memory ------------------------------------------------------------------------------------
 */

EMU_EXPORT CUresult cuMemGetInfo_v2(size_t *left, size_t *all)
{
    CALL(cuMemGetInfo_v2);
    memory_left(left, all);
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuMemAlloc_v2");
    if (sticky != CUDA_SUCCESS)
        return sticky;
    if (wanted_to_fail("cuMemAlloc_v2"))
        return CUDA_ERROR_OUT_OF_MEMORY;
    NOT_IN_CAPTURE;
    if (!bytes)
        return CUDA_ERROR_INVALID_VALUE;
    return memory_give(bytes, out) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EMU_EXPORT CUresult cuMemFree_v2(CUdeviceptr at)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuMemFree_v2");
    NOT_IN_CAPTURE;
    if (sticky == CUDA_SUCCESS)
        device_finish();
    memory_take_back(at);
    return sticky;
}

EMU_EXPORT CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned)
{
    CALL(cuMemHostAlloc);
    NOT_IN_CAPTURE;
    *out = host_give(bytes);
    if (!*out)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memset(*out, 0xff, bytes);
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuMemFreeHost(void *at)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuMemFreeHost");
    if (sticky == CUDA_SUCCESS)
        device_finish();
    host_take_back(at);
    return sticky;
}

static void check_device(CUdeviceptr at, size_t bytes, const char *call)
{
    if (!memory_holds(reinterpret_cast<void *>(at), bytes))
        misuse("%s: %p and %zu bytes are not in one piece of device memory", call,
               reinterpret_cast<void *>(at), bytes);
}

static void check_host(const void *at, const char *call)
{
    if (memory_is_device(at))
        misuse("%s: %p is device memory, expected the host's", call, at);
}

EMU_EXPORT CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char v, size_t n, CUstream s)
{
    CALL(cuMemsetD8Async);
    check_device(at, n, "cuMemsetD8Async");
    enqueue(s, {[=] { memset(reinterpret_cast<void *>(at), v, n); }});
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuMemsetD32Async(CUdeviceptr at, unsigned v, size_t n, CUstream s)
{
    CALL(cuMemsetD32Async);
    check_device(at, n * 4, "cuMemsetD32Async");
    enqueue(s, {[=] {
                unsigned *to = reinterpret_cast<unsigned *>(at);
                for (size_t i = 0; i < n; i++)
                    to[i] = v;
            }});
    return CUDA_SUCCESS;
}

/* Pinned memory is read when the copy runs, or may have been read before: by chance. What is not
 * pinned is copied when the stream has come so far, and the call returns behind it. */
EMU_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream s)
{
    CALL(cuMemcpyHtoDAsync_v2);
    check_device(to, n, "cuMemcpyHtoDAsync");
    check_host(from, "cuMemcpyHtoDAsync");
    if (!s->captures && host_holds(from, n) && chance(2)) {
        auto copy = std::make_shared<std::vector<char>>(static_cast<const char *>(from),
                                                        static_cast<const char *>(from) + n);
        enqueue(s, {[=] { memcpy(reinterpret_cast<void *>(to), copy->data(), n); }});
        return CUDA_SUCCESS;
    }
    enqueue(s, {[=] { memcpy(reinterpret_cast<void *>(to), from, n); }});
    return s->captures || host_holds(from, n) ? CUDA_SUCCESS : stream_finish(s);
}

EMU_EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream s)
{
    CALL(cuMemcpyDtoHAsync_v2);
    check_device(from, n, "cuMemcpyDtoHAsync");
    check_host(to, "cuMemcpyDtoHAsync");
    enqueue(s, {[=] { memcpy(to, reinterpret_cast<void *>(from), n); }});
    return CUDA_SUCCESS;
}

/* ---- streams and events -------------------------------------------------------------------------
 */

EMU_EXPORT CUresult cuStreamCreate(CUstream *out, unsigned)
{
    CALL(cuStreamCreate);
    *out = new CUstream_st;
    streams.push_back(*out);
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuStreamDestroy_v2(CUstream s)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuStreamDestroy_v2");
    if (sticky == CUDA_SUCCESS)
        stream_finish(s);
    for (auto &one : streams)
        if (one == s) {
            one = streams.back();
            streams.pop_back();
            delete s;
            return sticky;
        }
    misuse("cuStreamDestroy of no stream");
}

EMU_EXPORT CUresult cuStreamSynchronize(CUstream s)
{
    CALL(cuStreamSynchronize);
    NOT_IN_CAPTURE;
    return stream_finish(s);
}

EMU_EXPORT CUresult cuEventCreate(CUevent *out, unsigned)
{
    CALL(cuEventCreate);
    *out = new CUevent_st;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuEventDestroy_v2(CUevent e)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuEventDestroy_v2");
    if (sticky == CUDA_SUCCESS)
        device_finish();
    delete e;
    return sticky;
}

EMU_EXPORT CUresult cuEventRecord(CUevent e, CUstream s)
{
    CALL(cuEventRecord);
    if (s->captures)
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; /* enough for who records none */
    const uint64_t number = ++e->recorded;
    enqueue(s, {[=] {
                e->done = number;
                e->at_ms = now_ms();
            }});
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned)
{
    CALL(cuStreamWaitEvent);
    if (s->captures)
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (e->recorded)
        enqueue(s, {nullptr, e, e->recorded});
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuEventSynchronize(CUevent e)
{
    CALL(cuEventSynchronize);
    NOT_IN_CAPTURE;
    return event_finish(e);
}

#undef cuEventElapsedTime /* cuda.h makes it another version */
EMU_EXPORT CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b)
{
    CALL(cuEventElapsedTime);
    if (!a->done || !b->done)
        return CUDA_ERROR_INVALID_HANDLE;
    if (a->done < a->recorded || b->done < b->recorded)
        return CUDA_ERROR_NOT_READY;
    *ms = float(b->at_ms - a->at_ms);
    return CUDA_SUCCESS;
}

/* ---- programs -----------------------------------------------------------------------------------
 */

/* "EMUCUBIN", 8 bytes of length, a shared object. */
EMU_EXPORT CUresult cuModuleLoadData(CUmodule *out, const void *image)
{
    CALL(cuModuleLoadData);
    NOT_IN_CAPTURE;
    uint64_t n;
    char path[64];
    if (memcmp(image, "EMUCUBIN", 8) != 0)
        return CUDA_ERROR_INVALID_IMAGE;
    memcpy(&n, static_cast<const char *>(image) + 8, sizeof n);
    int fd = memfd_create("kernels", MFD_CLOEXEC);
    if (fd < 0 || write(fd, static_cast<const char *>(image) + 16, n) != ssize_t(n))
        misuse("no memory for a program");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* left open: dlopen knows files by name */
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!lib)
        misuse("%s", dlerror());
    void *symbol = dlsym(lib, "emu_bind");
    reinterpret_cast<void (*)(const emu_runtime *)>(symbol)(emu_runtime_of());
    *out = new CUmod_st{lib};
    return CUDA_SUCCESS;
}

static std::vector<std::unique_ptr<CUfunc_st>> functions;

EMU_EXPORT CUresult cuModuleGetFunction(CUfunction *out, CUmodule m, const char *name)
{
    CALL(cuModuleGetFunction);
    void *found = dlsym(m->lib, ("emu_about_" + std::string(name)).c_str());
    if (!found)
        return CUDA_ERROR_NOT_FOUND;
    functions.emplace_back(new CUfunc_st{static_cast<const emu_kernel *>(found)});
    *out = functions.back().get();
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuModuleUnload(CUmodule m)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuModuleUnload");
    delete m;
    return sticky;
}

/* ---- launches
 * ------------------------------------------------------------------------------------- */

struct arguments {
    std::vector<std::vector<char>> value;
    std::vector<void *> at;
};

static std::shared_ptr<arguments> copy_arguments(const emu_kernel *k, void **from)
{
    auto a = std::make_shared<arguments>();

    for (int i = 0; i < k->n; i++) {
        const char *v = static_cast<const char *>(from[i]);
        void *p = nullptr;
        a->value.emplace_back(v, v + k->bytes[i]);
        if (!k->pointer[i])
            continue;
        memcpy(&p, v, sizeof p);
        if (p && !memory_holds(p, 0) && !host_holds(p, 0))
            misuse("%s: parameter %d, %p, is no memory that a kernel may touch", k->name, i, p);
    }
    for (auto &v : a->value)
        a->at.push_back(v.data());
    return a;
}

EMU_EXPORT CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                   unsigned by, unsigned bz, unsigned shared, CUstream s,
                                   void **parameters, void **extra)
{
    CALL(cuLaunchKernel);
    const emu_kernel *k = f->k;
    log_call(std::string("  kernel ") + k->name);
    if (gz != 1 || bz != 1 || shared || extra)
        misuse("%s: a kind of launch that the emulator doesn't know", k->name);
    if (!gx || !gy || !bx || !by || gx > 0x7fffffff || gy > 65535 || bx > 1024 || by > 1024 ||
        bx * by > 1024)
        return CUDA_ERROR_INVALID_VALUE;
    auto a = copy_arguments(k, parameters);
    enqueue(s, {[=] {
                if (wanted_to_fail(std::string("kernel:") + k->name))
                    return fail_device(CUDA_ERROR_ILLEGAL_ADDRESS);
                run_grid(k, {gx, gy, 1}, {bx, by, 1}, a->at.data());
            }});
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuLaunchHostFunc(CUstream s, CUhostFn fn, void *data)
{
    CALL(cuLaunchHostFunc);
    enqueue(s, {[=] {
                memory_open(false); /* it is the host's */
                fn(data);
                memory_open(true);
            }});
    return CUDA_SUCCESS;
}

/* ---- graphs
 * ------------------------------------------------------------------------------------------ */

EMU_EXPORT CUresult cuStreamBeginCapture_v2(CUstream s, CUstreamCaptureMode)
{
    CALL(cuStreamBeginCapture_v2);
    if (s->captures)
        return CUDA_ERROR_ILLEGAL_STATE;
    s->captures = new CUgraph_st;
    s->capture_broken = false;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuStreamEndCapture(CUstream s, CUgraph *out)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuStreamEndCapture");
    *out = nullptr;
    if (!s->captures)
        return CUDA_ERROR_ILLEGAL_STATE;
    CUgraph graph = s->captures;
    s->captures = nullptr;
    if (s->capture_broken || wanted_to_fail("cuStreamEndCapture")) {
        delete graph;
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
    *out = graph;
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph g, unsigned long long)
{
    CALL(cuGraphInstantiateWithFlags);
    *out = new CUgraphExec_st{g->nodes};
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuGraphLaunch(CUgraphExec g, CUstream s)
{
    CALL(cuGraphLaunch);
    for (auto &node : g->nodes)
        enqueue(s, node);
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuGraphExecDestroy(CUgraphExec g)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuGraphExecDestroy");
    delete g;
    return sticky;
}

EMU_EXPORT CUresult cuGraphDestroy(CUgraph g)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call("cuGraphDestroy");
    delete g;
    return sticky;
}

/* ---- words
 * -------------------------------------------------------------------------------------------- */

EMU_EXPORT CUresult cuGetErrorName(CUresult r, const char **out)
{
    *out = r == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
           : r == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
                                           : "CUDA_ERROR_EMULATED";
    return CUDA_SUCCESS;
}

EMU_EXPORT CUresult cuGetErrorString(CUresult r, const char **out)
{
    *out = r == CUDA_ERROR_ILLEGAL_ADDRESS ? "an illegal memory access was encountered"
           : r == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory"
                                           : "an error of the emulator";
    return CUDA_SUCCESS;
}

/* ---- for libcublas
 * ------------------------------------------------------------------------------------- */

void emu_enqueue(CUstream s, void (*run)(void *), void *arg)
{
    std::lock_guard<std::recursive_mutex> held(lock);
    std::shared_ptr<void> owned(arg, free);

    enqueue(s, {[=] { run(owned.get()); }});
}

void emu_own(const void *at)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    device_finish();
    memory_own(at);
}

int emu_holds(const void *at, size_t bytes)
{
    std::lock_guard<std::recursive_mutex> held(lock);
    return memory_holds(at, bytes);
}

int emu_wanted_to_fail(const char *call)
{
    std::lock_guard<std::recursive_mutex> held(lock);

    log_call(call);
    return wanted_to_fail(call);
}
