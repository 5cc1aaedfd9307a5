// SPDX-License-Identifier: MIT
// CPU features that Halide's runtime does not look for, and so takes for available.
#pragma once

#include <HalideRuntime.h>
#include <cpuid.h>
#include <stdint.h>

namespace norma {

// `features`: bits of halide_target_feature_t.
inline bool cpu_has_overlooked_features(const uint64_t *features) {
    const int zen4 = halide_target_feature_avx512_zen4;
    const bool wants_bf16 = (features[zen4 / 64] >> (zen4 % 64) & 1) != 0;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return !wants_bf16 || (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 5 & 1) != 0);
}

}  // namespace norma
