// SPDX-License-Identifier: MIT
// What stores to an output become: additions to what memory holds, or none where nobody wants them.
#include "generators/passes/cpu/output_stores.h"

#include <vector>

#include "tests/support/catch.h"
#include "tests/support/jit.h"

namespace {

using namespace norma;
using Halide::Float;

std::vector<float> uneven(int count) {
    std::vector<float> values(count);
    for (int i = 0; i < count; i++) {
        values[i] = 1 / (float)(3 + i * 7 % 11) - 0.1f * (float)(i % 5);
    }
    return values;
}

}  // namespace

TEST_CASE("rows that lie on top of each other are added to what memory holds, in their order") {
    constexpr int rows = 6;
    for (int hidden : {1, 7, 16, 40}) {
        std::vector<float> x = uneven(rows * hidden), sum(hidden, 1.0f), plain((size_t)rows * hidden, -1.0f);
        Halide::ImageParam in(Float(32), 2);
        Halide::Var d, r;
        Halide::Func total("total"), copy("copy");
        total(d, r) = in(d, r) * 3;
        copy(d, r) = in(d, r) * 5;
        total.vectorize(d, 8, Halide::TailStrategy::GuardWithIf);
        total.output_buffer().dim(1).set_stride(0);
        Halide::Pipeline pipeline({total, copy});
        pipeline.add_custom_lowering_pass(new OutputStoresPass({total.name()}, add_to_memory));
        const Halide::Callable run = pipeline.compile_to_callable({in}, norma::test::jit_target());
        const halide_dimension_t stacked[] = {{0, hidden, 1}, {0, rows, 0}};
        REQUIRE(run(Halide::Runtime::Buffer<float>(x.data(), hidden, rows),
                    Halide::Runtime::Buffer<float>(sum.data(), 2, stacked),
                    Halide::Runtime::Buffer<float>(plain.data(), hidden, rows)) == 0);
        for (int d = 0; d < hidden; d++) {
            float in_order = 1;
            for (int row = 0; row < rows; row++) {
                in_order += x[(size_t)row * hidden + d] * 3;
                CHECK(plain[(size_t)row * hidden + d] == x[(size_t)row * hidden + d] * 5);
            }
            INFO("column " << d << " of " << hidden);
            CHECK(sum[d] == in_order);
        }
    }
}

TEST_CASE("an output of rows is stored unless its rows lie on top of each other") {
    constexpr int rows = 5;
    std::vector<float> x = uneven(rows);
    Halide::ImageParam in(Float(32), 1);
    Halide::Var r;
    Halide::Func wanted("wanted"), other("other");
    wanted(r) = in(r) + 1;
    other(r) = in(r) + 2;
    for (Halide::Func f : {wanted, other}) {
        f.output_buffer().dim(0).set_stride(Halide::Expr());
    }
    Halide::Pipeline pipeline({wanted, other});
    pipeline.add_custom_lowering_pass(new OutputStoresPass({wanted.name(), other.name()}, store_if_wanted));
    const Halide::Callable run = pipeline.compile_to_callable({in}, norma::test::jit_target());
    for (int stride : {0, 1, 3}) {
        INFO("rows " << stride << " apart");
        std::vector<float> memory(3 * rows, -1.0f), beside(rows, -1.0f);
        const halide_dimension_t dimension[] = {{0, rows, stride}};
        REQUIRE(run(Halide::Runtime::Buffer<float>(x.data(), rows),
                    Halide::Runtime::Buffer<float>(memory.data(), 1, dimension),
                    Halide::Runtime::Buffer<float>(beside.data(), rows)) == 0);
        for (int i = 0; i < 3 * rows; i++) {
            const bool stored = stride != 0 && i % stride == 0 && i / stride < rows;
            CHECK(memory[i] == (stored ? x[i / stride] + 1 : -1.0f));
        }
        for (int row = 0; row < rows; row++) {
            CHECK(beside[row] == x[row] + 2);
        }
    }
}
