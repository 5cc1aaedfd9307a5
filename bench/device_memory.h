// SPDX-License-Identifier: MIT
// Where the tensors of a run of the tools lie: on the CPU as they are, on CUDA in copies of their own.
#pragma once

#include <norma/norma.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace norma::bench {

class Gpu;

class DeviceMemory {
public:
    // CUDA: makes a context of the device current, for the plan to be made in. Without such a device nothing is done,
    // and the plan is refused with a message of its own. Throws std::runtime_error with the driver's name for an error.
    explicit DeviceMemory(norma_device device);
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory &) = delete;
    DeviceMemory &operator=(const DeviceMemory &) = delete;

    // Copies of what the tensors point to, as the device needs it. Those without data stay as they are.
    norma_tensor input(norma_tensor tensor, size_t bytes);
    norma_tensor output(norma_tensor tensor, size_t bytes);
    // A workspace of the plan for so many rows. On the CPU the execution keeps its own.
    void *allocate(size_t bytes);

    // After the run: waits for it, and brings the outputs back.
    void finish();

private:
    struct Copy {
        uint64_t device;
        void *host;  // null for what is not brought back
        size_t bytes;
    };
    norma_device device_;
    std::unique_ptr<Gpu> gpu_;  // null on the CPU
    std::vector<Copy> copies_;
};

}  // namespace norma::bench
