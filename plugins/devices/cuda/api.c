/* api.c - finding NVIDIA's libraries, and what their errors say. */
#include "api.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cuda_api api;

/* The linker's own search first, then where the toolkit is by itself. */
static void *open_library(const char *name)
{
    const char *home = getenv("CUDA_HOME");
    char path[512];
    void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (lib)
        return lib;
    snprintf(path, sizeof path, "%s/lib64/%s", home && *home == '/' ? home : "/usr/local/cuda",
             name);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* A version of ours first: 13, or 12, which has the same functions. */
static void *open_toolkit(const char *stem)
{
    char name[64];
    void *lib = NULL;

    for (int version = 13; version >= 12 && !lib; version--) {
        snprintf(name, sizeof name, "%s.so.%d", stem, version);
        lib = open_library(name);
    }
    return lib;
}

struct function {
    const char *name;
    size_t offset; /* of its pointer in api */
};
#define FUNCTION(name) {#name, offsetof(struct cuda_api, name)},
static const struct function driver_functions[] = {DRIVER_FUNCTIONS(FUNCTION){NULL, 0}};
static const struct function compiler_functions[] = {COMPILER_FUNCTIONS(FUNCTION){NULL, 0}};
static const struct function blas_functions[] = {BLAS_FUNCTIONS(FUNCTION){NULL, 0}};

static int find(void *lib, const char *file, const struct function *f)
{
    for (; f->name; f++) {
        void *found = dlsym(lib, f->name);
        if (!found)
            return RN_FAIL(RN_EDEVICE, "%s has no %s: it is too old, CUDA 12 or newer is needed",
                           file, f->name);
        memcpy((char *)&api + f->offset, &found, sizeof found);
    }
    return RN_OK;
}

int api_open(void)
{
    void *driver = open_library("libcuda.so.1"), *compiler, *blas;

    if (!driver)
        return RN_FAIL(RN_EDEVICE, "no NVIDIA driver on this machine (libcuda.so.1 is not found): "
                                   "install it, or use `device: cpu`");
    compiler = open_toolkit("libnvrtc");
    blas = open_toolkit("libcublas");
    if (!compiler || !blas)
        return RN_FAIL(RN_EDEVICE,
                       "%s.so of the CUDA toolkit 13 or 12 is not found: install it, set CUDA_HOME "
                       "to where it is, or use `device: cpu`",
                       compiler ? "libcublas" : "libnvrtc");
    RN_TRY(find(driver, "libcuda.so.1", driver_functions));
    RN_TRY(find(compiler, "libnvrtc", compiler_functions));
    return find(blas, "libcublas", blas_functions);
}

/* "api.cuMemAlloc_v2(...)" is a call of cuMemAlloc_v2. */
static const char *called(const char *call, int *n)
{
    if (!strncmp(call, "api.", 4))
        call += 4;
    *n = (int)strcspn(call, "(");
    return call;
}

int cu_status(CUresult r, const char *call)
{
    const char *name = NULL, *text = NULL;
    int n;

    if (r == CUDA_SUCCESS)
        return RN_OK;
    api.cuGetErrorName(r, &name);
    api.cuGetErrorString(r, &text);
    call = called(call, &n);
    return RN_FAIL(r == CUDA_ERROR_OUT_OF_MEMORY ? RN_ENOMEM : RN_EDEVICE,
                   "CUDA error %d, %s (%s), in %.*s", (int)r, name ? name : "unknown",
                   text ? text : "no text", n, call);
}

int blas_status(cublasStatus_t r, const char *call)
{
    int n;

    if (r == CUBLAS_STATUS_SUCCESS)
        return RN_OK;
    call = called(call, &n);
    return RN_FAIL(r == CUBLAS_STATUS_ALLOC_FAILED ? RN_ENOMEM : RN_EDEVICE,
                   "cuBLAS error %d, %s, in %.*s", (int)r, api.cublasGetStatusString(r), n, call);
}
