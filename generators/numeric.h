// SPDX-License-Identifier: MIT
// The one place that widens and narrows element types.
#pragma once

#include <Halide.h>

#include "variant.h"

namespace norma {

Halide::Type halide_type(DType type);

// To fp32, exactly.
Halide::Expr widen(Halide::Expr value);

// From fp32: round to nearest even, NaN stays NaN. To i8 and f8: saturates; NaN becomes 0 in i8, which has none; i8
// ends at -127.
Halide::Expr narrow(DType type, Halide::Expr value);

// Of fp32: ordered as magnitudes are, NaN above infinity, as no floating-point maximum would do.
Halide::Expr magnitude_bits(const Halide::Expr &value);

// The largest magnitude of a quantized type.
float largest(DType type);

// The fp32 value that storing to `type` and loading again would give.
Halide::Expr round_to(DType type, Halide::Expr value);

}  // namespace norma
