// SPDX-License-Identifier: MIT
// A new op is one function against Row: this one, written here, runs on every lowering without any change to them.
#include <Halide.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "generators/algorithms/oracle_row.h"
#include "schedules/strategies/cpu/cpu_rows.h"
#include "tests/support/catch.h"

namespace {

using namespace norma;
using Halide::Expr;

// y = x / (mean(|x|) + eps) * weight
void mean_abs_norm(Row &row) {
    RowValue x = row.load("x", NORMA_F32);
    RowValue weight = row.parameter("weight", NORMA_F32);
    Expr eps = row.scalar("eps");
    Expr mean_abs = Halide::cast<float>(row.mean("absolute", [=](Expr d) { return Halide::abs(x(d)); }));
    Expr scale = row.once("scale", 1.0f / (mean_abs + eps));
    row.store("y", NORMA_F32, [=](Expr d) { return x(d) * scale * weight(d); });
    row.store_scalar("scale_out", scale);
}

struct Case {
    int rows, hidden;
    std::vector<float> x, weight;

    Case(int rows, int hidden) : rows(rows), hidden(hidden), x((size_t)rows * hidden), weight(hidden) {
        for (size_t i = 0; i < x.size(); i++) {
            x[i] = (float)((i * 2654435761u >> 7) % 2001) / 1000.0f - 1.0f;
        }
        for (int d = 0; d < hidden; d++) {
            weight[d] = 0.5f + (float)(d % 7) / 8.0f;
        }
    }

    double expected(int row, int d) const {
        double sum = 0;
        for (int k = 0; k < hidden; k++) {
            sum += std::fabs((double)x[(size_t)row * hidden + k]);
        }
        return x[(size_t)row * hidden + d] / (sum / hidden + 1e-3f) * weight[d];
    }
};

void check(const Case &c, const char *family, Halide::Pipeline pipeline, const std::vector<Halide::Argument> &inputs) {
    INFO(family << " " << c.rows << "x" << c.hidden);
    Halide::Target target = Halide::get_host_target().with_feature(Halide::Target::StrictFloat);
    Halide::Callable run = pipeline.compile_to_callable(inputs, target);
    Halide::Runtime::Buffer<const float> x(c.x.data(), c.hidden, c.rows), weight(c.weight.data(), c.hidden);
    Halide::Runtime::Buffer<float> y(c.hidden, c.rows), scale(c.rows);
    int status = inputs.size() == 3 ? run(x, weight, 1e-3f, y, scale) : run(x, weight, 1e-3f, 0, y, scale);
    REQUIRE(status == 0);
    double worst = 0;
    for (int row = 0; row < c.rows; row++) {
        for (int d = 0; d < c.hidden; d++) {
            worst = std::max(worst, std::fabs(y(d, row) - c.expected(row, d)));
        }
    }
    CHECK(worst < 4e-6);  // |y| stays below 4: 8 ULP
}

// y = x * scale of the row; total = sum of x * scale * weight over the rows
void scaled_sum(Row &row) {
    RowValue x = row.load("x", NORMA_F32);
    Expr scale = row.per_row("scale");
    RowValue weight = row.parameter("weight", NORMA_F32);
    RowValue twice = row.prepare("twice", [=](Expr d) { return weight(d) + weight(d); });
    row.store("y", NORMA_F32, [=](Expr d) { return x(d) * scale; });
    row.column_sum("total", [=](Expr d) { return x(d) * scale * twice(d); });
}

// Of a kernel that adds to what `total` holds, or (the oracle) overwrites it.
std::vector<float> column_sums(const Case &c, Halide::Pipeline pipeline, const std::vector<Halide::Argument> &inputs,
                               bool adds) {
    Halide::Target target = Halide::get_host_target().with_feature(Halide::Target::StrictFloat);
    Halide::Callable run = pipeline.compile_to_callable(inputs, target);
    std::vector<float> scale(c.rows), total(c.hidden, adds ? 1.0f : 0.0f);
    for (int row = 0; row < c.rows; row++) {
        scale[row] = 1.0f + (float)row;
    }
    Halide::Runtime::Buffer<const float> x(c.x.data(), c.hidden, c.rows), weight(c.weight.data(), c.hidden);
    Halide::Runtime::Buffer<const float> scales(scale.data(), c.rows);
    Halide::Runtime::Buffer<float> y(c.hidden, c.rows);
    const halide_dimension_t stacked[] = {{0, c.hidden, 1}, {0, c.rows, 0}};
    Halide::Runtime::Buffer<float> stacked_total(total.data(), 2, stacked), plain_total(total.data(), c.hidden);
    const int status = adds ? run(x, scales, weight, 0, y, stacked_total) : run(x, scales, weight, y, plain_total);
    REQUIRE(status == 0);
    return total;
}

}  // namespace

TEST_CASE("a column sum adds the rows in their order to what memory holds") {
    for (int hidden : {1, 5, 64, 65, 200}) {
        for (int rows : {1, 2, 5, 8}) {
            Case c(rows, hidden);
            OracleRow oracle;
            scaled_sum(oracle);
            const std::vector<float> plain = column_sums(c, oracle.lower(), oracle.inputs(), false);
            CpuRow cpu(CpuRowsKnobs{}, HiddenClass{1, 0, 0});
            scaled_sum(cpu);
            Halide::Pipeline pipeline = cpu.lower();
            const std::vector<float> added = column_sums(c, pipeline, cpu.inputs(), true);
            for (int d = 0; d < hidden; d++) {
                float in_order = 1, exact = 0;
                for (int row = 0; row < rows; row++) {
                    const float term = c.x[(size_t)row * hidden + d] * (1.0f + (float)row);
                    in_order += term * (c.weight[d] + c.weight[d]);
                    exact += term * 2 * c.weight[d];
                }
                INFO(rows << "x" << hidden << ", column " << d);
                CHECK(added[d] == in_order);
                CHECK(plain[d] == Approx(exact).margin(1e-5));
            }
        }
    }
}

TEST_CASE("an op written in one function runs on every lowering") {
    for (int hidden : {1, 5, 63, 64, 65, 200, 1024}) {
        Case c(3, hidden);
        OracleRow oracle;
        mean_abs_norm(oracle);
        check(c, "oracle", oracle.lower(), oracle.inputs());

        CpuRow cpu(CpuRowsKnobs{}, HiddenClass{1, 0});
        mean_abs_norm(cpu);
        Halide::Pipeline pipeline = cpu.lower();
        check(c, "cpu_rows", pipeline, cpu.inputs());
    }
}
