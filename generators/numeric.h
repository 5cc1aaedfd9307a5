// SPDX-License-Identifier: MIT
// The one place that widens and narrows element types.
#pragma once

#include <Halide.h>

#include "variant.h"

namespace norma {

Halide::Type halide_type(DType type);

// To fp32, exactly.
Halide::Expr widen(Halide::Expr value);

// From fp32: round to nearest even, NaN stays NaN.
Halide::Expr narrow(DType type, Halide::Expr value);

// The fp32 value that storing to `type` and loading again would give.
Halide::Expr round_to(DType type, Halide::Expr value);

}  // namespace norma
