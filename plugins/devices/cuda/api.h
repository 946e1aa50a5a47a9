/* api.h - the functions of NVIDIA's libraries that the CUDA device uses, found when it is opened:
 * the plugin loads on a machine that has none of them, and can say what is missing. */
#ifndef CUDA_API_H
#define CUDA_API_H

#include <runner/abi.h>

#include <cublas_v2.h>
#include <cuda.h>
#include <nvrtc.h>

/* Names as the libraries export them: cuda.h renames some by macros. */
#define DRIVER_FUNCTIONS(X) \
    X(cuInit) \
    X(cuDriverGetVersion) \
    X(cuDeviceGetCount) \
    X(cuDeviceGet) \
    X(cuDeviceGetName) \
    X(cuDeviceGetAttribute) \
    X(cuDeviceTotalMem_v2) \
    X(cuDevicePrimaryCtxRetain) \
    X(cuDevicePrimaryCtxRelease_v2) \
    X(cuCtxSetCurrent) \
    X(cuMemGetInfo_v2) \
    X(cuMemAlloc_v2) \
    X(cuMemFree_v2) \
    X(cuMemHostAlloc) \
    X(cuMemFreeHost) \
    X(cuMemsetD32Async) \
    X(cuMemsetD8Async) \
    X(cuMemcpyHtoDAsync_v2) \
    X(cuMemcpyDtoHAsync_v2) \
    X(cuStreamCreate) \
    X(cuStreamDestroy_v2) \
    X(cuStreamSynchronize) \
    X(cuStreamWaitEvent) \
    X(cuEventCreate) \
    X(cuEventDestroy_v2) \
    X(cuEventRecord) \
    X(cuEventSynchronize) \
    X(cuEventElapsedTime) \
    X(cuModuleLoadData) \
    X(cuModuleUnload) \
    X(cuModuleGetFunction) \
    X(cuLaunchKernel) \
    X(cuLaunchHostFunc) \
    X(cuStreamBeginCapture_v2) \
    X(cuStreamEndCapture) \
    X(cuGraphInstantiateWithFlags) \
    X(cuGraphLaunch) \
    X(cuGraphExecDestroy) \
    X(cuGraphDestroy) \
    X(cuGetErrorName) \
    X(cuGetErrorString)
#define COMPILER_FUNCTIONS(X) \
    X(nvrtcVersion) \
    X(nvrtcGetErrorString) \
    X(nvrtcCreateProgram) \
    X(nvrtcCompileProgram) \
    X(nvrtcGetProgramLogSize) \
    X(nvrtcGetProgramLog) \
    X(nvrtcGetCUBINSize) \
    X(nvrtcGetCUBIN) \
    X(nvrtcDestroyProgram)
#define BLAS_FUNCTIONS(X) \
    X(cublasCreate_v2) \
    X(cublasDestroy_v2) \
    X(cublasGetVersion_v2) \
    X(cublasSetStream_v2) \
    X(cublasSetWorkspace_v2) \
    X(cublasSetMathMode) \
    X(cublasSgemm_v2) \
    X(cublasSgemmStridedBatched) \
    X(cublasGetStatusString)

struct cuda_api {
#define POINTER(name) __typeof__(name) *name;
    DRIVER_FUNCTIONS(POINTER)
    COMPILER_FUNCTIONS(POINTER)
    BLAS_FUNCTIONS(POINTER)
#undef POINTER
};
extern RN_HIDDEN struct cuda_api api; /* good once api_open() was */

/* RN_EDEVICE says which library is missing and what to do. */
int api_open(void);

/* A result as a status: RN_OK, RN_ENOMEM, or RN_EDEVICE with the call and NVIDIA's words. */
int cu_status(CUresult r, const char *call);
int blas_status(cublasStatus_t r, const char *call);
#define CU(call)   cu_status(call, #call)
#define BLAS(call) blas_status(call, #call)

#endif
