// SPDX-License-Identifier: MIT
// The norm before the FFN of Llama 3 8B: attention's output is added to the residual stream, and the sum normalized, in
// bf16 with the model's own order of rounding. A library of manifests/llama3.json is enough.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <norma/norma.hpp>
#include <vector>

namespace {

uint16_t to_bf16(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t value) {
    const uint32_t bits = uint32_t(value) << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

// The largest error relative to the formula in double, over a row.
double error(const uint16_t *y, const uint16_t *sum, const uint16_t *weight, int64_t hidden, double eps) {
    double squares = 0, largest = 0;
    for (int64_t d = 0; d < hidden; d++) {
        squares += std::pow(from_bf16(sum[d]), 2);
    }
    for (int64_t d = 0; d < hidden; d++) {
        const double expected = from_bf16(weight[d]) * from_bf16(sum[d]) / std::sqrt(squares / double(hidden) + eps);
        largest = std::fmax(largest, std::fabs(from_bf16(y[d]) - expected) / (std::fabs(expected) + 1e-30));
    }
    return largest;
}

}  // namespace

int main() {
    const int64_t tokens = 7, hidden = 4096;
    std::vector<uint16_t> attended(tokens * hidden), stream(attended), sum(attended), y(attended), weight(hidden);
    for (size_t i = 0; i < attended.size(); i++) {
        attended[i] = to_bf16(std::sin(0.7f * static_cast<float>(i)));
        stream[i] = to_bf16(3 * std::cos(0.3f * static_cast<float>(i)));
        weight[i % hidden] = to_bf16(0.5f + 0.001f * static_cast<float>(i % 100));
    }

    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_BF16, NORMA_BF16);
    desc.contract = NORMA_HF;
    desc.residual = NORMA_BF16;
    const norma::Plan plan(desc);
    norma_arguments arguments = norma::arguments(/*eps=*/1e-5f);
    arguments.x = norma::tensor(attended.data(), NORMA_BF16, {tokens, hidden});
    arguments.residual = norma::tensor(stream.data(), NORMA_BF16, {tokens, hidden});
    arguments.residual_out = norma::tensor(sum.data(), NORMA_BF16, {tokens, hidden});
    arguments.y = norma::tensor(y.data(), NORMA_BF16, {tokens, hidden});
    arguments.weight = norma::tensor(weight.data(), NORMA_BF16, {hidden});
    norma::Workspace workspace;
    plan.run(arguments, norma::execution(), workspace);

    const double worst = error(&y[hidden], &sum[hidden], weight.data(), hidden, 1e-5);
    std::printf("%s: relative error %.4f, of two roundings to bf16\n", plan.kernel(), worst);
    return worst < 0.008 && sum[1] == to_bf16(from_bf16(attended[1]) + from_bf16(stream[1])) ? 0 : 1;
}
