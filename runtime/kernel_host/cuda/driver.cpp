// SPDX-License-Identifier: MIT
#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

namespace norma {
namespace {

constexpr const char *library_name = "libcuda.so.1";
constexpr int attribute_sm_major = 75, attribute_sm_minor = 76;

// The names of the table's members, in order. The driver keeps old versions under the plain names.
constexpr const char *names[] = {"cuInit",
                                 "cuGetErrorName",
                                 "cuGetErrorString",
                                 "cuDeviceGetCount",
                                 "cuDeviceGet",
                                 "cuDeviceGetAttribute",
                                 "cuCtxGetCurrent",
                                 "cuCtxGetDevice",
                                 "cuCtxGetId",
                                 "cuStreamIsCapturing",
                                 "cuThreadExchangeStreamCaptureMode",
                                 "cuModuleLoadDataEx",
                                 "cuModuleGetFunction",
                                 "cuFuncSetAttribute",
                                 "cuLaunchKernel",
                                 "cuMemsetD8Async"};
constexpr int name_count = sizeof(names) / sizeof(*names);
static_assert(sizeof(CudaDriver) == name_count * sizeof(void *), "a name for each member");
constexpr size_t optional_member = offsetof(CudaDriver, cuCtxGetId) / sizeof(void *);

struct Opened {
    void *library;
    CudaDriver driver;
    CudaDevices devices;
    char why[512];  // "" when it can be used
};

Opened opened;

bool find_functions() {
    void *found[name_count];
    for (int i = 0; i < name_count; i++) {
        found[i] = cuda_symbol(names[i]);
        if (!found[i] && i != optional_member) {
            snprintf(opened.why, sizeof(opened.why), "%s has no %s; expected a driver of CUDA 11 or newer",
                     library_name, names[i]);
            return false;
        }
    }
    memcpy(&opened.driver, found, sizeof(found));
    return true;
}

// The name of the function that failed, and its result.
struct Failure {
    const char *function;
    int error;
};

Failure find_devices() {
    const CudaDriver &driver = opened.driver;
    CudaDevices &devices = opened.devices;
    if (const int error = driver.cuInit(0)) {
        return {"cuInit", error};
    }
    if (const int error = driver.cuDeviceGetCount(&devices.count)) {
        return {"cuDeviceGetCount", error};
    }
    devices.count = devices.count < max_cuda_devices ? devices.count : max_cuda_devices;
    for (int i = 0; i < devices.count; i++) {
        int major = 0, minor = 0;
        if (const int error = driver.cuDeviceGet(&devices.at[i].handle, i)) {
            return {"cuDeviceGet", error};
        }
        if (const int error = driver.cuDeviceGetAttribute(&major, attribute_sm_major, devices.at[i].handle)) {
            return {"cuDeviceGetAttribute", error};
        }
        if (const int error = driver.cuDeviceGetAttribute(&minor, attribute_sm_minor, devices.at[i].handle)) {
            return {"cuDeviceGetAttribute", error};
        }
        devices.at[i].sm = 10 * major + minor;
    }
    return {devices.count > 0 ? nullptr : "cuDeviceGetCount", cuda_no_device};
}

void open() {
    opened.library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (!opened.library) {
        const char *reason = dlerror();
        snprintf(opened.why, sizeof(opened.why), "the CUDA driver cannot be opened: %s",
                 reason ? reason : library_name);
    } else if (find_functions()) {
        const Failure failure = find_devices();
        if (failure.function) {
            describe_cuda_error(opened.why, sizeof(opened.why), opened.driver, failure.function, failure.error);
            opened.devices.count = 0;
        }
    }
}

}  // namespace

const CudaDriver *cuda_driver(const char **why) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open);
    if (why) {
        *why = opened.why;
    }
    return opened.why[0] == '\0' ? &opened.driver : nullptr;
}

const CudaDevices &cuda_devices() {
    cuda_driver();
    return opened.devices;
}

void *cuda_symbol(const char *name) { return dlsym(opened.library, name); }

void describe_cuda_error(char *text, size_t size, const CudaDriver &driver, const char *function, int error) {
    const char *name = nullptr, *meaning = nullptr;
    driver.cuGetErrorName(error, &name);
    driver.cuGetErrorString(error, &meaning);
    if (name && meaning) {
        snprintf(text, size, "%s: %s (%s)", function, name, meaning);
    } else {
        snprintf(text, size, "%s: CUDA error %d, which the driver has no name for", function, error);
    }
}

}  // namespace norma
