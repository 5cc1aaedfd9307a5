// SPDX-License-Identifier: MIT
// The same expression with float64 replaced by fp32; what is given in float64 is rounded. GPUs have one float64 unit
// for 64 of fp32, and every thread would compute what is once per row.
#pragma once

#include <Halide.h>

namespace norma {

Halide::Expr in_single_precision(const Halide::Expr &value);

}  // namespace norma
