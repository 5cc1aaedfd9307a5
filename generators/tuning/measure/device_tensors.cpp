// SPDX-License-Identifier: MIT
#include "device_tensors.h"

namespace norma {

DeviceTensors::DeviceTensors(bench::Device &device, const bench::DeviceKind &kind, Tensors &tensors)
    : device_(device), tensors_(tensors) {
    const std::vector<int64_t> &x = tensors_.at("x").extents;
    for (auto &[role, tensor] : tensors_) {
        tensor.strips = tensor.column_sum ? kind.strips(x[1], x[0]) : 1;
        const size_t bytes = static_cast<size_t>(tensor.bytes()), all = bytes * static_cast<size_t>(tensor.strips);
        tensor.device = allocate(all);
        device_.clear(tensor.device, all);
        device_.to_device(tensor.device, tensor.memory.data(), bytes);
    }
}

DeviceTensors::~DeviceTensors() {
    for (auto &[role, tensor] : tensors_) {
        tensor.device = 0;
    }
    for (uint64_t block : blocks_) {
        device_.release(block);
    }
}

uint64_t DeviceTensors::allocate(size_t bytes) {
    blocks_.push_back(device_.allocate(bytes));
    return blocks_.back();
}

void DeviceTensors::bring_back_outputs() {
    device_.synchronize();
    for (auto &[role, tensor] : tensors_) {
        if (tensor.output) {
            device_.to_host(tensor.memory.data(), tensor.device, static_cast<size_t>(tensor.bytes()));
        }
        if (tensor.strips > 1) {
            add_strips(tensor);
        }
    }
}

void DeviceTensors::add_strips(const Tensor &tensor) const {
    const size_t columns = static_cast<size_t>(tensor.elements()), strips = static_cast<size_t>(tensor.strips);
    std::vector<float> parts(columns * strips);
    device_.to_host(parts.data(), tensor.device, parts.size() * sizeof(float));
    float *sums = static_cast<float *>(tensor.memory.data());
    for (size_t column = 0; column < columns; column++) {
        double sum = 0;
        for (size_t strip = 0; strip < strips; strip++) {
            sum += double{parts[strip * columns + column]};
        }
        sums[column] = static_cast<float>(sum);
    }
}

std::function<void()> DeviceTensors::copy(int64_t bytes) {
    const size_t half = static_cast<size_t>(bytes / 2);
    const uint64_t from = allocate(half), to = allocate(half);
    return [=] { device_.copy(to, from, half); };
}

}  // namespace norma
