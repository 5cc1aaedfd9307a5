// SPDX-License-Identifier: MIT
// The lanes of a vector are added in halves, many in fp32, few in float64: the bits of a plain loop that does so.
#include "generators/passes/cpu/lane_tree.h"

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using namespace norma;
using Halide::Float;

// Of magnitudes so far apart that another order of additions gives other bits.
std::vector<float> far_apart(size_t count) {
    std::mt19937 random(1);
    std::vector<float> values(count);
    for (float &value : values) {
        const float mantissa = 1 + (float)(random() % (1 << 23)) / (1 << 23);
        value = std::ldexp(random() % 2 == 0 ? mantissa : -mantissa, (int)(random() % 70));
    }
    return values;
}

double in_halves(std::vector<double> lanes, size_t wide) {
    for (size_t half = lanes.size() / 2; half >= 1; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            lanes[l] += lanes[l + half];
            lanes[l] = half >= wide ? (double)(float)lanes[l] : lanes[l];
        }
    }
    return lanes[0];
}

double one_by_one(const std::vector<double> &lanes) {
    double sum = 0;
    for (double lane : lanes) {
        sum += lane;
    }
    return sum;
}

constexpr int rows = 7;

// The sums of x(0, r) .. x(lanes - 1, r), and of their negatives.
std::vector<std::vector<double>> sums(std::vector<float> x, int lanes, int wide, bool tuple) {
    Halide::ImageParam in(Float(32), 2);
    Halide::Var l, r;
    Halide::Func held, sum;
    if (tuple) {
        held(l, r) = Halide::Tuple(in(l, r), -in(l, r));
        sum(r) = Halide::Tuple(lane_tree(held, lanes, wide, r, 0), lane_tree(held, lanes, wide, r, 1));
    } else {
        held(l, r) = in(l, r);
        sum(r) = lane_tree(held, lanes, wide, r, 0);
    }
    held.compute_at(sum, r).vectorize(l, lanes);
    Halide::Pipeline pipeline(sum);
    pipeline.add_custom_lowering_pass(new LaneTreePass);
    in.set(Halide::Buffer<float>(x.data(), lanes, rows));
    std::vector<std::vector<double>> result(tuple ? 2 : 1, std::vector<double>(rows));
    std::vector<Halide::Buffer<>> outputs;
    for (std::vector<double> &part : result) {
        outputs.push_back(Halide::Buffer<double>(part.data(), rows));
    }
    norma::test::realize(pipeline, outputs);
    return result;
}

}  // namespace

TEST_CASE("lanes are added in halves, few of them in float64") {
    for (const auto &[lanes, wide] : std::vector<std::pair<int, int>>{
             {2, 2}, {4, 4}, {8, 8}, {16, 16}, {32, 32}, {64, 64}, {128, 128}, {8, 16}, {32, 16}, {64, 16}, {128, 2}}) {
        const std::vector<float> x = far_apart((size_t)rows * lanes);
        const std::vector<double> got = sums(x, lanes, wide, false)[0];
        const std::vector<std::vector<double>> pair = sums(x, lanes, wide, true);
        bool order_matters = lanes < 8;  // so few may give the same sum in any
        for (int row = 0; row < rows; row++) {
            INFO(lanes << " lanes, " << wide << " in float64, row " << row);
            const std::vector<double> held(x.begin() + row * lanes, x.begin() + (row + 1) * lanes);
            const double expected = in_halves(held, wide);
            CHECK(got[row] == expected);
            CHECK(pair[0][row] == expected);
            CHECK(pair[1][row] == -expected);
            order_matters |= expected != one_by_one(held);
        }
        CHECK(order_matters);
    }
}

namespace {

// The sums of 16 rows, each folded to some lanes first, `together` rows in a vector.
std::vector<double> sums_of_rows(std::vector<float> x, int lanes, int left, int together) {
    constexpr int wide = 16;
    Halide::ImageParam in(Float(32), 2);
    Halide::Var l("l"), r("r");
    Halide::Func held("held"), folded("folded"), sum("sum");
    held(l, r) = in(l, r);
    folded(l, r) = fold_lanes(held, lanes, wide, l, r, 0);
    sum(r) = lane_tree(folded, left, wide, r, 0);
    held.compute_at(folded, r).vectorize(l, lanes);
    folded.compute_root().bound_extent(l, left).vectorize(l, left);
    sum.bound(r, 0, 16);
    if (together > 1) {
        sum.vectorize(r, together);
    }
    Halide::Pipeline pipeline(sum);
    pipeline.add_custom_lowering_pass(new LaneTreePass);
    std::vector<double> result(x.size() / lanes);
    in.set(Halide::Buffer<float>(x.data(), lanes, (int)result.size()));
    norma::test::realize(pipeline, {Halide::Buffer<double>(result.data(), (int)result.size())});
    return result;
}

}  // namespace

TEST_CASE("rows whose lanes are added in the same vectors have the sums of rows on their own") {
    for (int lanes : {16, 64}) {
        const std::vector<float> x = far_apart((size_t)16 * lanes);
        for (const auto &[left, together] :
             std::vector<std::pair<int, int>>{{8, 1}, {8, 2}, {8, 4}, {8, 8}, {4, 2}, {4, 4}}) {
            const std::vector<double> got = sums_of_rows(x, lanes, left, together);
            for (int row = 0; row < 16; row++) {
                INFO(lanes << " lanes, " << left << " left, " << together << " rows together, row " << row);
                CHECK(got[row] == in_halves({x.begin() + row * lanes, x.begin() + (row + 1) * lanes}, 16));
            }
        }
    }
}

TEST_CASE("lanes that are not in memory of their own are refused") {
    Halide::ImageParam in(Float(32), 2);
    Halide::Var l, r;
    Halide::Func inlined, sum;
    inlined(l, r) = in(l, r) * 2;
    sum(r) = lane_tree(inlined, 8, 8, r, 0);
    Halide::Pipeline pipeline(sum);
    pipeline.add_custom_lowering_pass(new LaneTreePass);
    CHECK_THROWS_WITH(pipeline.compile_to_module({in}, "sum", norma::test::jit_target()),
                      Catch::Matchers::Contains("lane_tree: the lanes of a sum are not in memory of their own"));
}
