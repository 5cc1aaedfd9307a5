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
