// SPDX-License-Identifier: MIT
// How good a search was at each moment, where all its candidates were also measured at length (tune --exhaustive).
#pragma once

#include <utility>
#include <vector>

#include "records.h"

namespace norma {

// Seconds since the first trial; then the time over the default's of what would have been chosen by then, by final
// trials, as a geometric mean over the shapes.
struct SearchCurve {
    std::vector<std::pair<double, double>> search;
    std::vector<std::pair<double, double>> random;  // expected of final trials of candidates in random order
};

// Of one kernel on one device. Empty where fewer than `least_candidates` had final trials at all shapes.
inline constexpr size_t least_candidates = 8;
SearchCurve search_curve(std::vector<const Record *> trials);

// Those of all kernels that have one, as comma-separated values; points that repeat the one before are left out.
std::string curves_csv(const std::vector<Record> &records);

}  // namespace norma
