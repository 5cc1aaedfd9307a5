// SPDX-License-Identifier: MIT
// Whether a candidate's outputs are the oracle's, but for the rounding that docs/numerics.md allows.
#pragma once

#include <string>

#include "kernel_call.h"

namespace norma {

struct Outputs {
    std::map<std::string, std::string> bytes;  // by role
};

// Keeps what was written.
Outputs outputs_of(const Tensors &tensors);

// What differs from the oracle beyond `factor` times the tolerance: "" where nothing does. Tolerances, for an output
// whose (row's) largest magnitude is m: 8 ULP of fp32 at m, and one step of the output's own type; dweight and dbias
// sqrt(rows) ULP more.
std::string mismatch(const Tensors &tensors, const Outputs &oracle, const Outputs &got, double factor);

}  // namespace norma
