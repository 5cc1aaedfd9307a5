// SPDX-License-Identifier: MIT
// A new op is one function against Row: this one, written here, runs on every lowering without any change to them.
#include <Halide.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "generators/algorithms/oracle_row.h"
#include "generators/codegen/cuda_image.h"
#include "schedules/strategies/cpu/cpu_rows.h"
#include "schedules/strategies/cuda/cuda_rows.h"
#include "tests/support/catch.h"
#include "tests/support/cuda/interpreted.h"
#include "tools/base/temporary_directory.h"

namespace {

using namespace norma;
using Halide::Expr;

// y = x / (mean(|x|) + eps) * weight
void mean_abs_norm(Row &row) {
    RowValue x = row.load("x", NORMA_F32);
    RowValue weight = row.parameter("weight", NORMA_F32);
    Expr eps = row.scalar("eps");
    Expr mean_abs = Halide::cast<float>(row.mean("absolute", {[=](Expr d) { return Halide::abs(x(d)); }}));
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

void check(const Case &c, const char *family, const std::function<float(int d, int row)> &y) {
    INFO(family << " " << c.rows << "x" << c.hidden);
    double worst = 0;
    for (int row = 0; row < c.rows; row++) {
        for (int d = 0; d < c.hidden; d++) {
            worst = std::max(worst, std::fabs(y(d, row) - c.expected(row, d)));
        }
    }
    CHECK(worst < 4e-6);  // |y| stays below 4: 8 ULP
}

void check_jit(const Case &c, const char *family, Halide::Pipeline pipeline,
               const std::vector<Halide::Argument> &inputs) {
    Halide::Target target = Halide::get_host_target().with_feature(Halide::Target::StrictFloat);
    Halide::Callable run = pipeline.compile_to_callable(inputs, target);
    Halide::Runtime::Buffer<const float> x(c.x.data(), c.hidden, c.rows), weight(c.weight.data(), c.hidden);
    Halide::Runtime::Buffer<float> y(c.hidden, c.rows), scale(c.rows);
    int status = inputs.size() == 3 ? run(x, weight, 1e-3f, y, scale) : run(x, weight, 1e-3f, 0, y, scale);
    REQUIRE(status == 0);
    check(c, family, [&](int d, int row) { return y(d, row); });
}

// A dense tensor on the interpreter's device.
struct DeviceTensor {
    halide_dimension_t dimensions[2];
    halide_buffer_t buffer{};
    float *data;

    DeviceTensor(ptx::Memory &memory, const std::vector<int> &extents, const float *values = nullptr) {
        int count = 1;
        for (int extent : extents) {
            dimensions[buffer.dimensions++] = {0, extent, count};
            count *= extent;
        }
        data = static_cast<float *>(memory.allocate((size_t)count * sizeof(float)));
        if (values != nullptr) {
            std::copy(values, values + count, data);
        }
        buffer.device = (uint64_t)(uintptr_t)data;
        buffer.dim = dimensions;
        buffer.type = halide_type_of<float>();
    }
    DeviceTensor(const DeviceTensor &) = delete;
};

void check_cuda(const Case &c, const CudaShape &shape) {
    CudaRow cuda(shape);
    mean_abs_norm(cuda);
    Halide::Pipeline pipeline = cuda.lower();
    const Halide::Target target(
        "x86-64-linux-cuda-cuda_capability_80-no_runtime-user_context-"
        "strict_float-no_asserts-no_bounds_query");
    const Halide::Module module = pipeline.compile_to_module(cuda.inputs(), "toy", target);
    const TemporaryDirectory directory(std::filesystem::temp_directory_path() / "toy_op_test");
    module.compile({{Halide::OutputFileType::object, directory / "toy.o"}});
    test::Interpreted device;
    for (const Halide::Buffer<> &buffer : module.buffers()) {
        if (buffer.name().find("cuda_gpu_source_kernels") != std::string::npos) {
            const Halide::Buffer<uint8_t> text(buffer);
            device.module = ptx::parse(
                finish_ptx(std::string((const char *)text.data(), text.number_of_elements()), shape.threads()));
        }
    }

    DeviceTensor x(device.memory, {c.hidden, c.rows}, c.x.data()), weight(device.memory, {c.hidden}, c.weight.data());
    DeviceTensor y(device.memory, {c.hidden, c.rows}), scale(device.memory, {c.rows});
    float eps = 1e-3f;
    void *context = nullptr;
    void *arguments[] = {&context, &x.buffer, &weight.buffer, &eps, &y.buffer, &scale.buffer};
    test::launch_on(&device);
    REQUIRE(test::load_host_code(directory / "toy.o", "toy_argv")(arguments) == 0);
    REQUIRE(device.failure == "");
    check(c, "cuda_rows", [&](int d, int row) { return y.data[(size_t)row * c.hidden + d]; });
    for (int row = 0; row < c.rows; row++) {
        const size_t first = (size_t)row * c.hidden;
        CHECK(y.data[first] == c.x[first] * scale.data[row] * c.weight[0]);
    }
}

// y = x * scale of the row; total = sum of x * scale * weight over the rows
void scaled_sum(Row &row) {
    RowValue x = row.load("x", NORMA_F32);
    Expr scale = row.per_row("scale");
    RowValue weight = row.parameter("weight", NORMA_F32);
    RowValue twice = row.prepare("twice", [=](Expr d) { return weight(d) + weight(d); });
    row.store("y", NORMA_F32, [=](Expr d) { return x(d) * scale; });
    row.column_sum("total", {[=](Expr d) { return x(d) * scale; }, twice});
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
            CpuRow cpu(CpuRowsKnobs{}, HiddenClass{1, 0, 0}, 1);
            scaled_sum(cpu);
            Halide::Pipeline pipeline = cpu.lower(Halide::get_host_target());
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
        check_jit(c, "oracle", oracle.lower(), oracle.inputs());

        CpuRow cpu(CpuRowsKnobs{}, HiddenClass{1, 0}, 1);
        mean_abs_norm(cpu);
        Halide::Pipeline pipeline = cpu.lower(Halide::get_host_target());
        check_jit(c, "cpu_rows", pipeline, cpu.inputs());
    }
}

TEST_CASE("and on CUDA: rows in the registers of a warp, of several, and swept") {
    check_cuda(Case(5, 128), {128, 4, 1, 1, 4});
    check_cuda(Case(3, 1024), {1024, 4, 4, 2, 1});
    for (int hidden : {1, 65, 200, 1024}) {
        CudaShape swept = {0, 1, 8, 0, 1};
        swept.any_length = true;
        check_cuda(Case(3, hidden), swept);
    }
}
