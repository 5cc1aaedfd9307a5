// SPDX-License-Identifier: MIT
#include <cstdio>
#include <norma/norma.hpp>
#include <vector>

int main() {
    const int64_t rows = 30, hidden = 384;
    std::vector<float> x(rows * hidden, 1.0f), y(rows * hidden), weight(hidden, 1.0f), bias(hidden, 0.5f);

    norma::Plan plan(norma::describe(NORMA_LAYER_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32, NORMA_F32));
    norma_arguments arguments = norma::arguments(/*eps=*/1e-5f);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.y = norma::tensor(y.data(), {rows, hidden});
    arguments.weight = norma::tensor(weight.data(), {hidden});
    arguments.bias = norma::tensor(bias.data(), {hidden});
    plan.run(arguments);

    std::printf("%s: y[0] = %g\n", plan.kernel(), y[0]);
    bool right = y[0] == 0.5f;  // a constant row normalizes to the bias

    norma::Call call = plan.bind(arguments);  // for calls that are repeated: checked once
    bias[0] = 0.25f;
    call.run(1);  // the first row alone
    right = right && y[0] == 0.25f && y[hidden] == 0.5f;

    norma::layer_norm(x, weight, bias, y, rows, hidden);  // all of it in one line
    return right && y[hidden] == 0.25f ? 0 : 1;
}
