// SPDX-License-Identifier: MIT
#include "features.h"

#include <atomic>

#include "cpu_features.h"

namespace norma {

// The CPU is asked once: a virtual machine takes microseconds to answer. Two threads that come first both ask.
bool cpu_has_features(const uint64_t *features) {
    static_assert(halide_target_feature_end <= 256, "Target::features is too short for this Halide");
    static std::atomic<uint64_t> found[4];
    static std::atomic<bool> known;
    if (!known.load(std::memory_order_acquire)) {
        for (int feature = 0; feature < halide_target_feature_end; feature++) {
            found[feature / 64].fetch_or(static_cast<uint64_t>(cpu_has(feature)) << (feature % 64),
                                         std::memory_order_relaxed);
        }
        known.store(true, std::memory_order_release);
    }
    for (int word = 0; word < 4; word++) {
        if ((features[word] & ~found[word].load(std::memory_order_relaxed)) != 0) {
            return false;
        }
    }
    return true;
}

}  // namespace norma
