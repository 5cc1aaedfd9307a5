// SPDX-License-Identifier: MIT
#include "gradient.h"

#include "generators/passes/fused_multiply_add.h"
#include "numeric.h"

namespace norma {

using Halide::Expr;

RowValue gradient_of_normalized(Row &row, const Variant &variant, const RowValue &dy) {
    if (variant.weight == NORMA_NONE) {
        return dy;
    }
    RowValue weight = row.parameter("weight", variant.weight);
    Expr offset = row.scalar("weight_offset");
    RowValue scale = row.prepare("scale", [=](Expr d) { return weight(d) + offset; });
    RowValue gradient = [=](Expr d) { return dy(d) * scale(d); };
    if (variant.contract == NORMA_HF) {
        return [=](Expr d) { return round_to(variant.x, gradient(d)); };
    }
    return gradient;
}

void store_dx(Row &row, const Variant &variant, const RowValue &value, const Expr &rstd) {
    if (variant.residual == NORMA_NONE) {
        row.store("dx", variant.x, [=](Expr d) { return value(d) * rstd; });
        return;
    }
    RowValue d_residual = row.load("d_residual", variant.residual);
    row.store("dx", variant.x, [=](Expr d) { return fused_multiply_add(value(d), rstd, d_residual(d)); });
}

void store_parameter_gradients(Row &row, const Variant &variant, const RowValue &dy, const RowValue &normalized) {
    if (variant.weight != NORMA_NONE) {
        // The forward of contract hf multiplies the weight with the rounded row.
        const bool rounded = variant.contract == NORMA_HF;
        row.column_sum("dweight",
                       {dy, rounded ? [=](Expr d) { return round_to(variant.x, normalized(d)); } : normalized});
    }
    if (variant.bias != NORMA_NONE) {
        row.column_sum("dbias", {dy});
    }
}

Expr accumulated(const Halide::ImageParam &before, const Halide::Param<int32_t> &accumulate, const Expr &d) {
    return select(accumulate != 0, Halide::cast<double>(widen(before(d))), Halide::cast<double>(0));
}

}  // namespace norma
