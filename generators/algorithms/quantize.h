// SPDX-License-Identifier: MIT
#pragma once

#include "row.h"

namespace norma {

// y_scale and y = round(value / y_scale) in the variant's type and kind of scale. A dynamic scale is the largest
// magnitude over the type's largest number; 0, with zeros for y, where that magnitude is below 2^-100; NaN, with zeros
// for y (and NaN for NaN where the type has it), where there is a NaN or infinity.
void store_quantized(Row &row, const Variant &variant, const RowValue &value);

// The same for a scale of each row and value * factor, of whose `value` the largest magnitude is known.
void store_with_row_scale(Row &row, const Variant &variant, const RowValue &value, const Halide::Expr &factor,
                          const Halide::Expr &amax);

}  // namespace norma
