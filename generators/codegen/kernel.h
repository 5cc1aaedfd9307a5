// SPDX-License-Identifier: MIT
// One kernel: a variant lowered by a strategy with knobs for a target, compiled to an object file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "emit_object.h"
#include "runtime/vocabulary/variant_name.h"

namespace norma {

// schedules/targets/NAME.json with its parents merged in.
struct TargetSpec {
    std::string name;
    std::string halide;       // Halide target string, without our flags
    nlohmann::json knobs;     // {"cpu_rows": {...}}: defaults by strategy
    std::vector<int> sms;     // of CUDA: the compute capabilities that get an image of their own
    nlohmann::json run_time;  // {"streaming_threshold": ..., "prefetch_row_min": ..., "prefetch_row_max": ...}
};

struct KernelSpec {
    Variant variant;
    TargetSpec target;
    std::string strategy;
    nlohmann::json knobs;            // complete: defaults merged with the record
    std::string origin = "default";  // or the record's identity
};

bool is_cuda(const TargetSpec &target);

// C identifier of the kernel's entry: letters, digits and underscores only, unique within a library.
std::string symbol(const KernelSpec &spec);

// Where the variant or the knobs are not legal: why, in one line. Empty when they are.
std::string refusal(const KernelSpec &spec);

// Throws std::runtime_error with a message naming the kernel; an assertion of Halide or LLVM kills the process, so call
// it in a child. So does compile_kernel.
LoweredKernel lower_kernel(const KernelSpec &spec);

enum class Stage { object, stmt, assembly, llvm, ptx };

// Writes `path`, at the stage object as emit_object does.
CompiledKernel compile_kernel(const KernelSpec &spec, const std::string &path, Stage stage = Stage::object);

}  // namespace norma
