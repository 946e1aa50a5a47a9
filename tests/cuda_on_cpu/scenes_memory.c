/* scenes_memory.c - bugs of memory: extents, frees, whose it is. */
#include "scene.h"

#include <stdlib.h>

static bool put(size_t bytes, long long i)
{
    CUdeviceptr x = give(bytes);
    void *args[] = {&x, &i};

    MUST(try_launch("put_at", 1, 1, stream, args));
    MUST(cuStreamSynchronize(stream));
    MUST(cuMemFree_v2(x));
    return true;
}

static bool written_behind(int bug) { return put(5 * sizeof(float), bug ? 5 : 4); }
static bool written_behind_page(int bug) { return put(4096, bug ? 1024 : 1023); }
static bool written_in_front(int bug) { return put(4096, bug ? -1 : 0); }
static bool written_256_behind(int bug) { return put(5 * sizeof(float), bug ? 64 : 4); }

static bool host_reads_device(int bug)
{
    CUdeviceptr x = give_numbers();
    float v[N] = {0};

    if (bug)
        v[1] = *(volatile float *)(x + sizeof(float));
    else
        get(x, v);
    return v[1] == 1;
}

static bool use_after_free(int bug)
{
    CUdeviceptr x = give_numbers(), y = give_numbers();
    float v = 1;

    MUST(cuMemFree_v2(x));
    launch("add", bug ? &x : &y, &v);
    return are(y, 1, 1);
}

static bool copy_after_free(int bug)
{
    CUdeviceptr x = give_numbers();
    float v[N] = {0};

    if (bug)
        MUST(cuMemFree_v2(x));
    get(x, v);
    return v[1] == 1;
}

static bool double_free(int bug)
{
    CUdeviceptr x = give(100);

    MUST(cuMemFree_v2(x));
    if (bug)
        cuMemFree_v2(x);
    return true;
}

static bool double_free_of_pinned(int bug)
{
    float *p = give_pinned();

    MUST(cuMemFreeHost(p));
    if (bug)
        cuMemFreeHost(p);
    return true;
}

static bool close_gpu(void)
{
    MUST(cuStreamDestroy_v2(stream));
    MUST(cuStreamDestroy_v2(other));
    return cuDevicePrimaryCtxRelease_v2(0) == CUDA_SUCCESS;
}

static bool leak(int bug)
{
    CUdeviceptr x = give(100);

    if (!bug)
        MUST(cuMemFree_v2(x));
    return close_gpu();
}

static bool leak_at_the_end(int bug)
{
    CUdeviceptr x = give(100);

    if (!bug)
        MUST(cuMemFree_v2(x));
    exit(0);
}

static bool leaked_stream(int bug)
{
    CUstream one;

    if (bug)
        MUST(cuStreamCreate(&one, 0));
    return close_gpu();
}

static bool host_pointer(int bug)
{
    float v[N] = {0}, one = 1;
    CUdeviceptr x = give_numbers(), wrong = (CUdeviceptr)v;

    launch("add", bug ? &wrong : &x, &one);
    return are(x, 1, 1);
}

static bool copy_extents(int bug)
{
    CUdeviceptr x = give_numbers();
    float v[N + 1];

    MUST(cuMemcpyDtoHAsync_v2(v, x, (size_t)(N + bug) * sizeof(float), stream));
    return are(x, 0, 1);
}

static bool upload_extents(int bug)
{
    CUdeviceptr x = give_numbers();
    float v[N] = {0};

    MUST(cuMemcpyHtoDAsync_v2(x + (bug ? sizeof(float) : 0), v, sizeof v, stream));
    return are(x, 0, 0);
}

static bool set_extents(int bug)
{
    CUdeviceptr x = give_numbers();

    MUST(cuMemsetD32Async(x, 0, (size_t)(N + bug), stream));
    return are(x, 0, 0);
}

static bool copy_the_wrong_way(int bug)
{
    CUdeviceptr x = give_numbers(), y = give_numbers();
    float v[N] = {0};

    MUST(cuMemcpyHtoDAsync_v2(x, bug ? (void *)y : v, sizeof v, stream));
    return are(x, 0, 0);
}

const struct scene memory_scenes[] = {
    {"written behind", written_behind, EXACT, "byte 20 of a piece of 20 was written", false},
    {"written behind a page", written_behind_page, FAULT, NULL, false},
    {"written 256 bytes behind", written_256_behind, FAULT, NULL, false},
    {"written in front", written_in_front, FAULT, NULL, false},
    {"the host reads the device", host_reads_device, FAULT, NULL, false},
    {"use after free", use_after_free, MISUSE, "no memory that a kernel may touch", false},
    {"copy after free", copy_after_free, MISUSE, "not in one piece of device memory", false},
    {"double free", double_free, MISUSE, "freed already", false},
    {"double free of pinned memory", double_free_of_pinned, MISUSE, "freed already", false},
    {"leak", leak, MISUSE, "100 bytes of device memory were not freed", false},
    {"leak at the end", leak_at_the_end, MISUSE, "not freed when the program ended", false},
    {"leaked stream", leaked_stream, MISUSE, "1 streams were not destroyed", false},
    {"host pointer", host_pointer, MISUSE, "no memory that a kernel may touch", false},
    {"download too long", copy_extents, MISUSE, "cuMemcpyDtoHAsync: ", false},
    {"upload too long", upload_extents, MISUSE, "cuMemcpyHtoDAsync: ", false},
    {"fill too long", set_extents, MISUSE, "cuMemsetD32Async: ", false},
    {"copied the wrong way", copy_the_wrong_way, MISUSE, "expected the host's", false},
    {NULL, NULL, ALWAYS, NULL, false},
};
