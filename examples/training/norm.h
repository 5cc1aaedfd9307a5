// SPDX-License-Identifier: MIT
// LayerNorm in a training step, forward and backward: by Norma for float, and by the formulas for double.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <norma/norma.hpp>

namespace example {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float eps = 1e-5f;

// y is the norm of sum = x + residual. Sum and statistics are kept for the backward.
template <class T>
struct Normed {
    Matrix<T> y, sum, mean, rstd;
};

// dx is the gradient of the sum, so of x and of the residual both.
template <class T>
struct NormGradient {
    Matrix<T> dx, dweight, dbias;
};

class Norma {
public:
    explicit Norma(int64_t hidden)
        : forward_(describe(NORMA_LAYER_NORM_FORWARD, hidden, NORMA_NONE)),
          add_forward_(describe(NORMA_LAYER_NORM_FORWARD, hidden, NORMA_F32)),
          backward_(describe(NORMA_LAYER_NORM_BACKWARD, hidden, NORMA_NONE)),
          add_backward_(describe(NORMA_LAYER_NORM_BACKWARD, hidden, NORMA_F32)) {}

    Normed<float> forward(const Matrix<float> &weight, const Matrix<float> &bias, const Matrix<float> &x,
                          const Matrix<float> *residual) {
        Normed<float> out{like(x), residual ? like(x) : x, Matrix<float>(x.rows(), 1), Matrix<float>(x.rows(), 1)};
        norma_arguments arguments = norma::arguments(eps);
        arguments.x = tensor(x);
        arguments.weight = vector(weight);
        arguments.bias = vector(bias);
        arguments.y = tensor(out.y);
        arguments.mean = vector(out.mean);
        arguments.rstd = vector(out.rstd);
        if (residual) {
            arguments.residual = tensor(*residual);
            arguments.residual_out = tensor(out.sum);
        }
        (residual ? add_forward_ : forward_).run(arguments, norma::execution(), workspace_);
        return out;
    }

    // d_sum is the gradient that reaches the sum by the other way, around the norm; null where nothing else reads it.
    NormGradient<float> backward(const Matrix<float> &weight, const Normed<float> &normed, const Matrix<float> &dy,
                                 const Matrix<float> *d_sum) {
        NormGradient<float> out{like(dy), like(weight), like(weight)};
        norma_arguments arguments = norma::arguments(eps);
        arguments.x = tensor(normed.sum);
        arguments.dy = tensor(dy);
        arguments.weight = vector(weight);
        arguments.mean = vector(normed.mean);
        arguments.rstd = vector(normed.rstd);
        arguments.dx = tensor(out.dx);
        arguments.dweight = vector(out.dweight);
        arguments.dbias = vector(out.dbias);
        if (d_sum) {
            arguments.d_residual = tensor(*d_sum);
        }
        (d_sum ? add_backward_ : backward_).run(arguments, norma::execution(), workspace_);
        return out;
    }

private:
    static norma_plan_desc describe(norma_op op, int64_t hidden, norma_dtype residual) {
        norma_plan_desc desc = norma::describe(op, hidden, NORMA_F32, NORMA_F32, NORMA_F32);
        desc.residual = residual;
        desc.flags = op == NORMA_LAYER_NORM_FORWARD ? NORMA_SAVE_STATISTICS : 0;
        return desc;
    }
    static Matrix<float> like(const Matrix<float> &matrix) { return Matrix<float>(matrix.rows(), matrix.cols()); }
    static norma_tensor tensor(const Matrix<float> &matrix) {
        return norma::tensor(matrix.data(), {matrix.rows(), matrix.cols()});
    }
    static norma_tensor vector(const Matrix<float> &matrix) { return norma::tensor(matrix.data(), {matrix.size()}); }

    norma::Plan forward_, add_forward_, backward_, add_backward_;
    norma::Workspace workspace_;
};

// docs/backward.md.
class Formula {
public:
    static Normed<double> forward(const Matrix<double> &weight, const Matrix<double> &bias, const Matrix<double> &x,
                                  const Matrix<double> *residual) {
        Normed<double> out;
        out.sum = residual ? Matrix<double>(x + *residual) : x;
        out.mean = out.sum.rowwise().mean();
        const Matrix<double> centred = out.sum.colwise() - out.mean.col(0);
        out.rstd = (centred.rowwise().squaredNorm() / double(x.cols())).array() + double(eps);
        out.rstd = out.rstd.array().rsqrt();
        out.y = (normalized(out) * weight.row(0).asDiagonal()).rowwise() + bias.row(0);
        return out;
    }

    static NormGradient<double> backward(const Matrix<double> &weight, const Normed<double> &normed,
                                         const Matrix<double> &dy, const Matrix<double> *d_sum) {
        const Matrix<double> n = normalized(normed), g = dy * weight.row(0).asDiagonal();
        const Eigen::VectorXd a = g.rowwise().mean(), b = g.cwiseProduct(n).rowwise().mean();
        NormGradient<double> out;
        out.dx = normed.rstd.col(0).asDiagonal() * Matrix<double>((g.colwise() - a) - b.asDiagonal() * n);
        out.dx += d_sum ? *d_sum : Matrix<double>::Zero(dy.rows(), dy.cols());
        out.dweight = dy.cwiseProduct(n).colwise().sum();
        out.dbias = dy.colwise().sum();
        return out;
    }

private:
    static Matrix<double> normalized(const Normed<double> &normed) {
        return normed.rstd.col(0).asDiagonal() * Matrix<double>(normed.sum.colwise() - normed.mean.col(0));
    }
};

}  // namespace example
