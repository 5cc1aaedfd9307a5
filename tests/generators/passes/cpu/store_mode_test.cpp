// SPDX-License-Identifier: MIT
// Streaming and ordinary stores leave the same bytes, and none beside those of the output.
#include "generators/passes/cpu/store_mode.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/jit.h"
#include "tests/support/streamed.h"

namespace {

using namespace norma;
using Halide::Float;
using norma::test::asked;

constexpr int rows = 3, lanes = 8, batch = 2, rows_ahead = 2, guard = 64;
constexpr float untouched = -77;

// y = 2 x + 1 in vectors, or 2 x where that is not less, with a tail where the row is no whole number of them.
Halide::Callable doubled(Halide::TailStrategy tail, bool twice_used = false) {
    Halide::ImageParam x(Float(32), 2, "x");
    Halide::Var d("d"), r("r");
    Halide::Func y("y");
    const Halide::Expr twice = x(d, r) * 2;  // outside of the store, where it is used twice
    y(d, r) = twice_used ? Halide::select(twice < 1, twice + 1, twice) : twice + 1;
    y.vectorize(d, lanes, tail);
    const Halide::Expr hidden = x.dim(0).extent();
    x.dim(0).set_min(0).set_stride(1);
    y.output_buffer().dim(0).set_bounds(0, tail == Halide::TailStrategy::GuardWithIf ? hidden : hidden / lanes * lanes);
    Halide::Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(new StoreModePass({y.name()}, 16, batch, rows_ahead));
    return pipeline.compile_to_callable({x, norma::test::store_mode_argument()}, norma::test::jit_target());
}

// y between two guards.
std::vector<float> run(const Halide::Callable &kernel, std::vector<float> x, int hidden, int mode) {
    asked = {};
    std::vector<float> memory((size_t)rows * hidden + 2 * guard, untouched);
    REQUIRE(kernel(Halide::Runtime::Buffer<float>(x.data(), hidden, rows), mode,
                   Halide::Runtime::Buffer<float>(memory.data() + guard, hidden, rows)) == 0);
    return memory;
}

void check(const Halide::Callable &kernel, int hidden) {
    INFO("rows of " << hidden);
    std::vector<float> x((size_t)rows * hidden);
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = 1 / (float)(i + 3);
    }
    const std::vector<float> ordinary = run(kernel, x, hidden, 0);
    CHECK(asked.streamed.empty());
    CHECK(asked.fences == 0);
    for (size_t i = 0; i < ordinary.size(); i++) {
        const bool inside = i >= guard && i < ordinary.size() - guard;
        CHECK(ordinary[i] == (inside ? x[i - guard] * 2 + 1 : untouched));
    }
    for (int mode : {1, 2}) {
        const std::vector<float> streamed = run(kernel, x, hidden, mode);
        CHECK(std::memcmp(streamed.data(), ordinary.data(), ordinary.size() * sizeof(float)) == 0);
        CHECK(asked.fences == 1);
        // Whole vectors alone, a batch at a time; each asks for the part of a later row that it is.
        const int vectors = hidden / lanes, vector_bytes = lanes * (int)sizeof(float);
        std::vector<int> of_a_row(vectors / batch, batch * vector_bytes);
        if (vectors % batch != 0) {
            of_a_row.push_back(vectors % batch * vector_bytes);
        }
        std::vector<int> expected;
        std::vector<int64_t> ahead;
        for (int row = 0; row < rows; row++) {
            expected.insert(expected.end(), of_a_row.begin(), of_a_row.end());
            for (size_t i = 0; i < of_a_row.size(); i++) {
                ahead.push_back(((int64_t)(row + rows_ahead) * hidden + (int64_t)i * batch * lanes) * 4);
            }
        }
        CHECK(asked.streamed == expected);
        CHECK(asked.prefetched == ahead);
        CHECK(std::all_of(asked.modes.begin(), asked.modes.end(), [&](int m) { return m == mode; }));
    }
}

}  // namespace

TEST_CASE("rows of whole vectors: streamed and ordinary stores leave the same bytes") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::RoundUp);
    for (int hidden : {8, 16, 24, 40, 64, 136}) {
        check(kernel, hidden);
    }
}

TEST_CASE("a row that is loaded outside of the store is prefetched as well") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::RoundUp, true);
    check(kernel, 64);
}

TEST_CASE("rows with a tail: it is stored in the ordinary way, and nothing beyond it") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::GuardWithIf);
    for (int hidden : {1, 7, 9, 23, 33, 130}) {
        check(kernel, hidden);
    }
}
