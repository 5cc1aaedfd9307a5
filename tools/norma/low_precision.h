// SPDX-License-Identifier: MIT
// The statistics of a row in low precision, as no kernel of Norma computes them.
#pragma once

#include <Eigen/Core>
#include <algorithm>

#include "tools/reference/reference.h"

namespace norma::tool {

struct Statistics {
    double mean, variance;  // rms_norm: 0, and the mean square
};

// In 16 partial sums, as vector code would have; one after the other would be worse.
template <class T, class Term>
T mean_of(const reference::Values &x, Term term) {
    T sums[16] = {};
    for (size_t d = 0; d < x.size(); d++) {
        sums[d % 16] = sums[d % 16] + term(T(static_cast<float>(x[d])));
    }
    T sum = sums[0];
    for (int lane = 1; lane < 16; lane++) {
        sum = sum + sums[lane];
    }
    return T(static_cast<float>(sum) / static_cast<float>(x.size()));
}

// mean((x - mean)^2), after the mean.
template <class T>
Statistics two_passes(const reference::Values &x, bool centred) {
    const T mean = centred ? mean_of<T>(x, [](T value) { return value; }) : T(0.0f);
    const T variance = mean_of<T>(x, [=](T value) { return (value - mean) * (value - mean); });
    return {static_cast<float>(mean), static_cast<float>(variance)};
}

// mean(x^2) - mean^2, in one pass.
template <class T>
Statistics one_pass(const reference::Values &x, bool) {
    const T mean = mean_of<T>(x, [](T value) { return value; });
    const T square = mean_of<T>(x, [](T value) { return value * value; });
    return {static_cast<float>(mean), std::max(0.0f, static_cast<float>(square - mean * mean))};
}

struct LowPrecision {
    const char *name;
    Statistics (*statistics)(const reference::Values &x, bool centred);
    bool layer_norm_only;
};

inline constexpr LowPrecision low_precisions[] = {{"f16", two_passes<Eigen::half>, false},
                                                  {"bf16", two_passes<Eigen::bfloat16>, false},
                                                  {"f32 one pass", one_pass<float>, true},
                                                  {"bf16 one pass", one_pass<Eigen::bfloat16>, true}};

}  // namespace norma::tool
