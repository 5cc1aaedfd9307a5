// SPDX-License-Identifier: MIT
#include "device_memory.h"

#include <algorithm>
#include <stdexcept>

namespace norma::bench {

namespace {

constexpr size_t workspace_alignment = 128;

}  // namespace

DeviceMemory::DeviceMemory(norma_device device) : device_(device) {
    // Where something is missing, the plan is refused with a message of its own.
    const DeviceKind &kind = device_kind(device.type);
    opened_ = kind.is_there(device.id) ? kind.open(device.id) : nullptr;
    copied_ = opened_ != nullptr && !kind.host_memory;
}

DeviceMemory::~DeviceMemory() {
    for (const Copy &copy : copies_) {
        opened_->release(copy.device);
    }
}

void *DeviceMemory::allocate(size_t bytes) {
    if (opened_ == nullptr) {
        throw std::logic_error("memory of a device that is not there");
    }
    const uint64_t address = opened_->allocate(std::max(bytes, workspace_alignment));
    copies_.push_back({address, nullptr, bytes});
    return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

norma_tensor DeviceMemory::input(norma_tensor tensor, size_t bytes) {
    if (copied_ && tensor.data != nullptr) {
        const void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        opened_->to_device(copies_.back().device, host, bytes);
    }
    return tensor;
}

norma_tensor DeviceMemory::output(norma_tensor tensor, size_t bytes) {
    if (copied_ && tensor.data != nullptr) {
        void *host = tensor.data;
        tensor.data = allocate(bytes);
        tensor.device = device_;
        copies_.back().host = host;
    }
    return tensor;
}

void DeviceMemory::finish() {
    if (opened_ == nullptr) {
        return;
    }
    opened_->synchronize();
    for (const Copy &copy : copies_) {
        if (copy.host != nullptr) {
            opened_->to_host(copy.host, copy.device, copy.bytes);
        }
    }
}

}  // namespace norma::bench
