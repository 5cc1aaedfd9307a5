// SPDX-License-Identifier: MIT
// The command line of norma bench, as text and as what it means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "case.h"

namespace norma::bench {

struct Options {
    std::vector<std::string> ops = {"layer_norm", "rms_norm"};
    std::string dtype = "f32";
    std::string scale;  // of a quantized y; empty: row, or tensor for u8
    std::vector<std::string> shapes = {"1x768",    "1x4096",    "32x768",    "512x768",
                                       "512x4096", "65536x128", "4096x4096", "8192x8192"};
    int threads = 1;
    std::string device = "cpu";
    bool yardstick = false;
    bool residual = false, recompute = false, accumulate = false, save_stats = false;
    std::vector<std::string> kernels;  // by name, or "all"; empty: as op, dtype and the flags say
    std::string contract = "fp32_once";
    std::string cache;       // empty: warm; CUDA's caches are always cold
    int64_t row_stride = 0;  // 0: hidden
    std::string target;
    std::string store = "auto";
    std::string call = "plan";
    std::vector<int64_t> grain_size;  // empty: against a copy
    double seconds = 0.7;
    std::string json;  // a file, "-" for standard output, empty for none
    std::string html;  // a file, empty for none
};

// The cases that the options ask for, ops outermost. Throws CLI::ValidationError naming the option.
std::vector<Case> parse_cases(const Options &options);

const char *op_text(norma_op op);       // "rms_norm", "rms_norm_backward"
std::string dtype_text(const Case &c);  // "bf16", or "bf16:f32" where y has another type

}  // namespace norma::bench
