// SPDX-License-Identifier: MIT
// Steps of gradient descent with Norma's norms, forward and backward, beside the same steps in float64. The float64
// gradient itself is held against central differences of the loss.
#include <cstdio>
#include <random>

#include "model.h"

namespace {

using namespace example;

constexpr int64_t rows = 64, hidden = 96, inner = 160, outputs = 8, steps = 20;
constexpr double rate = 0.2;

// Values of floats, so that both models have the same.
Matrix<double> random_matrix(std::mt19937 &random, int64_t height, int64_t width, double mean, double spread) {
    std::normal_distribution<float> normal(static_cast<float>(mean), static_cast<float>(spread));
    return Matrix<double>::NullaryExpr(height, width, [&] { return double(normal(random)); });
}

Model<double> random_model(std::mt19937 &random) {
    Model<double> model(3);
    for (Block<double> &block : model) {
        const bool last = &block == &model.back();
        block.weight = random_matrix(random, 1, hidden, 1, 0.2);
        block.bias = random_matrix(random, 1, hidden, 0, 0.2);
        block.up = random_matrix(random, hidden, last ? outputs : inner, 0, 1 / std::sqrt(double(hidden)));
        block.down = last ? Matrix<double>() : random_matrix(random, inner, hidden, 0, 1 / std::sqrt(double(inner)));
    }
    return model;
}

// The loss in the direction of the gradient should change by the gradient's square. Relative to that.
double error_of_gradient(const Model<double> &model, const Matrix<double> &input, const Matrix<double> &target,
                         Formula &norm) {
    const Step<double> step = loss_and_gradient(model, input, target, norm);
    const double small = 1e-5;
    Model<double> ahead = model, behind = model;
    double square = 0;
    for_each_parameter(ahead, step.gradient, [&](Matrix<double> &p, const Matrix<double> &g) { p += small * g; });
    for_each_parameter(behind, step.gradient, [&](Matrix<double> &p, const Matrix<double> &g) {
        p -= small * g;
        square += g.squaredNorm();
    });
    const double change =
        loss_and_gradient(ahead, input, target, norm).loss - loss_and_gradient(behind, input, target, norm).loss;
    return std::fabs(change / (2 * small) - square) / square;
}

template <class T, class Norm>
T descend(Model<T> &model, const Matrix<T> &input, const Matrix<T> &target, Norm &norm) {
    const Step<T> step = loss_and_gradient(model, input, target, norm);
    for_each_parameter(model, step.gradient, [](Matrix<T> &p, const Matrix<T> &g) { p -= T(rate) * g; });
    return step.loss;
}

}  // namespace

int main() {
    std::mt19937 random(1);
    const Matrix<double> input = random_matrix(random, rows, hidden, 0, 1);
    const Matrix<double> target = random_matrix(random, rows, outputs, 0, 1);
    const Matrix<float> float_input = input.cast<float>(), float_target = target.cast<float>();
    Model<double> model = random_model(random);
    Model<float> float_model(model.size());
    for_each_parameter(float_model, model, [](Matrix<float> &p, const Matrix<double> &q) { p = q.cast<float>(); });

    Formula formula;
    Norma norma(hidden);
    const double gradient_error = error_of_gradient(model, input, target, formula);
    float first = 0, last = 0;
    bool down = true;
    for (int step = 0; step < steps; step++) {
        const float loss = descend(float_model, float_input, float_target, norma);
        descend(model, input, target, formula);
        down = down && (step == 0 || loss < last);
        first = step == 0 ? loss : first;
        last = loss;
    }
    double worst = 0;  // of each parameter, at its own size
    for_each_parameter(model, float_model, [&](Matrix<double> &p, const Matrix<float> &q) {
        worst = p.size() == 0 ? worst : std::fmax(worst, (p - q.cast<double>()).norm() / p.norm());
    });

    std::printf("%d steps: loss %.3f to %.3f; parameters within %.1e of float64's, its gradient within %.1e\n",
                int(steps), double(first), double(last), worst, gradient_error);
    return down && last < first / 2 && worst < 1e-6 && gradient_error < 1e-6 ? 0 : 1;
}
