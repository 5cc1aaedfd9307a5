// SPDX-License-Identifier: MIT
// What Halide's features ask of a 64-bit ARM CPU. Those that a target may have: generators/codegen/targets.cpp.
#pragma once

#include <HalideRuntime.h>
#include <sys/auxv.h>

namespace norma {

inline bool cpu_has(int feature) {
    constexpr unsigned long half_precision = 1UL << 10, dot_product = 1UL << 20;  // HWCAP_ASIMDHP, HWCAP_ASIMDDP
    const unsigned long needed = feature == halide_target_feature_arm_fp16       ? half_precision
                                 : feature == halide_target_feature_arm_dot_prod ? dot_product
                                                                                 : 0;
    return needed != 0 && (getauxval(AT_HWCAP) & needed) != 0;
}

}  // namespace norma
