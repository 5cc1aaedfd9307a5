// SPDX-License-Identifier: MIT
// The list of strategies: ways to schedule a variant, each with knobs and rules of its own.
#pragma once

#include <Halide.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant.h"

namespace norma {

struct Lowered {
    Halide::Pipeline pipeline;
    std::vector<Halide::Argument> inputs;
    int workspace_per_element = 0;   // bytes of scratch for each element of a row, or unknown_workspace
    int alignment = 0, threads = 0;  // of a CUDA kernel: bytes, see registry.h; and threads of a block
    bool rows_once = false;          // it reads each row once, and leaves the first-level cache to what it reads again
};

struct Strategy {
    const char *name;
    norma_device_type device;  // that its kernels are for
    // Why the variant or the knobs are not legal for the target, in one line. Empty when they are.
    std::string (*refusal)(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);
    Lowered (*lower)(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);
    // Settings worth measuring beside `defaults`, the nearest to them first. Each is complete; not all need be legal.
    // Null for what is not tuned.
    std::vector<nlohmann::json> (*search_space)(const Variant &variant, const nlohmann::json &defaults,
                                                const Halide::Target &target);
    // Whether kernels of two settings of it give the same bits. Null where nothing is promised: such a strategy is
    // measured, and in a library under the contract relaxed alone.
    bool (*same_bits)(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b);
};

const Strategy &find_strategy(const std::string &name);  // throws std::invalid_argument naming the known ones

// Those that have settings to try.
std::vector<const Strategy *> strategies_to_tune();

}  // namespace norma
