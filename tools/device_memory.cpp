// SPDX-License-Identifier: MIT
#include "device_memory.h"

#include <algorithm>
#include <new>
#include <norma/norma.hpp>

#include "../runtime/src/cuda_driver.h"
#include "commands.h"

namespace norma::tool {

namespace {

constexpr size_t workspace_alignment = 128;

[[noreturn]] void fail(const char *function, int error) {
    char text[256];
    describe_cuda_error(text, sizeof text, *cuda_driver(), function, error);
    throw std::runtime_error(text);
}

template <typename Function>
void find(Function *&function, const char *name) {
    function = reinterpret_cast<Function *>(cuda_symbol(name));
    if (function == nullptr) {
        throw std::runtime_error(std::string("the CUDA driver has no ") + name);
    }
}

}  // namespace

// What copying needs beside the driver of the library.
struct DeviceMemory::Driver {
    int (*retain)(void **context, int device);
    int (*release)(int device);
    int (*set_current)(void *context);
    int (*allocate)(uint64_t *address, size_t bytes);
    int (*free)(uint64_t address);
    int (*to_device)(uint64_t to, const void *from, size_t bytes);
    int (*to_host)(void *to, uint64_t from, size_t bytes);
    int (*synchronize)();
    int device;

    explicit Driver(int handle) : device(handle) {
        find(retain, "cuDevicePrimaryCtxRetain");
        find(release, "cuDevicePrimaryCtxRelease_v2");
        find(set_current, "cuCtxSetCurrent");
        find(allocate, "cuMemAlloc_v2");
        find(free, "cuMemFree_v2");
        find(to_device, "cuMemcpyHtoD_v2");
        find(to_host, "cuMemcpyDtoH_v2");
        find(synchronize, "cuCtxSynchronize");
        void *context = nullptr;
        if (const int error = retain(&context, device)) {
            fail("cuDevicePrimaryCtxRetain", error);
        }
        if (const int error = set_current(context)) {
            fail("cuCtxSetCurrent", error);
        }
    }
    ~Driver() { release(device); }
};

DeviceMemory::DeviceMemory(norma_device device) : device_(device) {
    // Where something is missing, the plan is refused with a message of its own.
    if (device.type == NORMA_CUDA && cuda_driver() != nullptr && device.id < cuda_devices().count) {
        driver_ = std::make_unique<Driver>(cuda_devices().at[device.id].handle);
    }
}

DeviceMemory::~DeviceMemory() {
    for (const Copy &copy : copies_) {
        driver_->free(copy.device);
    }
}

void *DeviceMemory::allocate(size_t bytes) {
    if (driver_ == nullptr) {
        throw std::logic_error("memory of a device that is not there");
    }
    uint64_t address = 0;
    if (const int error = driver_->allocate(&address, std::max(bytes, workspace_alignment))) {
        fail("cuMemAlloc", error);
    }
    copies_.push_back({address, nullptr, bytes});
    return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

norma_tensor DeviceMemory::input(norma_tensor tensor, size_t bytes) {
    if (driver_ != nullptr && tensor.data != nullptr) {
        const void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        if (const int error = driver_->to_device(copies_.back().device, host, bytes)) {
            fail("cuMemcpyHtoD", error);
        }
    }
    return tensor;
}

norma_tensor DeviceMemory::output(norma_tensor tensor, size_t bytes) {
    if (driver_ != nullptr && tensor.data != nullptr) {
        void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        copies_.back().host = host;
    }
    return tensor;
}

void DeviceMemory::finish() {
    if (driver_ == nullptr) {
        return;
    }
    if (const int error = driver_->synchronize()) {
        fail("cuCtxSynchronize", error);
    }
    for (const Copy &copy : copies_) {
        const int error = copy.host != nullptr ? driver_->to_host(copy.host, copy.device, copy.bytes) : 0;
        if (error != 0) {
            fail("cuMemcpyDtoH", error);
        }
    }
}

}  // namespace norma::tool
