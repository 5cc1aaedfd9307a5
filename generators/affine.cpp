// SPDX-License-Identifier: MIT
#include "affine.h"

#include "numeric.h"
#include "quantize.h"

namespace norma {

using Halide::Expr;

RowValue load_input(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x);
    if (is_quantized(variant.x)) {
        Expr scale = row.per_row("x_scale");
        x = [=, stored = x](Expr d) { return stored(d) * scale; };
    }
    if (variant.residual == DType::none) {
        return x;
    }
    RowValue residual = row.load("residual", variant.residual);
    RowValue sum = row.keep("sum", variant.residual, [=](Expr d) { return x(d) + residual(d); });
    row.store("residual_out", variant.residual, sum);
    return sum;
}

void store_affine(Row &row, const Variant &variant, const RowValue &normalized) {
    RowValue y = normalized;
    if (variant.contract == Contract::hf) {
        y = [=, before = y](Expr d) { return round_to(variant.x, before(d)); };
    }
    if (variant.weight != DType::none) {
        RowValue weight = row.parameter("weight", variant.weight);
        Expr offset = row.scalar("weight_offset");
        y = [=, before = y](Expr d) { return before(d) * (weight(d) + offset); };
    }
    if (variant.bias != DType::none) {
        RowValue bias = row.parameter("bias", variant.bias);
        y = [=, before = y](Expr d) { return before(d) + bias(d); };
    }
    if (is_quantized(variant.y)) {
        store_quantized(row, variant, y);
    } else {
        row.store("y", variant.y, y);
    }
}

}  // namespace norma
