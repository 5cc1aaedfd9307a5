// SPDX-License-Identifier: MIT
#include "quantize.h"

#include <limits>

#include "generators/passes/fused_multiply_add.h"
#include "numeric.h"

namespace norma {

using Halide::Expr;
using Halide::select;

namespace {

const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

// What a largest magnitude means. Below `tiny` the inverse of the scale would overflow.
struct Dynamic {
    float most, tiny = 0x1p-100f;

    Expr scale(const Expr &magnitude) const {
        return select(magnitude < tiny, 0.0f, magnitude < infinity, magnitude / most, nan);
    }
    Expr inverse(const Expr &magnitude) const {
        return select(magnitude >= tiny && magnitude < infinity, most / magnitude, 0.0f);
    }
};

// Of values within `most` times the scale, others saturate. A scale from the ends of fp32's range is moved to where its
// inverse is a normal number, and the values with it: what then overflows saturates, and what underflows rounds to 0,
// as their quotients do.
RowValue divide_by_scale(Row &row, const RowValue &value, const Expr &scale, float most) {
    const Expr tiny = scale<0x1p-64f, huge = scale> 0x1p64f;
    const Expr factor = select(tiny, 0x1p100f, huge, 0x1p-100f, 1.0f), divisor = scale * factor;
    const Inverse inverse = inverse_of(divisor);
    const std::vector<Expr> once =
        row.once_together("division", {factor, divisor, divisor * most, inverse.nearest, inverse.error});
    return [=, moved = once[0], by = once[1], limit = once[2], nearest = once[3], error = once[4]](Expr d) {
        return quotient(within(value(d) * moved, -limit, limit), by, {nearest, error});
    };
}

}  // namespace

void store_with_row_scale(Row &row, const Variant &variant, const RowValue &value, const Expr &factor,
                          const Expr &amax) {
    const Dynamic dynamic{info_of(variant.y).max_finite};
    Expr found = row.once("largest_value", amax);
    Expr magnitude = row.once("magnitude", select(found < dynamic.tiny && factor < infinity, 0.0f, found * factor));
    Expr inverse = row.once("inverse", dynamic.inverse(magnitude) * factor);
    row.store("y", variant.y, [=](Expr d) { return narrow_scaled(variant.y, value(d), inverse); });
    row.store_scalar("y_scale", dynamic.scale(magnitude));
}

void store_quantized(Row &row, const Variant &variant, const RowValue &value) {
    if (variant.y_float != NORMA_NONE) {
        row.store("y_float", variant.y_float, value);
    }
    if (variant.scale == NORMA_SCALE_TENSOR) {
        const Expr scale = row.per_row("y_scale");
        if (variant.y == NORMA_U8) {
            Expr zero_point = row.scalar("y_zero_point");
            RowValue steps = divide_by_scale(row, value, scale, 2 * info_of(variant.y).max_finite);
            row.store("y", variant.y,
                      [=](Expr d) { return narrow(variant.y, round_to_integer(steps(d)) + zero_point); });
        } else {
            RowValue y = divide_by_scale(row, value, scale, info_of(variant.y).max_finite);
            row.store("y", variant.y, [=](Expr d) { return narrow_within(variant.y, y(d)); });
        }
    } else if (variant.scale == NORMA_SCALE_ROW) {
        store_with_row_scale(row, variant, value, 1.0f, row.amax("largest", value));
    } else {
        const Dynamic dynamic{info_of(variant.y).max_finite};
        const int size = group_size(variant.scale);
        RowValue magnitude = row.group_amax("largest", size, value);
        RowValue inverse =
            row.once_per_group("inverse", size, [=](Expr group) { return dynamic.inverse(magnitude(group)); });
        row.store("y", variant.y, [=](Expr d) { return narrow_scaled(variant.y, value(d), inverse(d / size)); });
        row.store_groups("y_scale", size, [=](Expr group) { return dynamic.scale(magnitude(group)); });
    }
}

}  // namespace norma
