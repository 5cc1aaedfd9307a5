// SPDX-License-Identifier: MIT
// Kernels' images on the device: each is loaded once for each context, and stays until the context ends.
#pragma once

#include <atomic>

#include "norma/norma.h"
#include "runtime/kernel_host/call_context.h"

namespace norma {

// What one kernel call asks of CUDA, and how it went. Errors stay: after one, nothing is launched any more.
struct CudaCall {
    void *stream;    // CUstream
    int32_t device;  // ordinal
    bool preload;    // load everything and launch nothing
    norma_status status;
    char *message;            // 256 bytes
    struct CudaImage *image;  // in the current context, once the kernel has begun
};

inline CudaCall &cuda_call(const CallContext &context) { return *static_cast<CudaCall *>(context.device_call); }

struct CudaFunction {
    const char *name;
    void *handle;  // CUfunction
    CudaFunction *next;
};

struct CudaImage {
    uint64_t context;  // CUcontext's id, which no later context has; before CUDA 12 its handle
    void *module;      // CUmodule
    int32_t device;    // ordinal
    std::atomic<CudaFunction *> functions;
    CudaImage *next;
};

// The first call of a kernel in a context loads its image (fatbin, cubin or PTX); `images` is the kernel's own list.
// Null after a failure, which the call then holds.
CudaImage *find_image(CudaCall &call, std::atomic<CudaImage *> &images, const void *image);

// Null after a failure.
void *find_function(CudaCall &call, CudaImage &image, const char *name, int shared_bytes);

// Keeps the first failure.
void fail_call(CudaCall &call, norma_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
void fail_call(CudaCall &call, const char *function, int error) __attribute__((cold));

// Whether a context of the call's device is current on this thread, and not destroyed; else the call holds why not.
bool check_context(CudaCall &call);

// In a child after fork, whose parent may have been loading. What is loaded stays known.
void renew_module_lock();

// Whether a context of the device is current on this thread, and not destroyed.
bool is_current(int32_t device);

}  // namespace norma
