// SPDX-License-Identifier: MIT
// Which contract is a model's: each line of the table in docs/numerics.md as its library computes it, in float,
// operation by operation, and the library's kernel of that contract, bit for bit.
#include <cmath>
#include <cstring>
#include <fstream>
#include <norma/norma.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tools/reference/reference.h"

namespace {

constexpr int64_t hidden = 256;
constexpr float eps = 1e-6F;

float rounded(norma_dtype dtype, float value) {
    return static_cast<float>(norma::reference::round_to(dtype, static_cast<double>(value)));
}

// As the models' code reads: `n` is x * rsqrt(mean(x^2) + eps) in float.
float llama(norma_dtype x, norma_dtype, float n, float weight) { return weight * rounded(x, n); }
float t5(norma_dtype, norma_dtype w, float n, float weight) { return weight * (w == NORMA_F32 ? n : rounded(w, n)); }
float gemma(norma_dtype, norma_dtype, float n, float weight) { return n * (1.0F + weight); }
float plain(norma_dtype, norma_dtype, float n, float weight) { return n * weight; }

struct Line {
    const char *models;  // the cells of the table
    const char *formula;
    const char *variant;
    float (*compute)(norma_dtype x, norma_dtype weight, float n, float value);
    norma_contract contract;
    float weight_offset;
    bool f32_weight;  // and with it y in f32, which the product of float and half is
};

const Line table[] = {
    {"Llama, Llama 4, Qwen3", "`weight * round_x(n)`", "`hf`", llama, NORMA_HF, 0, false},
    {"T5, weight in f16 or bf16", "`weight * round_weight(n)`", "`hf`", t5, NORMA_HF, 0, false},
    {"T5, weight in f32", "`weight * n`", "`fp32_once`, y in f32", t5, NORMA_FP32_ONCE, 0, true},
    {"Gemma, Gemma 2, Gemma 3, Qwen3-Next, Qwen3.5", "`n * (1 + weight)`", "`fp32_once`, `weight_offset` 1", gemma,
     NORMA_FP32_ONCE, 1, false},
    {"Gemma 3n, Gemma 4, OLMo 2, gpt-oss", "`n * weight`", "`fp32_once`", plain, NORMA_FP32_ONCE, 0, false},
    {"`torch.nn.functional.rms_norm`", "`n * weight`", "`fp32_once`", plain, NORMA_FP32_ONCE, 0, false},
};

// Elements of a type, and their values.
struct Row {
    Row(norma_dtype type, float (*value_of)(int64_t)) : dtype(type) {
        for (int64_t d = 0; d < hidden; d++) {
            const float value = rounded(type, value_of(d));
            const Eigen::bfloat16 bf16(value);
            const Eigen::half f16(value);
            const void *from = type == NORMA_F32    ? static_cast<const void *>(&value)
                               : type == NORMA_BF16 ? static_cast<const void *>(&bf16)
                                                    : static_cast<const void *>(&f16);
            const char *begin = static_cast<const char *>(from);
            bytes.insert(bytes.end(), begin, begin + (type == NORMA_F32 ? 4 : 2));
            values.push_back(value);
        }
    }
    norma_tensor tensor(std::initializer_list<norma::Extent> shape) {
        return norma::tensor(bytes.data(), dtype, shape);
    }

    norma_dtype dtype;
    std::vector<char> bytes;
    std::vector<float> values;
};

// Eighths below 2, whose squares any order of adding sums exactly: what is left to differ is where y is rounded.
float x_at(int64_t d) { return static_cast<float>(d * 37 % 31 - 15) / 8; }
float weight_at(int64_t d) { return static_cast<float>(d * 53 % 97 - 40) / 64; }

norma::reference::Values by_norma(Row &x, Row &weight, norma_dtype y_dtype, norma_contract contract, float offset) {
    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, x.dtype, weight.dtype);
    desc.contract = contract;
    desc.y = y_dtype;
    Row y(y_dtype, [](int64_t) { return 0.0F; });
    norma_arguments arguments = norma::arguments(eps, offset);
    arguments.x = x.tensor({1, hidden});
    arguments.weight = weight.tensor({hidden});
    arguments.y = y.tensor({1, hidden});
    norma::Plan(desc).run(arguments);
    return norma::reference::load(y_dtype, y.bytes.data(), hidden);
}

norma::reference::Values by_model(const Line &line, const Row &x, const Row &weight, norma_dtype y_dtype) {
    double squares = 0;
    for (float value : x.values) {
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const auto rstd = static_cast<float>(1 / std::sqrt(squares / hidden + static_cast<double>(eps)));
    norma::reference::Values y;
    for (size_t d = 0; d < x.values.size(); d++) {
        const float n = x.values[d] * rstd;
        y.push_back(static_cast<double>(rounded(y_dtype, line.compute(x.dtype, weight.dtype, n, weight.values[d]))));
    }
    return y;
}

}  // namespace

TEST_CASE("each model's formula has the bits of its contract", "[models]") {
    for (const Line &line : table) {
        const norma_dtype x_dtype = NORMA_BF16, weight_dtype = line.f32_weight ? NORMA_F32 : x_dtype;
        const norma_dtype y_dtype = line.f32_weight ? NORMA_F32 : x_dtype;
        INFO(line.models);
        Row x(x_dtype, x_at), weight(weight_dtype, weight_at);
        const norma::reference::Values expected = by_model(line, x, weight, y_dtype);
        CHECK(by_norma(x, weight, y_dtype, line.contract, line.weight_offset) == expected);
        if (!line.f32_weight) {  // not by chance: the other contract has other bits
            const norma_contract other = line.contract == NORMA_HF ? NORMA_FP32_ONCE : NORMA_HF;
            CHECK(by_norma(x, weight, y_dtype, other, line.weight_offset) != expected);
        }
    }
}

TEST_CASE("the table of models in docs/numerics.md has the lines of this test", "[models]") {
    std::ifstream docs(NORMA_SOURCE_DIR "/docs/numerics.md");
    std::vector<std::string> found;
    bool inside = false;
    for (std::string text; std::getline(docs, text);) {
        inside = text.rfind("| model or function |", 0) == 0 || (inside && !text.empty() && text[0] == '|');
        if (inside && text.rfind("| model or", 0) != 0 && text.rfind("|---", 0) != 0) {
            found.push_back(text);
        }
    }
    std::vector<std::string> expected;
    for (const Line &line : table) {
        expected.push_back(std::string("| ") + line.models + " | " + line.formula + " | " + line.variant + " |");
    }
    CHECK(found == expected);
}
