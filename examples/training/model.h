// SPDX-License-Identifier: MIT
// A pre-norm MLP, h = h + tanh(norm(h) * up) * down in each block, then norm(h) * out; its loss and its gradients.
#pragma once

#include <vector>

#include "norm.h"

namespace example {

template <class T>
struct Block {
    Matrix<T> weight, bias;  // of the norm, [1, hidden]
    Matrix<T> up, down;      // the last block has `up` alone: the projection of the last norm to the output
};

template <class T>
using Model = std::vector<Block<T>>;

template <class T>
struct Step {
    T loss;
    Model<T> gradient;
};

// The mean squared error, and its gradient. The addition of a block's result to h, and the norm behind it, are one call
// of the norm; so are, on the way back, the gradient of that norm and its addition to the gradient of h.
template <class T, class Norm>
Step<T> loss_and_gradient(const Model<T> &model, const Matrix<T> &input, const Matrix<T> &target, Norm &norm) {
    const size_t last = model.size() - 1;
    std::vector<Normed<T>> normed;
    std::vector<Matrix<T>> active(last);
    normed.push_back(norm.forward(model[0].weight, model[0].bias, input, nullptr));
    for (size_t i = 0; i < last; i++) {
        active[i] = (normed[i].y * model[i].up).array().tanh();
        const Matrix<T> added = active[i] * model[i].down;
        normed.push_back(norm.forward(model[i + 1].weight, model[i + 1].bias, added, &normed[i].sum));
    }
    const Matrix<T> error = normed[last].y * model[last].up - target;

    Step<T> step{error.squaredNorm() / T(error.size()), Model<T>(model.size())};
    const Matrix<T> d_output = error * (2 / T(error.size()));
    Matrix<T> dh;  // of the sum that goes into a block's norm and around it
    for (size_t i = last + 1; i-- > 0;) {
        const Block<T> &block = model[i];
        Block<T> &gradient = step.gradient[i];
        Matrix<T> d_up = d_output;  // of the product with `up`
        if (i < last) {
            gradient.down = active[i].transpose() * dh;
            d_up = (dh * block.down.transpose()).array() * (1 - active[i].array().square());
        }
        gradient.up = normed[i].y.transpose() * d_up;
        const Matrix<T> dy = d_up * block.up.transpose();
        NormGradient<T> through = norm.backward(block.weight, normed[i], dy, i < last ? &dh : nullptr);
        gradient.weight = through.dweight;
        gradient.bias = through.dbias;
        dh = through.dx;
    }
    return step;
}

// f(parameter, the other model's) for each.
template <class A, class B, class F>
void for_each_parameter(Model<A> &model, const Model<B> &other, F f) {
    for (size_t i = 0; i < model.size(); i++) {
        f(model[i].weight, other[i].weight);
        f(model[i].bias, other[i].bias);
        f(model[i].up, other[i].up);
        f(model[i].down, other[i].down);
    }
}

}  // namespace example
