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

// Of so many heads side by side. A token sees itself and those before it.
template <class T>
Matrix<T> attend(const Matrix<T> &q, const Matrix<T> &k, const Matrix<T> &v, int heads) {
    const Eigen::Index size = q.cols() / heads;
    Matrix<T> mixed(q.rows(), q.cols());
    for (int head = 0; head < heads; head++) {
        Matrix<T> scores = q.middleCols(head * size, size) * k.middleCols(head * size, size).transpose();
        scores /= std::sqrt(T(size));
        for (Eigen::Index token = 0; token < q.rows(); token++) {
            auto seen = scores.row(token).head(token + 1);
            seen = (seen.array() - seen.maxCoeff()).exp().matrix().eval();
            seen /= seen.sum();
            scores.row(token).tail(q.rows() - token - 1).setZero();
        }
        mixed.middleCols(head * size, size) = scores * v.middleCols(head * size, size);
    }
    return mixed;
}

// x is [tokens, hidden].
template <class T>
Matrix<T> attention(const Layer<T> &layer, const Matrix<T> &x) {
    return attend<T>(x * layer.query, x * layer.key, x * layer.value, heads) * layer.out;
}

template <class T>
Matrix<T> silu(const Matrix<T> &x) {
    return x.array() / (1 + (-x.array()).exp());
}

template <class T>
Matrix<T> feed_forward(const Layer<T> &layer, const Matrix<T> &x) {
    return silu<T>(x * layer.up) * layer.down;
}

}  // namespace example
