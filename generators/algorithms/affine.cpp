// SPDX-License-Identifier: MIT
#include "affine.h"

#include "generators/passes/fused_multiply_add.h"
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
    if (is_partial(variant)) {
        return [=](Expr d) { return round_to(variant.residual, x(d) + residual(d)); };
    }
    RowValue sum = row.keep("sum", variant.residual, [=](Expr d) { return x(d) + residual(d); });
    row.store("residual_out", variant.residual, sum);
    return sum;
}

norma_dtype held_type(const Variant &variant) {
    return variant.residual != NORMA_NONE                      ? variant.residual
           : is_quantized(variant.x) || variant.x == NORMA_I32 ? NORMA_F32
                                                               : variant.x;
}

namespace {

// Null where the variant has no weight.
RowValue load_weight(Row &row, const Variant &variant) {
    if (variant.weight == NORMA_NONE) {
        return nullptr;
    }
    RowValue weight = row.parameter("weight", variant.weight);
    Expr offset = row.scalar("weight_offset");
    return [=, &row](Expr d) { return row.either(offset == 0.0f, weight(d), weight(d) + offset); };
}

}  // namespace

RowValue apply_weight(Row &row, const Variant &variant, const RowValue &value) {
    RowValue weight = load_weight(row, variant);
    return weight ? [=](Expr d) { return value(d) * weight(d); } : value;
}

void store_affine(Row &row, const Variant &variant, const RowValue &normalized) {
    RowValue y = normalized;
    if (variant.contract == NORMA_HF) {
        y = [=, before = y](Expr d) { return round_to(variant.x, before(d)); };
    }
    if (variant.bias == NORMA_NONE) {
        y = apply_weight(row, variant, y);
    } else {
        RowValue weight = load_weight(row, variant), bias = row.parameter("bias", variant.bias);
        y = [=, before = y](Expr d) {
            return weight ? fused_multiply_add(before(d), weight(d), bias(d)) : before(d) + bias(d);
        };
    }
    if (is_quantized(variant.y)) {
        store_quantized(row, variant, y);
    } else {
        row.store("y", variant.y, y);
    }
}

}  // namespace norma
