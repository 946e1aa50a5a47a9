/* scene.c - what scenes use: a device that is open, memory with numbers in it, launches. */
#include "scene.h"

#include <stdio.h>
#include <unistd.h>

void *program;
CUmodule module;
static CUcontext context;
CUstream stream, other;

void must(int status, const char *what)
{
    if (status) {
        fprintf(stderr, "%s: %d\n", what, status);
        _exit(70);
    }
}

void gpu_open(void)
{
    MUST(cuInit(0));
    MUST(cuDevicePrimaryCtxRetain(&context, 0));
    MUST(cuCtxSetCurrent(context));
    MUST(cuStreamCreate(&stream, 0));
    MUST(cuStreamCreate(&other, 0));
    MUST(cuModuleLoadData(&module, program));
}

CUdeviceptr give(size_t bytes)
{
    CUdeviceptr at = 0;

    MUST(cuMemAlloc_v2(&at, bytes));
    return at;
}

CUdeviceptr give_numbers(void)
{
    CUdeviceptr at = give(N * sizeof(float));
    float v[N];

    for (int i = 0; i < N; i++)
        v[i] = (float)i;
    MUST(cuMemcpyHtoDAsync_v2(at, v, sizeof v, stream));
    return at;
}

float *give_pinned(void)
{
    void *at = NULL;

    MUST(cuMemHostAlloc(&at, N * sizeof(float), 0));
    return at;
}

CUresult try_launch(const char *name, unsigned blocks, unsigned threads, CUstream s, void **args)
{
    CUfunction f = NULL;

    MUST(cuModuleGetFunction(&f, module, name));
    return cuLaunchKernel(f, blocks, 1, 1, threads, 1, 1, 0, s, args, NULL);
}

void launch_in(CUstream s, const char *name, void *x, void *more)
{
    void *args[] = {x, more};

    MUST(try_launch(name, 1, N, s, args));
}

void launch(const char *name, void *x, void *more) { launch_in(stream, name, x, more); }

void get(CUdeviceptr at, float v[N])
{
    MUST(cuMemcpyDtoHAsync_v2(v, at, N * sizeof(float), stream));
    MUST(cuStreamSynchronize(stream));
}

bool are(CUdeviceptr at, float first, float step)
{
    float v[N];
    bool all = true;

    get(at, v);
    for (int i = 0; i < N; i++)
        all &= v[i] == first + step * (float)i;
    MUST(cuMemFree_v2(at));
    return all;
}
