// SPDX-License-Identifier: MIT
// The judge itself: it accepts what is right to the last bit, and refuses the mistakes that it is there for.
#include "compare.h"

#include "catch.h"
#include "rows.h"

namespace {

using namespace norma;
using namespace norma::test;
using reference::Options;
using reference::Row;
using reference::Values;

const norma_dtype all_types[] = {NORMA_F32, NORMA_F16, NORMA_BF16};

double truncate(norma_dtype dtype, double value) {
    const double spacing = reference::ulp(dtype, value);
    return std::trunc(value / spacing) * spacing;
}

struct Example {
    Options options;
    Values x;
    Row row;

    explicit Example(norma_op op, int64_t hidden = 512, RowKind kind = RowKind::normal) {
        x = row_values(kind, NORMA_F32, hidden, 0, 0);
        options.weight = row_values(RowKind::normal, NORMA_F32, hidden, 0, 1);
        options.bias = row_values(RowKind::normal, NORMA_F32, hidden, 0, 2);
        row = op == NORMA_LAYER_NORM_FORWARD ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
    }

    bool accepts(norma_op op, norma_dtype y, const Values &got) const {
        return !RowJudge({op, NORMA_F32, y, NORMA_FP32_ONCE, 4}, options, row).first_mismatch(got);
    }

    template <typename Fn>
    Values y_from(const Fn &fn) const {
        Values result;
        for (double value : row.y) {
            result.push_back(fn(value));
        }
        return result;
    }
};

}  // namespace

TEST_CASE("rounding agrees with the types' own", "[compare]") {
    for (uint64_t i = 0; i < 20000; i++) {
        const float value = static_cast<float>(normal_sample(i) * std::pow(2.0, static_cast<double>(i % 60) - 40));
        CHECK(reference::round_to(NORMA_F16, static_cast<double>(value)) ==
              static_cast<double>(static_cast<float>(Eigen::half(value))));
        CHECK(reference::round_to(NORMA_BF16, static_cast<double>(value)) ==
              static_cast<double>(static_cast<float>(Eigen::bfloat16(value))));
        const double fine = static_cast<double>(value) * (1 + 0x1p-30);
        CHECK(reference::round_to(NORMA_F32, fine) == static_cast<double>(static_cast<float>(fine)));
    }
    CHECK(reference::round_to(NORMA_F16, 65519.9) == 65504);
    CHECK(reference::round_to(NORMA_F16, 65520) == INFINITY);
    CHECK(reference::round_to(NORMA_F32, -3.5e38) == -INFINITY);
    CHECK(reference::round_to(NORMA_F16, 0x1.8p-25) == 0x1p-24);
    CHECK(reference::round_to(NORMA_F16, 0x1p-25) == 0);
    CHECK(reference::round_to(NORMA_F16, 1 + 0x1p-11 + 0x1p-40) == 1 + 0x1p-10);  // fp32 first would give 1
}

TEST_CASE("the correctly rounded result is accepted", "[compare]") {
    for (norma_op op : {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD}) {
        for (norma_dtype y : all_types) {
            const Example example(op);
            CHECK(example.accepts(op, y, example.y_from([&](double v) { return reference::round_to(y, v); })));
        }
    }
}

TEST_CASE("a store that truncates is refused", "[compare]") {
    for (norma_op op : {NORMA_LAYER_NORM_FORWARD, NORMA_RMS_NORM_FORWARD}) {
        for (norma_dtype y : {NORMA_F16, NORMA_BF16}) {
            const Example example(op);
            CHECK_FALSE(example.accepts(op, y, example.y_from([&](double v) { return truncate(y, v); })));
        }
    }
}

TEST_CASE("one element off by one ULP of a 16-bit type is refused", "[compare]") {
    for (norma_dtype y : {NORMA_F16, NORMA_BF16}) {
        const Example example(NORMA_RMS_NORM_FORWARD, 64);
        int refused = 0;
        for (size_t i = 0; i < 64; i++) {
            Values got = example.y_from([&](double v) { return reference::round_to(y, v); });
            got[i] += reference::ulp(y, got[i]);
            refused += !example.accepts(NORMA_RMS_NORM_FORWARD, y, got);
        }
        CHECK(refused == 64);
    }
}

TEST_CASE("near a tie both neighbours are accepted, away from it one", "[compare]") {
    const double tie = 1 + 0x1p-8;  // between 1 and the next bf16
    CHECK(acceptable(NORMA_BF16, 1, tie + 1e-7, 4e-7));
    CHECK(acceptable(NORMA_BF16, 1 + 0x1p-7, tie - 1e-7, 4e-7));
    CHECK_FALSE(acceptable(NORMA_BF16, 1, tie + 1e-6, 4e-7));
    CHECK_FALSE(acceptable(NORMA_BF16, 1 + 0x1p-7, tie - 1e-6, 4e-7));
}

TEST_CASE("NaN and infinity must be where they belong", "[compare]") {
    CHECK(acceptable(NORMA_F32, NAN, NAN, 1));
    CHECK_FALSE(acceptable(NORMA_F32, NAN, 1, 1e9));
    CHECK_FALSE(acceptable(NORMA_F32, 1, NAN, 1e9));
    CHECK_FALSE(acceptable(NORMA_F32, 3e38, INFINITY, 1));
    CHECK_FALSE(acceptable(NORMA_F32, -INFINITY, INFINITY, 1));
    CHECK_FALSE(acceptable(NORMA_F32, INFINITY, 1, 1));
}

TEST_CASE("one eps too many, a population of D - 1, and E[x^2] - mean^2 are refused", "[compare]") {
    const norma_op op = NORMA_LAYER_NORM_FORWARD;
    for (norma_dtype y : all_types) {
        const Example example(op);
        auto scaled = [&](double factor) {
            Values got;
            for (size_t i = 0; i < example.x.size(); i++) {
                got.push_back(
                    reference::round_to(y, reference::affine(example.options, i, example.row.normalized[i] * factor)));
            }
            return got;
        };
        CHECK(example.accepts(op, y, scaled(1)));
        CHECK_FALSE(example.accepts(op, y, scaled(1 - 0.5e-5)));
        CHECK_FALSE(example.accepts(op, y, scaled(std::sqrt(511.0 / 512))));
    }
    const Example shifted(op, 512, RowKind::shifted);
    float sum = 0, squares = 0;
    for (double value : shifted.x) {
        sum += static_cast<float>(value);
        squares += static_cast<float>(value) * static_cast<float>(value);
    }
    const double naive = static_cast<double>(squares / 512 - sum / 512 * (sum / 512));
    Options options = shifted.options;
    options.eps += naive - (1 / shifted.row.rstd / shifted.row.rstd - options.eps);
    CHECK_FALSE(shifted.accepts(op, NORMA_F32, reference::layer_norm(shifted.x, options).y));
}
