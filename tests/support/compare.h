// SPDX-License-Identifier: MIT
// How close is close enough. A kernel computes in fp32 and rounds once; so its result must be what some value within
// fp32 error of the float64 result rounds to. For 16-bit types that is the correctly rounded result, or its neighbour
// where the float64 value lies within fp32 error of the tie between them; a store that truncates fails.
//
// The error allowed, in ULP of fp32:
// - 3: half each for the normalized element, the weight with its offset, rstd and the result, which all may lie low in
//   their binade, and what is left of the errors of the sums;
// - 4: layer_norm of rows whose spread is small against their mean, where the distance to the mean is rounded too;
// - 8: rows of which one element dwarfs the others, which all round the same way when its lane takes them up; and rows
// of
//   two values, whose terms do;
// - 8: rstd alone, of rows other than normal ones, where terms of few different values round the same way.
//
// It is counted at the row's largest magnitude where y is f32, relative to the element's own where y is a 16-bit type.
// "Magnitude" is that of the terms which the last addition joins, since bias may cancel them; and layer_norm centres
// each element with a mean that is rounded against the row's spread, so there it is at least that of one standard
// deviation.
#pragma once

#include <optional>
#include <sstream>
#include <string>

#include "tools/reference/reference.h"

namespace norma::test {

using reference::Values;

struct Judged {
    norma_op op;
    norma_dtype x, y;
    norma_contract contract;
    double ulps;
};

struct Mismatch {
    int64_t element;
    double got, expected, tolerance;
};

inline std::string mismatch_text(const char *what, int64_t row, const Mismatch &mismatch) {
    std::ostringstream out;
    out.precision(10);
    out << what << " row " << row << " element " << mismatch.element << " is " << mismatch.got << "; expected "
        << mismatch.expected << " +- " << mismatch.tolerance;
    return out.str();
}

inline bool rounds_from(norma_dtype dtype, double got, double low, double high) {
    return got >= reference::round_to(dtype, low) && got <= reference::round_to(dtype, high);
}

// Whether `got` is what `expected` becomes with an error of at most `tolerance`
// before the rounding.
inline bool acceptable(norma_dtype dtype, double got, double expected, double tolerance) {
    if (std::isnan(expected) || std::isnan(got)) {
        return std::isnan(expected) && std::isnan(got);
    }
    if (std::isinf(expected)) {
        return got == expected;
    }
    return rounds_from(dtype, got, expected - tolerance, expected + tolerance);
}

inline double finite_magnitude(double value) { return std::isfinite(value) ? std::fabs(value) : 0; }

class RowJudge {
public:
    RowJudge(const Judged &judged, const reference::Options &options, const reference::Row &expected)
        : judged_(judged), options_(options), expected_(expected) {
        for (size_t i = 0; i < expected.y.size(); i++) {
            largest_ = std::max(largest_, terms(i));
        }
    }

    std::optional<Mismatch> first_mismatch(const Values &got) const {
        for (size_t i = 0; i < got.size(); i++) {
            const double allowed = tolerance(i);
            const bool good = judged_.contract == NORMA_HF && judged_.x != NORMA_F32
                                  ? acceptable_twice_rounded(i, got[i])
                                  : acceptable(judged_.y, got[i], expected_.y[i], allowed);
            if (!good) {
                return Mismatch{static_cast<int64_t>(i), got[i], expected_.y[i], allowed};
            }
        }
        return std::nullopt;
    }

    // Before the rounding to y.
    double tolerance(size_t i) const {
        // Among denormal numbers even sums and products round to multiples of the smallest.
        const double quantum = 0x1p-149 * (1 + std::fabs(weight(i)) * (1 + (centred() ? expected_.rstd : 0)));
        return (judged_.y == NORMA_F32 ? judged_.ulps * reference::ulp(NORMA_F32, largest_) : relative(terms(i))) +
               quantum;
    }

private:
    double weight(size_t i) const { return options_.weight.empty() ? 1 : options_.weight[i] + options_.weight_offset; }

    bool centred() const { return judged_.op == NORMA_LAYER_NORM_FORWARD; }

    double terms(size_t i) const {
        const double bias = options_.bias.empty() ? 0 : std::fabs(options_.bias[i]);
        const double deviation = centred() ? std::fabs(weight(i)) : 0;
        return std::max(
            {finite_magnitude(expected_.y[i]), finite_magnitude(expected_.normalized[i] * weight(i)), bias, deviation});
    }

    double relative(double magnitude) const { return judged_.ulps * 0x1p-23 * std::fabs(magnitude); }

    // The contract hf: x-hat is rounded to the type of x, then the product to
    // that of y. Either may flip near a tie.
    bool acceptable_twice_rounded(size_t i, double got) const {
        const double normalized = expected_.normalized[i];
        if (!std::isfinite(normalized)) {
            return acceptable(judged_.y, got, expected_.y[i], 0);
        }
        const double error = relative(normalized);
        for (double side : {-error, error}) {
            const double product = reference::affine(options_, i, reference::round_to(judged_.x, normalized + side));
            if (acceptable(judged_.y, got, product, 2 * reference::ulp(NORMA_F32, product))) {
                return true;
            }
        }
        return false;
    }

    Judged judged_;
    const reference::Options &options_;
    const reference::Row &expected_;
    double largest_ = 0;
};

}  // namespace norma::test
