// SPDX-License-Identifier: MIT
// y = (x - mean) / sqrt(var + eps) * weight + bias    Ba, Kiros, Hinton 2016, "Layer Normalization", eq. 4
#include "affine.h"
#include "algorithm.h"
#include "generators/passes/fused_multiply_add.h"
#include "gradient.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::Float;
using Halide::sqrt;

namespace {

struct Normalized {
    RowValue row;
    Expr mean, rstd;
};

// Of a row of which x is a slice.
Moments merged_moments(Row &row, const Expr &eps) {
    Expr mean = row.per_row("first_moment", Float(64)), variance = row.per_row("second_moment", Float(64));
    Expr leaves = leaves_range(variance, eps, cast<float>(mean));
    Expr scale = select(leaves, rescaling(variance), 1.0f), unscale = select(leaves, unscaling(variance), 1.0f);
    Expr wide_scale = cast<double>(scale), scaled_mean = mean * wide_scale;
    Expr shift = finite_or_zero(cast<float>(scaled_mean));
    Expr rest = row.in_float64("rest_of_mean", scaled_mean - cast<double>(shift));
    return around(scale, unscale, shift, rest, variance * wide_scale * wide_scale);
}

// What is known of the whole row of x before it is normalized.
Moments moments_of(Row &row, const RowValue &x, norma_dtype held, bool merged, const Expr &eps) {
    return merged ? merged_moments(row, eps) : row.moments("x", x, held, eps);
}

// `to_the_last_bit`: of fp32, where the rounding of rstd would show.
Normalized compute_normalized(Row &row, const RowValue &x, norma_dtype held, bool merged, bool to_the_last_bit) {
    Expr eps = row.scalar("eps");
    const Moments moments = moments_of(row, x, held, merged, eps);
    const Expr wide_scale = cast<double>(moments.scale);
    const Expr wide_rstd =
        row.shared("wide_rstd", 1.0f / sqrt(moments.variance + cast<double>(eps) * wide_scale * wide_scale));
    // What is left of the mean is taken off after the product, so that each element is rounded once less.
    const bool has_rest = to_the_last_bit && row.has_float64();
    const Expr narrow_rstd = cast<float>(wide_rstd), rounded_off = cast<float>(wide_rstd - cast<double>(narrow_rstd));
    const std::vector<Expr> once =
        row.once_together("normalize",
                          {narrow_rstd, has_rest ? rounded_off : Expr(0.0f), cast<float>(-(moments.mean * wide_rstd)),
                           moments.scale, -moments.shift, moments.as_is},
                          {cast<float>((cast<double>(moments.shift) + moments.mean) * cast<double>(moments.unscale)),
                           cast<float>(wide_rstd * wide_scale)});
    const Expr &rstd = once[0], &rest_of_rstd = once[1], &offset = once[2], &scale = once[3], &minus_shift = once[4],
               &as_is = once[5], &stored_mean = once[6], &stored_rstd = once[7];
    RowValue general = centre(x, scale, minus_shift);
    RowValue centred = [=, &row](Expr d) { return row.either(as_is, x(d), general(d)); };
    RowValue rest = [=](Expr d) { return has_rest ? fused_multiply_add(centred(d), rest_of_rstd, offset) : offset; };
    return {[=](Expr d) { return fused_multiply_add(centred(d), rstd, rest(d)); }, stored_mean, stored_rstd};
}

// Of x as it is, whatever was shifted and scaled to find them.
void store_moments(Row &row, const RowValue &x, norma_dtype held) {
    const Moments moments = row.moments("x", x, held, 0.0f);
    Expr unscale = cast<double>(moments.unscale);
    const std::vector<Expr> whole = row.once_together(
        "moments", {}, {(cast<double>(moments.shift) + moments.mean) * unscale, moments.variance * unscale * unscale});
    row.store_scalar("first_moment", whole[0]);
    row.store_scalar("second_moment", whole[1]);
}

// Half of what lies between x and the mean is always finite.
Normalized load_normalized(Row &row, const RowValue &x) {
    Expr mean = row.per_row("mean"), rstd = row.per_row("rstd");
    Expr minus_half_mean = row.once("minus_half_mean", mean * -0.5f), twice_rstd = row.once("twice_rstd", rstd * 2.0f);
    return {[=](Expr d) { return fused_multiply_add(x(d), 0.5f, minus_half_mean) * twice_rstd; }, mean, rstd};
}

// Of g and g * n.
std::vector<Expr> gradient_means(Row &row, const Variant &variant, const RowValue &g, const RowValue &n) {
    if (is_merged(variant)) {
        return {row.per_row("first_moment", Float(64)), row.per_row("second_moment", Float(64))};
    }
    return row.means("gradient_means", {{g}, {g, n}});
}

}  // namespace

static void layer_norm_forward(Row &row, const Variant &variant) {
    RowValue x = load_input(row, variant);
    if (is_partial(variant)) {
        store_moments(row, x, held_type(variant));
        return;
    }
    Normalized normalized = compute_normalized(row, x, held_type(variant), is_merged(variant), variant.y == NORMA_F32);
    store_affine(row, variant, normalized.row);
    row.store_scalar("mean", normalized.mean);
    row.store_scalar("rstd", normalized.rstd);
}

// With n the normalized row and g = dy * weight:  dx = (g - mean(g) - n * mean(g * n)) * rstd
static void layer_norm_backward(Row &row, const Variant &variant) {
    RowValue x = row.load("x", variant.x), dy = row.load("dy", variant.y);
    const bool recompute = variant.statistics == Statistics::recomputed;
    Normalized normalized = recompute ? compute_normalized(row, x, variant.x, false, false) : load_normalized(row, x);
    RowValue n = normalized.row, g = gradient_of_normalized(row, variant, dy);
    const std::vector<Expr> means = gradient_means(row, variant, g, n);
    if (is_partial(variant)) {
        row.store_scalar("first_moment", means[0]);
        row.store_scalar("second_moment", means[1]);
        return;
    }
    Expr mean_g = row.once("mean_g", cast<float>(means[0])), minus_gn = row.once("minus_gn", cast<float>(-means[1]));
    RowValue centred = [=](Expr d) { return fused_multiply_add(n(d), minus_gn, g(d) - mean_g); };
    store_dx(row, variant, centred, normalized.rstd);
    store_parameter_gradients(row, variant, dy, n);
}

namespace {

const RegisterAlgorithm forward(NORMA_LAYER_NORM_FORWARD, layer_norm_forward),
    backward(NORMA_LAYER_NORM_BACKWARD, layer_norm_backward);

}  // namespace

}  // namespace norma
