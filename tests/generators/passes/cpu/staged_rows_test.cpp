// SPDX-License-Identifier: MIT
// Short rows that are streamed from a block, and rows that are not, leave the same bytes as ordinary stores.
#include "generators/passes/cpu/staged_rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "generators/passes/cpu/store_mode.h"
#include "tests/support/catch.h"
#include "tests/support/jit.h"
#include "tests/support/streamed.h"

namespace {

using namespace norma;
using Halide::Float;
using norma::test::asked;

constexpr int rows = 11, group_rows = 4, lanes = 8, most_hidden = 64, batch_elements = 48, least_prefetched = 24;
constexpr float untouched = -77;

// y = 2 x + 1 in groups of rows.
Halide::Callable doubled(Halide::TailStrategy tail) {
    Halide::ImageParam x(Float(32), 2, "x");
    Halide::Var d("d"), r("r"), group("group"), row("row"), outer, inner;
    Halide::Func y("y");
    y(d, r) = x(d, r) * 2 + 1;
    y.split(d, outer, inner, lanes, tail).vectorize(inner);
    y.split(r, group, row, group_rows, Halide::TailStrategy::GuardWithIf).never_partition(group);
    const Halide::Expr hidden =
        tail == Halide::TailStrategy::GuardWithIf ? x.dim(0).extent() : x.dim(0).extent() / lanes * lanes;
    x.dim(0).set_min(0).set_stride(1);
    x.dim(1).set_min(0);
    y.output_buffer().dim(0).set_bounds(0, hidden).set_stride(1);
    y.output_buffer().dim(1).set_min(0);
    Halide::Pipeline pipeline(y);
    pipeline.add_custom_lowering_pass(
        new StagedRowsPass({y.name()}, 16, hidden, most_hidden, batch_elements, group_rows, least_prefetched));
    pipeline.add_custom_lowering_pass(new StoreModePass({y.name()}, 16, 1, group_rows));
    return pipeline.compile_to_callable({x, norma::test::store_mode_argument()}, norma::test::jit_target());
}

// y, and what lies between its rows.
std::vector<float> run(const Halide::Callable &kernel, std::vector<float> x, int hidden, int y_stride, int mode) {
    asked = {};
    std::vector<float> y((size_t)rows * y_stride, untouched);
    halide_dimension_t dimensions[] = {{0, hidden, 1}, {0, rows, y_stride}};
    REQUIRE(kernel(Halide::Runtime::Buffer<float>(x.data(), hidden, rows), mode,
                   Halide::Runtime::Buffer<float>(y.data(), 2, dimensions)) == 0);
    return y;
}

void check(const Halide::Callable &kernel, int hidden, int y_stride) {
    INFO("rows of " << hidden << ", " << y_stride << " apart");
    std::vector<float> x((size_t)rows * hidden);
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = 1 / (float)(i + 3);
    }
    const std::vector<float> ordinary = run(kernel, x, hidden, y_stride, 0);
    CHECK(asked.streamed.empty());
    for (int i = 0; i < (int)ordinary.size(); i++) {
        const int row = i / y_stride, d = i % y_stride;
        CHECK(ordinary[i] == (d < hidden ? x[row * hidden + d] * 2 + 1 : untouched));
    }
    for (int mode : {1, 2}) {
        const std::vector<float> streamed = run(kernel, x, hidden, y_stride, mode);
        CHECK(std::memcmp(streamed.data(), ordinary.data(), ordinary.size() * sizeof(float)) == 0);
        if (y_stride != hidden || hidden > most_hidden) {
            const int most = lanes * (int)sizeof(float);  // one of StoreModePass's vectors
            CHECK(std::all_of(asked.streamed.begin(), asked.streamed.end(), [&](int n) { return n <= most; }));
            continue;
        }
        // In each group as many rows at a time as make a batch, and those of the next group that take their place.
        std::vector<int> streamed_bytes;
        std::vector<int64_t> ahead;
        const int of_batch = std::max(batch_elements / hidden, 1), row_bytes = hidden * (int)sizeof(float);
        for (int group = 0; group < rows; group += group_rows) {
            const int end = std::min(group + group_rows, rows);
            for (int row = group; row < end; row += of_batch) {
                streamed_bytes.push_back(std::min(of_batch, end - row) * row_bytes);
                ahead.push_back((int64_t)(row + group_rows) * row_bytes);
            }
        }
        CHECK(asked.streamed == streamed_bytes);
        CHECK(asked.prefetched == (hidden < least_prefetched ? std::vector<int64_t>() : ahead));
        CHECK(asked.prefetched_bytes == (hidden < least_prefetched ? std::vector<int>() : streamed_bytes));
        CHECK(std::all_of(asked.modes.begin(), asked.modes.end(), [](int m) { return m == 2; }));
    }
}

}  // namespace

TEST_CASE("short rows are streamed some at a time, and leave the bytes of ordinary stores") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::RoundUp);
    for (int hidden : {8, 16, 24, 40, 64}) {
        check(kernel, hidden, hidden);
    }
}

TEST_CASE("rows with a tail are streamed with it") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::GuardWithIf);
    for (int hidden : {1, 7, 23, 33, 63}) {
        check(kernel, hidden, hidden);
    }
}

TEST_CASE("longer rows, and rows with something between them, are left to store_mode") {
    const Halide::Callable kernel = doubled(Halide::TailStrategy::RoundUp);
    check(kernel, 72, 72);
    check(kernel, 16, 24);
    check(kernel, 64, 80);
}
