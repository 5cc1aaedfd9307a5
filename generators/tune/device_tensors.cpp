// SPDX-License-Identifier: MIT
#include "device_tensors.h"

namespace norma {

DeviceTensors::DeviceTensors(bench::Gpu &gpu, Tensors &tensors) : gpu_(gpu), tensors_(tensors) {
    for (auto &[role, tensor] : tensors_) {
        const size_t bytes = static_cast<size_t>(tensor.bytes());
        tensor.device = allocate(bytes);
        gpu_.to_device(tensor.device, tensor.memory.data(), bytes);
    }
}

DeviceTensors::~DeviceTensors() {
    for (auto &[role, tensor] : tensors_) {
        tensor.device = 0;
    }
    for (uint64_t block : blocks_) {
        gpu_.release(block);
    }
}

uint64_t DeviceTensors::allocate(size_t bytes) {
    blocks_.push_back(gpu_.allocate(bytes));
    return blocks_.back();
}

void DeviceTensors::bring_back_outputs() {
    gpu_.synchronize();
    for (auto &[role, tensor] : tensors_) {
        if (tensor.output) {
            gpu_.to_host(tensor.memory.data(), tensor.device, static_cast<size_t>(tensor.bytes()));
        }
    }
}

std::function<void()> DeviceTensors::copy(int64_t bytes) {
    const size_t half = static_cast<size_t>(bytes / 2);
    const uint64_t from = allocate(half), to = allocate(half);
    return [=] { gpu_.copy(to, from, half); };
}

}  // namespace norma
