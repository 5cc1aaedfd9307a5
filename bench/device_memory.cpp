// SPDX-License-Identifier: MIT
#include "device_memory.h"

#include <algorithm>
#include <stdexcept>

#include "gpu.h"
#include "runtime/kernel_host/cuda/driver.h"

namespace norma::bench {

namespace {

constexpr size_t workspace_alignment = 128;

}  // namespace

DeviceMemory::DeviceMemory(norma_device device) : device_(device) {
    // Where something is missing, the plan is refused with a message of its own.
    if (device.type == NORMA_CUDA && cuda_driver() != nullptr && device.id < cuda_devices().count) {
        gpu_ = std::make_unique<Gpu>(device.id);
    }
}

DeviceMemory::~DeviceMemory() {
    for (const Copy &copy : copies_) {
        gpu_->release(copy.device);
    }
}

void *DeviceMemory::allocate(size_t bytes) {
    if (gpu_ == nullptr) {
        throw std::logic_error("memory of a device that is not there");
    }
    const uint64_t address = gpu_->allocate(std::max(bytes, workspace_alignment));
    copies_.push_back({address, nullptr, bytes});
    return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

norma_tensor DeviceMemory::input(norma_tensor tensor, size_t bytes) {
    if (gpu_ != nullptr && tensor.data != nullptr) {
        const void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        gpu_->to_device(copies_.back().device, host, bytes);
    }
    return tensor;
}

norma_tensor DeviceMemory::output(norma_tensor tensor, size_t bytes) {
    if (gpu_ != nullptr && tensor.data != nullptr) {
        void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        copies_.back().host = host;
    }
    return tensor;
}

void DeviceMemory::finish() {
    if (gpu_ == nullptr) {
        return;
    }
    gpu_->synchronize();
    for (const Copy &copy : copies_) {
        if (copy.host != nullptr) {
            gpu_->to_host(copy.host, copy.device, copy.bytes);
        }
    }
}

}  // namespace norma::bench
