// SPDX-License-Identifier: MIT
#include "row.h"

#include <limits>

#include "generators/passes/fused_multiply_add.h"

namespace norma {

using Halide::cast;
using Halide::Expr;
using Halide::select;
using Halide::Internal::is_const;

Expr Row::mean_square(const std::string &name, const RowValue &x, norma_dtype, const Expr &) {
    return mean(name, {x, x});
}

// Two sweeps, never E[x^2] - mean^2. The fp32 mean of a row like 40000 +- 1 is off by its rounding, so the second also
// finds by how much (Chan, Golub, LeVeque 1983, "corrected two-pass algorithm").
Moments Row::moments(const std::string &name, const RowValue &x, norma_dtype, const Expr &) {
    Expr shift = once(name + "_shift", finite_or_zero(cast<float>(mean(name + "_mean", {x}))));
    RowValue centred = centre(x, 1.0f, -shift);
    std::vector<Expr> means = this->means(name + "_moments", {{centred}, {centred, centred}});
    return {1.0f, 1.0f, shift, means[0], once(name + "_variance", non_negative(means[1] - means[0] * means[0]))};
}

std::vector<Expr> Row::once_together(const std::string &name, std::vector<Expr> values,
                                     const std::vector<Expr> &stored) {
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = is_const(values[i]) ? values[i] : once(name + "_" + std::to_string(i), values[i]);
    }
    values.insert(values.end(), stored.begin(), stored.end());
    return values;
}

namespace {

// Mean squares between these neither overflow nor lose bits, in rows of up to 2^24 elements; nor do those of
// differences from a mean whose square is.
constexpr double least_square = 0x1p-52, most_square = 0x1p100;
// Added to this, a mean square below the least is not seen.
constexpr float least_eps = 0x1p-76f;
// What brings any finite row between them: one beyond the most, one below the least, and one far below it.
constexpr float down = 0x1p-96f, up = 0x1p48f, far_up = 0x1p96f;
constexpr double far_below = 0x1p-100;

Expr float64(double value) { return Halide::Internal::make_const(Halide::Float(64), value); }

Expr by_size(const Expr &mean_square, float large, float small, float tiny) {
    return select(mean_square >= float64(most_square), large, select(mean_square < float64(far_below), tiny, small));
}

}  // namespace

// Beside a shift of 1 no difference is as small as the least, unless it is 0.
Expr leaves_range(const Expr &mean_square, const Expr &eps, const Expr &shift) {
    return mean_square >= float64(most_square) ||
           (mean_square < float64(least_square) && eps < least_eps && abs(shift) < 1.0f);
}

Expr rescaling(const Expr &mean_square) { return by_size(mean_square, down, up, far_up); }
Expr unscaling(const Expr &mean_square) { return by_size(mean_square, 1 / down, 1 / up, 1 / far_up); }

Moments around(const Expr &scale, const Expr &unscale, const Expr &shift, const Expr &mean, const Expr &variance) {
    Expr whole_mean = cast<double>(shift) + mean;
    Expr around_zero = whole_mean * whole_mean <= 4 * variance;
    // Of a row of equal elements nothing has to be scaled, and a scaled eps would leave the range of fp32.
    Expr constant = mean == 0.0f && variance == 0.0f;
    Expr used_scale = select(constant, 1.0f, scale);
    return {used_scale,
            select(constant, 1.0f, unscale),
            select(around_zero, 0.0f, constant, shift * unscale, shift),
            select(around_zero, whole_mean, mean),
            variance,
            around_zero && used_scale == 1.0f};
}

Expr non_negative(const Expr &value) { return select(value < 0, cast(value.type(), 0), value); }

Expr finite_or_zero(const Expr &value) {
    return select(abs(value) < std::numeric_limits<float>::infinity(), value, 0.0f);
}

RowValue centre(const RowValue &x, const Expr &scale, const Expr &minus_shift) {
    if (Halide::Internal::is_const_one(scale)) {
        return [=](Expr d) { return x(d) + minus_shift; };
    }
    return [=](Expr d) { return fused_multiply_add(x(d), scale, minus_shift); };
}

}  // namespace norma
