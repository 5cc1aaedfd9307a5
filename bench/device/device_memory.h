// SPDX-License-Identifier: MIT
// Where the tensors of a run of the tools lie: as they are, or on the device in copies of their own.
#pragma once

#include "device.h"

namespace norma::bench {

class DeviceMemory {
public:
    // On CUDA makes a context of the device current, for the plan to be made in. Without such a device nothing is done,
    // and the plan is refused with a message of its own. Throws std::runtime_error with the driver's name for an error.
    explicit DeviceMemory(norma_device device);
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory &) = delete;
    DeviceMemory &operator=(const DeviceMemory &) = delete;

    // Copies of what the tensors point to, as the device needs it. Those without data stay as they are.
    norma_tensor input(norma_tensor tensor, size_t bytes);
    norma_tensor output(norma_tensor tensor, size_t bytes);
    // As a workspace.
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
    bool copied_;                     // tensors are
    std::unique_ptr<Device> opened_;  // null where there is none
    std::vector<Copy> copies_;        // and blocks
};

}  // namespace norma::bench
