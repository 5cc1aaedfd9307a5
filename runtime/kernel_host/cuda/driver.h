// SPDX-License-Identifier: MIT
// The CUDA driver: libcuda.so.1, opened on first use, so that a machine without it loses nothing but CUDA.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace norma {

// Handles (CUcontext, CUmodule, CUfunction, CUstream) are pointers, results and devices numbers.
struct CudaDriver {
    int (*cuInit)(unsigned flags);
    int (*cuGetErrorName)(int error, const char **name);
    int (*cuGetErrorString)(int error, const char **text);
    int (*cuDeviceGetCount)(int *count);
    int (*cuDeviceGet)(int *device, int ordinal);
    int (*cuDeviceGetAttribute)(int *value, int attribute, int device);
    int (*cuCtxGetCurrent)(void **context);
    int (*cuCtxGetDevice)(int *device);
    int (*cuCtxGetId)(void *context, unsigned long long *id);  // null before CUDA 12
    int (*cuStreamIsCapturing)(void *stream, int *status);
    int (*cuThreadExchangeStreamCaptureMode)(int *mode);
    int (*cuModuleLoadDataEx)(void **module, const void *image, unsigned count, int *options, void **values);
    int (*cuModuleGetFunction)(void **function, void *module, const char *name);
    int (*cuFuncSetAttribute)(void *function, int attribute, int value);
    int (*cuLaunchKernel)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                          unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **arguments,
                          void **extra);
    int (*cuMemsetD8Async)(uint64_t begin, unsigned char value, size_t bytes, void *stream);
};

inline constexpr int max_cuda_devices = 64;

struct CudaDevices {
    int count;
    struct {
        int handle;  // CUdevice
        int sm;      // compute capability: 10 * major + minor
    } at[max_cuda_devices];
};

// CUresult, those that Norma tells apart.
enum CudaError : int {
    cuda_out_of_memory = 2,
    cuda_no_device = 100,
    cuda_invalid_device = 101,
    cuda_no_binary = 209,
    cuda_context_is_destroyed = 709
};

// The driver of this process and its devices, initialized; null where there is none, and then *why says what is
// missing.
const CudaDriver *cuda_driver(const char **why = nullptr);
const CudaDevices &cuda_devices();

// A function that the table lacks; null where the driver does too.
void *cuda_symbol(const char *name);

// "cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)"
void describe_cuda_error(char *text, size_t size, const CudaDriver &driver, const char *function, int error);

}  // namespace norma
