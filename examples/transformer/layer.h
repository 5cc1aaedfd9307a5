// SPDX-License-Identifier: MIT
// The parts of a Transformer layer between its norms, in Eigen, for float and double.
#pragma once

#include <Eigen/Core>
#include <cmath>

namespace example {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
struct NormWeights {
    Matrix<T> weight, bias;  // [1, hidden]
};

template <class T>
struct Layer {
    Matrix<T> query, key, value, out, up, down;  // [from, to]
    NormWeights<T> attention_norm, ffn_norm;
};

constexpr int heads = 4;

// x is [tokens, hidden]. A token sees itself and those before it.
template <class T>
Matrix<T> attention(const Layer<T> &layer, const Matrix<T> &x) {
    const Matrix<T> q = x * layer.query, k = x * layer.key, v = x * layer.value;
    const Eigen::Index size = x.cols() / heads;
    Matrix<T> mixed(x.rows(), x.cols());
    for (int head = 0; head < heads; head++) {
        Matrix<T> scores = q.middleCols(head * size, size) * k.middleCols(head * size, size).transpose();
        scores /= std::sqrt(T(size));
        for (Eigen::Index token = 0; token < x.rows(); token++) {
            auto seen = scores.row(token).head(token + 1);
            seen = (seen.array() - seen.maxCoeff()).exp().matrix().eval();
            seen /= seen.sum();
            scores.row(token).tail(x.rows() - token - 1).setZero();
        }
        mixed.middleCols(head * size, size) = scores * v.middleCols(head * size, size);
    }
    return mixed * layer.out;
}

// With SiLU.
template <class T>
Matrix<T> feed_forward(const Layer<T> &layer, const Matrix<T> &x) {
    const Matrix<T> up = x * layer.up;
    return Matrix<T>(up.array() / (1 + (-up.array()).exp())) * layer.down;
}

}  // namespace example
