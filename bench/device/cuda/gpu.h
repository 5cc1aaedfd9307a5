// SPDX-License-Identifier: MIT
// A CUDA device as tools use it: memory, copies and the time between two points of the default stream.
#pragma once

#include "bench/device/device.h"

namespace norma::bench {

// The device's primary context is current on the calling thread, until the destructor makes current what was; the last
// of them to go ends the context, and what is loaded in it. All members throw std::runtime_error with the driver's
// name for an error.
class Gpu final : public Device {
public:
    explicit Gpu(int ordinal);
    ~Gpu() override;

    std::string name() const;
    size_t l2_bytes() const;
    int driver_version() const;  // 1000 * major + 10 * minor

    uint64_t allocate(size_t bytes) override;
    void release(uint64_t address) noexcept override;
    void to_device(uint64_t to, const void *from, size_t bytes) override;
    void to_host(void *to, uint64_t from, size_t bytes) override;
    void synchronize() override;

    // On the default stream.
    void copy(uint64_t to, uint64_t from, size_t bytes) override;
    void clear(uint64_t begin, size_t bytes) override;

    // Functions put work on the default stream, each after memory of four times the second-level cache was cleared:
    // what they read is in no cache, and they are queued before the device gets to them.
    std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions,
                                            const Effort &effort) override;
    // The driver's copy, and a kernel that does nothing.
    std::vector<Baseline> baselines(const Baselines &of, const std::function<uint64_t(size_t)> &allocate,
                                    Team &team) override;

private:
    int device_ = 0;
    void *before_ = nullptr;  // CUcontext
};

}  // namespace norma::bench
