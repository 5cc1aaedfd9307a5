// SPDX-License-Identifier: MIT
// The norms of a Transformer layer: by Norma for float, and by the formula for double.
#pragma once

#include <norma/norma.hpp>

#include "layer.h"

namespace example {

constexpr float eps = 1e-5f;

template <class T>
struct Normed {
    Matrix<T> y, sum;  // sum = x + residual, which is what y is the norm of
};

// One kernel for a residual and one without, of layer_norm (with bias) or rms_norm.
class Norma {
public:
    Norma(norma_op op, int64_t hidden)
        : bias_(op == NORMA_LAYER_NORM_FORWARD),
          plain_(describe(op, hidden, false)),
          add_(describe(op, hidden, true)) {}

    Normed<float> operator()(const NormWeights<float> &weights, const Matrix<float> &x,
                             const Matrix<float> *residual = nullptr) {
        const int64_t rows = x.rows(), hidden = x.cols();
        Normed<float> out{Matrix<float>(rows, hidden), Matrix<float>(rows, hidden)};
        norma_arguments arguments = norma::arguments(eps);
        arguments.x = norma::tensor(x.data(), {rows, hidden});
        arguments.y = norma::tensor(out.y.data(), {rows, hidden});
        arguments.weight = norma::tensor(weights.weight.data(), {hidden});
        if (bias_) {
            arguments.bias = norma::tensor(weights.bias.data(), {hidden});
        }
        if (residual) {
            arguments.residual = norma::tensor(residual->data(), {rows, hidden});
            arguments.residual_out = norma::tensor(out.sum.data(), {rows, hidden});
        } else {
            out.sum = x;
        }
        (residual ? add_ : plain_).run(arguments, norma::execution(), workspace_);
        return out;
    }

private:
    static norma_plan_desc describe(norma_op op, int64_t hidden, bool residual) {
        const norma_dtype bias = op == NORMA_LAYER_NORM_FORWARD ? NORMA_F32 : NORMA_NONE;
        norma_plan_desc desc = norma::describe(op, hidden, NORMA_F32, NORMA_F32, bias);
        desc.residual = residual ? NORMA_F32 : NORMA_NONE;
        return desc;
    }

    bool bias_;
    norma::Plan plain_, add_;
    norma::Workspace workspace_;
};

class Formula {
public:
    explicit Formula(norma_op op) : layer_norm_(op == NORMA_LAYER_NORM_FORWARD) {}

    Normed<double> operator()(const NormWeights<double> &weights, const Matrix<double> &x,
                              const Matrix<double> *residual = nullptr) const {
        Normed<double> out{x, residual ? Matrix<double>(x + *residual) : x};
        for (Eigen::Index row = 0; row < x.rows(); row++) {
            Eigen::RowVectorXd centred = out.sum.row(row);
            centred.array() -= layer_norm_ ? centred.mean() : 0;
            const double rstd = 1 / std::sqrt(centred.squaredNorm() / double(x.cols()) + double(eps));
            out.y.row(row) = (centred * rstd).cwiseProduct(weights.weight);
            if (layer_norm_) {
                out.y.row(row) += weights.bias;
            }
        }
        return out;
    }

private:
    bool layer_norm_;
};

}  // namespace example
