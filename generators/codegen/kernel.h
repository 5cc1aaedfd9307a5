// SPDX-License-Identifier: MIT
// One kernel: a variant lowered by a strategy with knobs for a target, compiled to an object file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cuda_image.h"
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

struct CompiledKernel {
    std::vector<std::string> arguments;  // role names, in the order of the argv call
    int workspace_per_element = 0;       // bytes of scratch for each element of a row
    int alignment = 0;                   // of a CUDA kernel's tensors, in bytes
    int threads = 0;                     // of a CUDA kernel's block
    int shared_bytes = 0;                // by its threads
    std::vector<CudaResources> resources;
};

bool is_cuda(const TargetSpec &target);

// C identifier of the kernel's entry: letters, digits and underscores only, unique within a library.
std::string symbol(const KernelSpec &spec);

// Where the variant or the knobs are not legal: why, in one line. Empty when they are.
std::string refusal(const KernelSpec &spec);

enum class Stage { object, stmt, assembly, llvm, ptx };

// Writes `path`, and beside the object of a CUDA kernel its PTX: see ptx_path. Throws std::runtime_error with a message
// naming the kernel; an assertion of LLVM kills the process, so call it in a child.
CompiledKernel compile_kernel(const KernelSpec &spec, const std::string &path, Stage stage = Stage::object);

std::string ptx_path(const std::string &object_path);  // with .ptx for .o

// The runtime of Halide that all kernels of a library share.
void compile_halide_runtime(const std::string &path, const std::vector<TargetSpec> &targets);

// Hash of the sources that decide how fast the strategy's kernels of this op are: a record holds for these.
std::string strategy_hash(const std::string &strategy);
std::string halide_version();

// Content hash of everything in this program that decides the bytes of the kernel: the sources of its algorithm,
// strategy and passes, the version of Halide, the spec.
std::string content_hash(const KernelSpec &spec);

}  // namespace norma
