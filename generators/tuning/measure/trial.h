// SPDX-License-Identifier: MIT
// A trial: candidates of one kernel at one shape, checked against the oracle, then timed beside the default.
#pragma once

#include <cmath>

#include "kernel_call.h"

namespace norma {

inline constexpr int most_repeats = 3;  // of the timing, where the default drifts or differs from itself

struct Tried {
    KernelFile file;
    nlohmann::json knobs;  // of which the run-time choices say when results are streamed
    bool promises = true;  // else the sums are plain ones, and the check allows for that
};

struct Trial {
    Variant variant;
    int64_t rows = 0, hidden = 0;
    KernelFile oracle;
    Tried standard;
    std::vector<Tried> candidates;
    double seconds = 0.1;  // of timing for each function: the default, twice, the candidates and two copies
    int min_rounds = 7;
    double stop = HUGE_VAL;  // when no repeat may end later, by steady_seconds()
};

double steady_seconds();  // of the steady clock

// Functions of a trial beside the candidates.
inline constexpr int controls = 4;

// For each candidate what a record has of it: "ns", "interval", ..., "bits"; or "why" it was rejected. Throws
// std::runtime_error.
nlohmann::json run_trial(const Trial &trial);

}  // namespace norma
