// SPDX-License-Identifier: MIT
// The options of norma run, and the run itself: from the tensors of one file to those of another.
#pragma once

#include <norma/norma.h>

#include <string>
#include <vector>

#include "bench/given_names.h"
#include "runtime/vocabulary/ops.h"
#include "tools/safetensors/safetensors.h"

namespace norma::tool {

struct RunOptions {
    std::string op, input, output, prefix, contract = "fp32_once", y_dtype, y_float_dtype, scale, target, kernel,
                                           device = "cpu", store = "auto";
    double eps = 1e-5, weight_offset = 0, y_scale = 1;
    bool save_stats = false, f32_gradients = false;
    int threads = 0, axis = -1, y_zero_point = 0;

    const OpInfo &info() const;
    std::string named(const std::string &role) const;  // a tensor's name in the files
    bool is_of_prefix(const std::string &name) const;  // whether it is the name of some role
    std::vector<std::string> input_roles() const;
    bench::GivenNames given_names() const;
};

// Throws InputError where a tensor is missing or wrong, norma::Error where the library refuses. `ignored` are the names
// of the prefix that were not read: with NORMA_VERBOSE=info, a line says what was taken.
safetensors::File run_on(const RunOptions &options, const safetensors::File &file, std::vector<std::string> ignored);

}  // namespace norma::tool
