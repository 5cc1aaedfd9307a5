// SPDX-License-Identifier: MIT
// A CUDA device as tools use it: memory, copies and the time between two points of the default stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "measure.h"

namespace norma::bench {

// The device's primary context is current on the calling thread. All members throw std::runtime_error with the driver's
// name for an error.
class Gpu {
public:
    explicit Gpu(int ordinal);
    ~Gpu();
    Gpu(const Gpu &) = delete;
    Gpu &operator=(const Gpu &) = delete;

    std::string name() const;
    size_t l2_bytes() const;
    int driver_version() const;  // 1000 * major + 10 * minor

    uint64_t allocate(size_t bytes);
    void release(uint64_t address) noexcept;
    void to_device(uint64_t to, const void *from, size_t bytes);
    void to_host(void *to, uint64_t from, size_t bytes);
    void synchronize();

    // On the default stream, without waiting.
    void copy(uint64_t to, uint64_t from, size_t bytes);
    void clear(uint64_t begin, size_t bytes);

private:
    int device_ = 0;
};

// Runs functions that put work on the default stream, in rotation, each after memory of four times the second-level
// cache was cleared: what they read is in no cache, and they are queued before the device gets to them.
// The times of single calls, for each function those of all rounds.
std::vector<std::vector<double>> sample_on(Gpu &gpu, const std::vector<std::function<void()>> &functions,
                                           const Effort &effort);
std::vector<Timing> measure_on(Gpu &gpu, const std::vector<std::function<void()>> &functions, const Effort &effort);

// A kernel that does nothing, to launch.
std::function<void()> empty_kernel(Gpu &gpu);

}  // namespace norma::bench
