// SPDX-License-Identifier: MIT
// Strategies for the algorithm as it is written: the float64 oracle that candidates are checked against, and Halide's
// autoschedulers on fp32 sums, which ours are compared with.
#pragma once

#include "strategies.h"

namespace norma {

Lowered lower_oracle(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);

// Their sums run along the row in one chain and their trees are not ours: they keep no promise of docs/numerics.md.
Lowered lower_adams2019(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);
Lowered lower_li2018(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);
Lowered lower_mullapudi2016(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);
Lowered lower_anderson2021(const Variant &variant, const nlohmann::json &knobs, const Halide::Target &target);

}  // namespace norma
