// SPDX-License-Identifier: MIT
// Calls of one compiled candidate on tensors by role, straight through Halide's argument vector.
#pragma once

#include <HalideRuntime.h>

#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/device/device.h"
#include "bench/memory.h"
#include "runtime/vocabulary/tensors.h"

namespace norma {

// A candidate as a jobs file names it.
struct KernelFile {
    std::string path, symbol;                   // shared object, name of the entry
    std::vector<std::string> arguments;         // roles
    const bench::DeviceKind *device = nullptr;  // where it takes its tensors
};

KernelFile parse_kernel_file(const nlohmann::json &json, const std::string &directory);

// A tensor of the op: [hidden], [rows], or [rows, hidden], contiguous.
struct Tensor {
    norma_dtype type = NORMA_F32;
    std::vector<int64_t> extents;  // innermost first
    bool output = false;
    bool column_sum = false;
    bench::Memory memory;
    uint64_t device = 0;  // address of its copy: see DeviceTensors
    int64_t strips = 1;   // of rows, which the device sums apart: it then has as many vectors there

    int64_t elements() const;
    int64_t bytes() const;
};

// By role, what a call of the variant reads and writes, filled with random numbers.
using Tensors = std::map<std::string, Tensor>;
Tensors make_tensors(const Variant &variant, int64_t rows, int64_t hidden);

class KernelCall {
public:
    // Loads the candidate. Throws std::runtime_error. `tensors` must outlive it.
    KernelCall(const KernelFile &file, Tensors &tensors, int store_mode);
    KernelCall(const KernelCall &) = delete;
    KernelCall &operator=(const KernelCall &) = delete;

    void operator()() const;  // throws std::runtime_error where the kernel returns an error
    bool has_store_mode() const { return has_store_mode_; }

private:
    struct Buffer {
        halide_buffer_t buffer{};
        halide_dimension_t dimensions[2]{};
    };

    int (*run_)(void **) = nullptr;
    CallContext context_{};
    std::shared_ptr<void> device_call_;
    void *user_context_ = &context_;
    float eps_ = 1e-5f, weight_offset_ = 0, y_zero_point_ = 128;
    int32_t store_mode_, strips_ = 1, zero_ = 0;
    bool has_store_mode_ = false;
    std::deque<Buffer> buffers_;
    std::vector<void *> arguments_;
};

}  // namespace norma
