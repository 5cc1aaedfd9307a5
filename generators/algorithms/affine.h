// SPDX-License-Identifier: MIT
// How every forward norm begins and ends.
#pragma once

#include "row.h"

namespace norma {

// x, or round(x + residual), which is also stored as residual_out, but by partial statistics: the statistics are those
// of what the next reader sees.
RowValue load_input(Row &row, const Variant &variant);

// The type whose values the row has that load_input returns.
norma_dtype held_type(const Variant &variant);

// value * (weight + weight_offset); value itself without a weight.
RowValue apply_weight(Row &row, const Variant &variant, const RowValue &value);

// normalized * (weight + weight_offset) + bias, in the variant's contract, with what of these the variant has.
void store_affine(Row &row, const Variant &variant, const RowValue &normalized);

}  // namespace norma
