// SPDX-License-Identifier: MIT
#include "modules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "runtime/kernel_host/lock.h"

namespace norma {
namespace {

constexpr size_t message_size = 256;
constexpr int ordinary_shared_bytes = 48 << 10;  // more must be asked for
constexpr int attribute_max_dynamic_shared_bytes = 8;
constexpr int relaxed_capture = 2;

pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

norma_status status_of(int error) {
    return error == cuda_out_of_memory                               ? NORMA_OUT_OF_MEMORY
           : error == cuda_no_device || error == cuda_invalid_device ? NORMA_NO_DEVICE
           : error == cuda_no_binary                                 ? NORMA_UNSUPPORTED_TARGET
                                                                     : NORMA_DEVICE_ERROR;
}

// False after a failure.
bool succeeded(CudaCall &call, const char *function, int error) {
    if (error != 0) {
        fail_call(call, function, error);
    }
    return error == 0;
}

int ordinal_of(int handle) {
    const CudaDevices &devices = cuda_devices();
    for (int i = 0; i < devices.count; i++) {
        if (devices.at[i].handle == handle) {
            return i;
        }
    }
    return -1;
}

// The id of the current context. The driver leaves a destroyed one current: cuCtxGetId refuses it, cuCtxGetDevice not.
bool find_context(CudaCall &call, uint64_t *context) {
    const CudaDriver &driver = *cuda_driver();
    void *handle = nullptr;
    if (!succeeded(call, "cuCtxGetCurrent", driver.cuCtxGetCurrent(&handle))) {
        return false;
    }
    if (!handle) {
        fail_call(call, NORMA_INVALID_ARGUMENT,
                  "no CUDA context is current on this thread; expected one of device %d, that of the stream",
                  call.device);
        return false;
    }
    unsigned long long id = reinterpret_cast<uintptr_t>(handle);
    const bool known = !driver.cuCtxGetId || succeeded(call, "cuCtxGetId", driver.cuCtxGetId(handle, &id));
    *context = id;
    return known;
}

// Loading allocates, which a capture of the stream would record or refuse.
bool may_load(CudaCall &call) {
    int capturing = 0;
    if (call.preload) {
        return true;
    }
    if (!succeeded(call, "cuStreamIsCapturing", cuda_driver()->cuStreamIsCapturing(call.stream, &capturing))) {
        return false;
    }
    if (capturing != 0) {
        fail_call(call, NORMA_INVALID_ARGUMENT,
                  "execution.cuda_stream is being captured and the kernel is not loaded in its context yet; expected a "
                  "plan made, or run once before, with this context current");
    }
    return capturing == 0;
}

// Another thread may be capturing in the mode that forbids allocations to all.
class Relaxed {
public:
    explicit Relaxed(CudaCall &call) { succeeded(call, function, exchange()); }
    ~Relaxed() { exchange(); }
    Relaxed(const Relaxed &) = delete;
    Relaxed &operator=(const Relaxed &) = delete;

private:
    static constexpr const char *function = "cuThreadExchangeStreamCaptureMode";

    int exchange() { return cuda_driver()->cuThreadExchangeStreamCaptureMode(&mode_); }

    int mode_ = relaxed_capture;
};

bool find_device(CudaCall &call, int32_t *device) {
    int handle = 0;
    const bool known = succeeded(call, "cuCtxGetDevice", cuda_driver()->cuCtxGetDevice(&handle));
    *device = known ? ordinal_of(handle) : -1;
    return known;
}

bool is_expected(CudaCall &call, int32_t device) {
    if (device != call.device) {
        fail_call(call, NORMA_INVALID_ARGUMENT,
                  "the current CUDA context is of device %d; expected device %d, as the plan has", device, call.device);
    }
    return device == call.device;
}

bool load(CudaCall &call, const void *code, CudaImage *image) {
    const CudaDriver &driver = *cuda_driver();
    if (!may_load(call) || !find_device(call, &image->device)) {
        return false;
    }
    const Relaxed relaxed(call);
    return succeeded(call, "cuModuleLoadDataEx", driver.cuModuleLoadDataEx(&image->module, code, 0, nullptr, nullptr));
}

CudaImage *find_loaded(const std::atomic<CudaImage *> &images, uint64_t context) {
    CudaImage *image = images.load(std::memory_order_acquire);
    while (image && image->context != context) {
        image = image->next;
    }
    return image;
}

CudaFunction *find_known(const CudaImage &image, const char *name) {
    CudaFunction *function = image.functions.load(std::memory_order_acquire);
    while (function && function->name != name && strcmp(function->name, name) != 0) {
        function = function->next;
    }
    return function;
}

bool prepare(CudaCall &call, const CudaImage &image, int shared_bytes, CudaFunction *function) {
    const CudaDriver &driver = *cuda_driver();
    if (!may_load(call)) {
        return false;
    }
    const Relaxed relaxed(call);
    return succeeded(call, "cuModuleGetFunction",
                     driver.cuModuleGetFunction(&function->handle, image.module, function->name)) &&
           (shared_bytes <= ordinary_shared_bytes ||
            succeeded(call, "cuFuncSetAttribute",
                      driver.cuFuncSetAttribute(function->handle, attribute_max_dynamic_shared_bytes, shared_bytes)));
}

template <typename Node>
Node *allocate(CudaCall &call) {
    Node *node = static_cast<Node *>(calloc(1, sizeof(Node)));
    if (!node) {
        fail_call(call, NORMA_OUT_OF_MEMORY, "no memory to keep a CUDA module");
    }
    return node;
}

CudaImage *add_image(CudaCall &call, std::atomic<CudaImage *> &images, const void *code, uint64_t context) {
    const Lock lock(loading);
    if (CudaImage *image = find_loaded(images, context)) {  // another thread was faster
        return image;
    }
    CudaImage *image = allocate<CudaImage>(call);
    if (!image || !load(call, code, image)) {
        free(image);
        return nullptr;
    }
    image->context = context;
    image->next = images.load(std::memory_order_relaxed);
    images.store(image, std::memory_order_release);
    return image;
}

}  // namespace

CudaImage *find_image(CudaCall &call, std::atomic<CudaImage *> &images, const void *code) {
    uint64_t context = 0;
    if (!find_context(call, &context)) {
        return nullptr;
    }
    CudaImage *image = find_loaded(images, context);
    image = image ? image : add_image(call, images, code, context);
    return image && is_expected(call, image->device) ? image : nullptr;
}

void *find_function(CudaCall &call, CudaImage &image, const char *name, int shared_bytes) {
    if (const CudaFunction *known = find_known(image, name)) {
        return known->handle;
    }
    const Lock lock(loading);
    if (const CudaFunction *known = find_known(image, name)) {
        return known->handle;
    }
    CudaFunction *function = allocate<CudaFunction>(call);
    if (!function) {
        return nullptr;
    }
    function->name = name;
    if (!prepare(call, image, shared_bytes, function)) {
        free(function);
        return nullptr;
    }
    function->next = image.functions.load(std::memory_order_relaxed);
    image.functions.store(function, std::memory_order_release);
    return function->handle;
}

void fail_call(CudaCall &call, norma_status status, const char *format, ...) {
    if (call.status == NORMA_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(call.message, message_size, format, arguments);
        va_end(arguments);
        call.status = status;
    }
}

void fail_call(CudaCall &call, const char *function, int error) {
    if (error == cuda_context_is_destroyed) {
        fail_call(call, NORMA_INVALID_ARGUMENT,
                  "the CUDA context that is current on this thread is destroyed (%s); expected one of device %d, that "
                  "of the stream",
                  function, call.device);
        return;
    }
    char text[message_size];
    describe_cuda_error(text, sizeof(text), *cuda_driver(), function, error);
    fail_call(call, status_of(error), "%s", text);
}

void renew_module_lock() { loading = PTHREAD_MUTEX_INITIALIZER; }

bool check_context(CudaCall &call) {
    uint64_t context = 0;
    int32_t device = -1;
    return find_context(call, &context) && find_device(call, &device) && is_expected(call, device);
}

bool is_current(int32_t device) {
    char message[message_size];
    CudaCall call = {nullptr, device, true, NORMA_OK, message, nullptr};
    return check_context(call);
}

}  // namespace norma
