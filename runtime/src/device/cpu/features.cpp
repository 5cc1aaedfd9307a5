// SPDX-License-Identifier: MIT
#include "features.h"

#include "cpu_features.h"

namespace norma {

bool cpu_has_features(const uint64_t *features) {
    static_assert(halide_target_feature_end <= 256, "Target::features is too short for this Halide");
    for (int feature = 0; feature < halide_target_feature_end; feature++) {
        if ((features[feature / 64] >> (feature % 64) & 1) != 0 && !cpu_has(feature)) {
            return false;
        }
    }
    return true;
}

}  // namespace norma
