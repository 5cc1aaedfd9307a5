// SPDX-License-Identifier: MIT
// A trial: one candidate checked against the oracle, then timed beside the default, in a process of its own.
#pragma once

#include "kernel_call.h"

namespace norma {

inline constexpr int most_repeats = 3;  // of the timing, where the default drifts

struct Trial {
    Variant variant;
    int64_t rows = 0, hidden = 0;
    nlohmann::json run_time;  // of the target: when results are streamed
    KernelFile oracle, standard, candidate;
    bool promises = true;  // else the sums are plain ones, and the check allows for that
    double seconds = 0.1;
};

// What a record has of it: "ns", "interval", ..., "bits"; or "why" it was rejected. Throws std::runtime_error.
nlohmann::json run_trial(const Trial &trial);

}  // namespace norma
