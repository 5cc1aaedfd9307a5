// SPDX-License-Identifier: MIT
// A device as tools use it: memory, copies, and the times of what runs there. Each kind is a folder here and a line in
// devices.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/loops.h"
#include "bench/measure.h"
#include "bench/yardstick.h"
#include "norma/norma.h"
#include "runtime/kernel_host/call_context.h"

namespace norma::bench {

// What else a bench times beside a kernel: copies of the bytes that it moves, and what is known to be fast.
struct Baseline {
    enum What { copy, stream_copy, yardstick, empty } what;
    std::function<void()> run;
};

struct Baselines {
    Streams streams;
    Norm norm;
    std::optional<Backward> backward;  // in place of the norm
    int64_t rows, hidden, bytes;       // all that are read and written
    bool yardstick;                    // where the device has one
};

// All members throw std::runtime_error with the driver's name for an error.
class Device {
public:
    Device() = default;
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;
    virtual ~Device() = default;

    virtual uint64_t allocate(size_t bytes) = 0;
    virtual void release(uint64_t address) noexcept = 0;
    virtual void to_device(uint64_t to, const void *from, size_t bytes) = 0;
    virtual void to_host(void *to, uint64_t from, size_t bytes) = 0;
    virtual void copy(uint64_t to, uint64_t from, size_t bytes) = 0;  // without waiting, as `clear`
    virtual void clear(uint64_t begin, size_t bytes) = 0;
    virtual void synchronize() = 0;

    // The times of single calls, for each function those of all rounds, which take the functions in rotation.
    virtual std::vector<std::vector<double>> sample(const std::vector<std::function<void()>> &functions,
                                                    const Effort &effort) = 0;

    // They allocate by `allocate` and run on the team, and must not outlive either.
    virtual std::vector<Baseline> baselines(const Baselines &of, const std::function<uint64_t(size_t)> &allocate,
                                            Team &team) = 0;
};

std::vector<Timing> measure_on(Device &device, const std::vector<std::function<void()>> &functions,
                               const Effort &effort);

struct DeviceKind {
    norma_device_type type;
    bool host_memory;       // kernels take addresses of the host's memory
    const char *word;       // on command lines and in jobs of the tuner
    const char *noun;       // in messages
    const char *json_name;  // of its name among what a bench says of the machine; null where that names it already

    bool (*is_there)(int id);
    std::unique_ptr<Device> (*open)(int id);
    std::string (*name)(int id);

    // What records tell devices apart by, of the first; throws where there is none.
    nlohmann::json (*describe)();
    bool (*runs)(const nlohmann::json &described, int capability);  // of a target
    std::string (*why_not)(const nlohmann::json &described);        // it does not run kernels: "for ..."

    // Into how many strips a backward cuts its rows, whose sums lie side by side.
    int64_t (*strips)(int64_t rows, int64_t hidden);
    // What a kernel's device_call points to, for calls in this context; null for nothing.
    std::shared_ptr<void> (*device_call)(CallContext &context);
};

extern const DeviceKind *const device_kinds[];
extern const size_t device_kind_count;

// Throw std::out_of_range.
const DeviceKind &device_kind(norma_device_type type);
const DeviceKind &device_kind(const std::string &word);

}  // namespace norma::bench
