// SPDX-License-Identifier: MIT
// How every backward norm begins and ends.
#pragma once

#include "row.h"

namespace norma {

// Of the normalized row, before weight and bias: dy * (weight + weight_offset), in the variant's contract.
RowValue gradient_of_normalized(Row &row, const Variant &variant, const RowValue &dy);

// dx = value * rstd, to which the gradient that arrives at residual_out by the other way is added, when the variant has
// one.
void store_dx(Row &row, const Variant &variant, const RowValue &value, const Halide::Expr &rstd);

// dweight = sum of dy * normalized and dbias = sum of dy over the rows, of the parameters that the variant has.
void store_parameter_gradients(Row &row, const Variant &variant, const RowValue &dy, const RowValue &normalized);

// What a gradient held before, as float64, where the call accumulates; else 0.
Halide::Expr accumulated(const Halide::ImageParam &before, const Halide::Param<int32_t> &accumulate,
                         const Halide::Expr &d);

}  // namespace norma
