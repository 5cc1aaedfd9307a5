// SPDX-License-Identifier: MIT
// y = x / sqrt(mean(x^2) + eps) * weight    Zhang, Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4
#include "affine.h"
#include "algorithm.h"
#include "generators/passes/fused_multiply_add.h"
#include "gradient.h"
#include "quantize.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::Float;
using Halide::sqrt;

namespace {

Expr finish_rstd(Row &row, const Expr &mean_square, const Expr &eps) {
    return row.once("rstd", cast<float>(1.0f / sqrt(mean_square + cast<double>(eps))));
}

Expr compute_rstd(Row &row, const RowValue &x, norma_dtype held) {
    Expr eps = row.scalar("eps");
    return finish_rstd(row, row.mean_square("mean_square", x, held, eps), eps);
}

// Of a row of which x is a slice.
Expr merged_rstd(Row &row) { return finish_rstd(row, row.per_row("second_moment", Float(64)), row.scalar("eps")); }

// y is proportional to x * weight, so the first sweep also finds the largest magnitude.
Expr store_quantized_rows(Row &row, const Variant &variant, const RowValue &x) {
    RowValue weighted = apply_weight(row, variant, x);
    Expr eps = row.scalar("eps");
    const auto found = row.mean_square_and_amax("mean_square", x, held_type(variant), eps, weighted);
    Expr rstd = finish_rstd(row, found.mean_square, eps);
    store_with_row_scale(row, variant, weighted, rstd, found.amax);
    return rstd;
}

Expr store_normalized(Row &row, const Variant &variant, const RowValue &x) {
    if (variant.scale == NORMA_SCALE_ROW && variant.bias == NORMA_NONE && variant.y_float == NORMA_NONE &&
        !is_merged(variant)) {
        return store_quantized_rows(row, variant, x);
    }
    Expr rstd = is_merged(variant) ? merged_rstd(row) : compute_rstd(row, x, held_type(variant));
    store_affine(row, variant, [=](Expr d) { return x(d) * rstd; });
    return rstd;
}

}  // namespace

static void rms_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    if (is_partial(variant)) {
        Expr mean_square = row.mean_square("mean_square", x, held_type(variant), 0.0f);
        row.store_scalar("second_moment", row.once_together("moment", {}, {mean_square})[0]);
        return;
    }
    row.store_scalar("rstd", store_normalized(row, variant, x));
}

// With n the normalized row and g = dy * weight:  dx = (g - n * mean(g * n)) * rstd
static void rms_norm_backward(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x), dy = row.load("dy", variant.y);
    Expr rstd = variant.statistics == Statistics::recomputed ? compute_rstd(row, x, variant.x) : row.per_row("rstd");
    RowValue n = [=](Expr d) { return x(d) * rstd; };
    RowValue g = gradient_of_normalized(row, variant, dy);
    Expr mean_gn = is_merged(variant) ? row.per_row("second_moment", Float(64)) : row.mean("gn", {g, n});
    if (is_partial(variant)) {
        row.store_scalar("second_moment", mean_gn);
        return;
    }
    Expr minus_gn = row.once("minus_gn", cast<float>(-mean_gn));
    store_dx(
        row, variant, [=](Expr d) { return fused_multiply_add(n(d), minus_gn, g(d)); }, rstd);
    store_parameter_gradients(row, variant, dy, n);
}

namespace {

const RegisterAlgorithm forward(NORMA_RMS_NORM_FORWARD, rms_norm_forward),
    backward(NORMA_RMS_NORM_BACKWARD, rms_norm_backward);

}  // namespace

}  // namespace norma
