// SPDX-License-Identifier: MIT
#include "affine.h"

#include "numeric.h"
#include "quantize.h"

namespace norma {

using Halide::Expr;

RowValue load_input(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x);
    if (variant.x == NORMA_I32) {
        RowValue scale = row.parameter("x_column_scale", NORMA_F32);
        x = [=, stored = x](Expr d) { return stored(d) * scale(d); };
    }
    if (is_quantized(variant.x)) {
        Expr scale = row.per_row("x_scale");
        x = [=, stored = x](Expr d) { return stored(d) * scale; };
    }
    if (variant.residual == NORMA_NONE) {
        return x;
    }
    RowValue residual = row.load("residual", variant.residual);
    RowValue sum = row.keep("sum", variant.residual, [=](Expr d) { return x(d) + residual(d); });
    row.store("residual_out", variant.residual, sum);
    return sum;
}

RowValue apply_weight(Row &row, const Variant &variant, const RowValue &value) {
    if (variant.weight == NORMA_NONE) {
        return value;
    }
    RowValue weight = row.parameter("weight", variant.weight);
    Expr offset = row.scalar("weight_offset");
    return [=](Expr d) { return value(d) * (weight(d) + offset); };
}

void store_affine(Row &row, const Variant &variant, const RowValue &normalized) {
    RowValue y = normalized;
    if (variant.contract == NORMA_HF) {
        y = [=, before = y](Expr d) { return round_to(variant.x, before(d)); };
    }
    y = apply_weight(row, variant, y);
    if (variant.bias != NORMA_NONE) {
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
