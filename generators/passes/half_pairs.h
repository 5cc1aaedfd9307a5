// SPDX-License-Identifier: MIT
// bf16 two by two: a row is 32-bit words, the upper half of each already the fp32 number of the odd element, the lower
// half, shifted, that of the even one. Widened element by element, each takes a shuffle and a shift.
#pragma once

#include <Halide.h>

#include <optional>

namespace norma {

struct Pairs {
    Halide::Expr even, odd;
};

// The elements of a vector that is computed from dense bf16 vectors (half_to_float) and broadcast numbers alone,
// without lets.
std::optional<Pairs> split_pairs(const Halide::Expr &vector);

}  // namespace norma
