// SPDX-License-Identifier: MIT
// Made-up weights, and how far the float model is from the same model in double.
#pragma once

#include <cstdio>
#include <random>

#include "layer.h"

namespace example {

constexpr int64_t tokens = 24, hidden = 192;

// Values of floats, so that both models have the same.
inline Matrix<double> random_matrix(std::mt19937 &random, int64_t rows, int64_t cols, double mean, double spread) {
    std::normal_distribution<float> normal(static_cast<float>(mean), static_cast<float>(spread));
    return Matrix<double>::NullaryExpr(rows, cols, [&] { return double(normal(random)); });
}

inline Layer<double> random_layer(std::mt19937 &random) {
    const double spread = 1 / std::sqrt(double(hidden));
    auto square = [&] { return random_matrix(random, hidden, hidden, 0, spread); };
    auto norm = [&] {
        return NormWeights<double>{random_matrix(random, 1, hidden, 1, 0.2), random_matrix(random, 1, hidden, 0, 0.2)};
    };
    return {square(),
            square(),
            square(),
            square(),
            random_matrix(random, hidden, 4 * hidden, 0, spread),
            random_matrix(random, 4 * hidden, hidden, 0, spread / 2),
            norm(),
            norm()};
}

inline NormWeights<float> to_float(const NormWeights<double> &norm) {
    return {norm.weight.cast<float>(), norm.bias.cast<float>()};
}

inline Layer<float> to_float(const Layer<double> &layer) {
    return {layer.query.cast<float>(),      layer.key.cast<float>(), layer.value.cast<float>(),
            layer.out.cast<float>(),        layer.up.cast<float>(),  layer.down.cast<float>(),
            to_float(layer.attention_norm), to_float(layer.ffn_norm)};
}

// The exit status of an example: 0 where the largest difference is small beside the largest value.
inline int compare(const char *what, const Matrix<float> &y, const Matrix<double> &expected) {
    const double error = (y.cast<double>() - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
    std::printf("%s: relative to float64 the error is %.1e\n", what, error);
    return error < 3e-6 ? 0 : 1;
}

}  // namespace example
