// SPDX-License-Identifier: MIT
// The way into an int8 layer: residual add and RMSNorm straight to int8, with a scale for each row; int8 matmul with
// int32 accumulators; back to float by the row's scale and the scale of the weight's column. Beside it the same in
// float64: the error stays within what the two roundings to int8 allow.
#include <cmath>
#include <cstdio>
#include <norma/norma.hpp>
#include <random>
#include <vector>

namespace {

constexpr int64_t rows = 16, hidden = 512, columns = 256;
constexpr float eps = 1e-6f;

// Of [columns, hidden], so that a column of the layer's weight lies in one piece: the integers, and a scale for each.
struct Int8Weight {
    std::vector<int8_t> steps;
    std::vector<float> scale;
};

Int8Weight quantize(const std::vector<float> &weight) {
    Int8Weight quantized{std::vector<int8_t>(weight.size()), std::vector<float>(columns)};
    for (int64_t column = 0; column < columns; column++) {
        float largest = 0;
        for (int64_t k = 0; k < hidden; k++) {
            largest = std::fmax(largest, std::fabs(weight[column * hidden + k]));
        }
        quantized.scale[column] = largest / 127;
        for (int64_t k = 0; k < hidden; k++) {
            const float steps = std::nearbyint(weight[column * hidden + k] * (127 / largest));
            quantized.steps[column * hidden + k] = static_cast<int8_t>(steps);
        }
    }
    return quantized;
}

int32_t dot(const int8_t *a, const int8_t *b) {
    int32_t sum = 0;  // 512 * 127 * 127 is far from its end
    for (int64_t k = 0; k < hidden; k++) {
        sum += int32_t(a[k]) * b[k];
    }
    return sum;
}

// The norm of a row of x + residual.
std::vector<double> normalize(const float *x, const float *residual, const std::vector<float> &weight) {
    std::vector<double> y(hidden);
    double squares = 0;
    for (int64_t k = 0; k < hidden; k++) {
        y[k] = x[k] + residual[k];
        squares += y[k] * y[k];
    }
    const double rstd = 1 / std::sqrt(squares / hidden + double(eps));
    for (int64_t k = 0; k < hidden; k++) {
        y[k] *= rstd * double(weight[k]);
    }
    return y;
}

std::vector<float> random_values(std::mt19937 &random, int64_t count, float mean, float spread) {
    std::normal_distribution<float> normal(mean, spread);
    std::vector<float> values(count);
    for (float &value : values) {
        value = normal(random);
    }
    return values;
}

}  // namespace

int main() {
    std::mt19937 random(1);
    const std::vector<float> x = random_values(random, rows * hidden, 0, 1);
    const std::vector<float> stream = random_values(random, rows * hidden, 0, 2);
    const std::vector<float> norm_weight = random_values(random, hidden, 1, 0.2f);
    const std::vector<float> weight = random_values(random, columns * hidden, 0, 0.05f);
    const Int8Weight quantized = quantize(weight);

    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32);
    desc.residual = NORMA_F32;
    desc.y = NORMA_I8;
    desc.scale = NORMA_SCALE_ROW;
    const norma::Plan plan(desc);
    std::vector<int8_t> y(rows * hidden);
    std::vector<float> y_scale(rows), sum(rows * hidden);
    norma_arguments arguments = norma::arguments(eps);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.residual = norma::tensor(stream.data(), {rows, hidden});
    arguments.residual_out = norma::tensor(sum.data(), {rows, hidden});  // what the next residual add reads
    arguments.weight = norma::tensor(norm_weight.data(), {hidden});
    arguments.y = norma::tensor(y.data(), NORMA_I8, {rows, hidden});
    arguments.y_scale = norma::tensor(y_scale.data(), {rows});
    norma::Workspace workspace;
    plan.run(arguments, norma::execution(), workspace);

    double signal = 0, noise = 0, of_bound = 0;
    for (int64_t row = 0; row < rows; row++) {
        const std::vector<double> exact = normalize(&x[row * hidden], &stream[row * hidden], norm_weight);
        for (int64_t column = 0; column < columns; column++) {
            const int8_t *steps = &quantized.steps[column * hidden];
            const float y_step = y_scale[row], w_step = quantized.scale[column];
            const float out = static_cast<float>(dot(&y[row * hidden], steps)) * y_step * w_step;

            double expected = 0, bound = 0;  // half a step of y times each weight, half a step of weight times each y
            for (int64_t k = 0; k < hidden; k++) {
                expected += exact[k] * double(weight[column * hidden + k]);
                bound +=
                    0.5 * double(y_step * w_step) * std::abs(steps[k]) + 0.5 * double(w_step) * std::fabs(exact[k]);
            }
            signal += expected * expected;
            noise += std::pow(double(out) - expected, 2);
            of_bound = std::fmax(of_bound, std::fabs(double(out) - expected) / bound);
        }
    }
    const double error = std::sqrt(noise / signal);
    std::printf("%s: %.2f %% of float64's output (%.1f dB), at most %.2f of the bound\n", plan.kernel(), 100 * error,
                -20 * std::log10(error), of_bound);
    return error < 0.015 && of_bound <= 1 ? 0 : 1;
}
