// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace norma {

// Whether the CPU, and the system, have all of them. `features`: bits of halide_target_feature_t. One that
// cpu_features.h does not know is not there.
bool cpu_has_features(const uint64_t *features);

}  // namespace norma
