// SPDX-License-Identifier: MIT
// The one place that widens and narrows element types.
#pragma once

#include <Halide.h>

#include "runtime/vocabulary/variant.h"

namespace norma {

Halide::Type halide_type(norma_dtype type);

// To fp32: exactly, but for i32 beyond 2^24.
Halide::Expr widen(Halide::Expr value);

// From fp32: round to nearest even, NaN stays NaN. To 8 bits: saturates; NaN becomes 0 in i8 and u8, which have none;
// i8 ends at -127. What is of the type already stays.
Halide::Expr narrow(norma_dtype type, Halide::Expr value);

// The same for a value that is NaN, or does not round to more than the type's max_finite.
Halide::Expr narrow_within(norma_dtype type, Halide::Expr value);

// value * inverse to int8, by one rounding, or to FP8, where that rounds to no more than the type's max_finite. Where
// the inverse is not positive: 0, or NaN where the product is and the type has it.
Halide::Expr narrow_scaled(norma_dtype type, const Halide::Expr &value, const Halide::Expr &inverse);

// The nearest value between these; NaN stays NaN.
Halide::Expr within(const Halide::Expr &value, const Halide::Expr &least, const Halide::Expr &most);

// To nearest even, of what is within 2^20; NaN stays NaN.
Halide::Expr round_to_integer(const Halide::Expr &value);

// Of fp32: ordered as magnitudes are, NaN above infinity, as no floating-point maximum would do.
Halide::Expr magnitude_bits(const Halide::Expr &value);

// What an addition in fp32 rounded away: `after` = before + added, as stored. Knuth's TwoSum.
Halide::Expr rounding_error(const Halide::Expr &before, const Halide::Expr &added, const Halide::Expr &after);

// The fp32 value that storing to `type` and loading again would give.
Halide::Expr round_to(norma_dtype type, Halide::Expr value);

}  // namespace norma
