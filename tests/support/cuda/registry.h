// SPDX-License-Identifier: MIT
// A registry made up for the CUDA half of the runtime: targets of three compute capabilities and of the CPU, and
// kernels that are called as Halide's are.
#pragma once

#include <norma/norma.h>

namespace norma::test {

// PTX of the made-up kernels; "fatbin" ones begin with the magic number of fatbins instead.
inline constexpr const char *kernel_entry = "made_up", *second_entry = "made_up_more";
inline constexpr int narrow_threads = 32, wide_threads = 128, large_shared_bytes = 100 << 10;

norma_plan_desc describe(int64_t hidden, int32_t device = 0, norma_op op = NORMA_RMS_NORM_FORWARD);

}  // namespace norma::test
