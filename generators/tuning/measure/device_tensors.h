// SPDX-License-Identifier: MIT
// Copies of a trial's tensors on a device.
#pragma once

#include <functional>

#include "bench/device/device.h"
#include "kernel_call.h"

namespace norma {

// While it lives, each tensor has its address there. Members throw std::runtime_error with the driver's name for an
// error.
class DeviceTensors {
public:
    DeviceTensors(bench::Device &device, const bench::DeviceKind &kind, Tensors &tensors);
    ~DeviceTensors();
    DeviceTensors(const DeviceTensors &) = delete;
    DeviceTensors &operator=(const DeviceTensors &) = delete;

    void bring_back_outputs();  // when all that was launched is done
    // One that reads and writes so many bytes together.
    std::function<void()> copy(int64_t bytes);

private:
    uint64_t allocate(size_t bytes);
    void add_strips(const Tensor &tensor) const;

    bench::Device &device_;
    Tensors &tensors_;
    std::vector<uint64_t> blocks_;
};

}  // namespace norma
