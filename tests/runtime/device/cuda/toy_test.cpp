// SPDX-License-Identifier: MIT
// Kernels that Halide compiled for CUDA, through Norma's plans and runs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <norma/norma.hpp>

#include "tests/support/catch.h"
#include "tests/support/cuda/fake_driver.h"

extern "C" {
int cuModuleLoadDataEx(void **module, const void *code, unsigned count, int *options, void **values);
int cuModuleGetFunction(void **function, void *module, const char *name);
int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **arguments,
                   void **extra);
}

namespace {

constexpr int64_t rows = 5, hidden = 256;

norma_tensor on_device(norma_tensor tensor) {
    tensor.device = {NORMA_CUDA, 0};
    return tensor;
}

struct Call {
    alignas(64) float x[rows * hidden + 4], weight[hidden], y[rows * hidden], rstd[rows];
    norma_arguments arguments = norma::arguments(0.25F);

    explicit Call(int64_t offset) {
        for (int64_t i = 0; i < rows * hidden; i++) {
            x[offset + i] = static_cast<float>(i % 37) - 17;
        }
        for (int64_t d = 0; d < hidden; d++) {
            weight[d] = 1 + 0.01F * static_cast<float>(d);
        }
        arguments.x = on_device(norma::tensor(x + offset, {rows, hidden}));
        arguments.weight = on_device(norma::tensor(weight, {hidden}));
        arguments.y = on_device(norma::tensor(y, {rows, hidden}));
        arguments.rstd = on_device(norma::tensor(rstd, {rows}));
        fake_cuda::expose(x, sizeof x);
        fake_cuda::expose(weight, sizeof weight);
        fake_cuda::expose(y, sizeof y);
        fake_cuda::expose(rstd, sizeof rstd);
    }

    void check() const {
        for (int64_t row = 0; row < rows; row++) {
            const float *from = static_cast<const float *>(arguments.x.data) + row * hidden;
            double sum = 0;
            for (int64_t d = 0; d < hidden; d++) {
                sum += double{from[d]} * double{from[d]};
            }
            const double expected = 1 / std::sqrt(sum / hidden + 0.25);
            CHECK(rstd[row] == Approx(expected).epsilon(1e-6));
            for (int64_t d = 0; d < hidden; d++) {
                REQUIRE(y[row * hidden + d] == Approx(from[d] * expected * double{weight[d]}).epsilon(1e-6));
            }
        }
    }
};

norma::Plan plan() {
    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32);
    desc.device = {NORMA_CUDA, 0};
    desc.flags = NORMA_SAVE_STATISTICS;
    return norma::Plan(desc);
}

// Nanoseconds of one call: the least of many batches, since other processes only add to it.
template <typename Function>
double least_time(Function call) {
    constexpr int batches = 200, calls = 500;
    double least = 1e9;
    for (int batch = 0; batch < batches; batch++) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < calls; i++) {
            call();
        }
        const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
        least = std::min(least, time.count() / calls);
    }
    return least;
}

}  // namespace

TEST_CASE("a kernel compiled by Halide normalizes the caller's tensors", "[cuda]") {
    fake_cuda::reset();
    void *context = fake_cuda::create_context(0), *stream = fake_cuda::create_stream(context);
    fake_cuda::make_current(context);
    norma_execution execution = norma::execution();
    execution.cuda_stream = stream;
    const norma::Plan made = plan();
    Call aligned(0), shifted(1);
    for (Call *call : {&aligned, &shifted}) {
        fake_cuda::forget();
        made.run(call->arguments, execution);
        call->check();
        const auto launches = fake_cuda::launches();
        REQUIRE(launches.size() == 2);                             // of y and of rstd
        CHECK(launches[0].grid[0] == (call == &aligned ? 2 : 8));  // hidden / 128 or 32
        CHECK(launches[0].grid[1] == rows);
        CHECK(launches[0].block[0] == 32);
        CHECK(launches[1].stream == stream);
        CHECK(fake_cuda::calls() ==
              std::vector<std::string>{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuLaunchKernel"});
    }
    CHECK(std::memcmp(aligned.y, shifted.y, sizeof aligned.y) == 0);
}

TEST_CASE("statistics that nobody asks for hurt nobody", "[cuda]") {
    fake_cuda::reset();
    fake_cuda::make_current(fake_cuda::create_context(0));
    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32);
    desc.device = {NORMA_CUDA, 0};
    for (int64_t count : {rows, int64_t{1}}) {
        Call call(0);
        std::fill(call.rstd, call.rstd + rows, -1.0F);
        std::fill(call.y, call.y + rows * hidden, -1.0F);
        call.arguments.rstd = {};
        call.arguments.x.shape[0] = call.arguments.y.shape[0] = count;
        norma::Plan(desc).run(call.arguments);
        CHECK(std::count(call.rstd, call.rstd + rows, -1.0F) == rows);
        CHECK(std::count(call.y, call.y + rows * hidden, -1.0F) == (rows - count) * hidden);
    }
}

TEST_CASE("a kernel that reaches beyond its memory is a device error", "[cuda]") {
    fake_cuda::reset();
    fake_cuda::make_current(fake_cuda::create_context(0));
    const norma::Plan made = plan();
    Call call(0);
    float elsewhere[hidden] = {};
    call.arguments.weight.data = elsewhere;
    CHECK_THROWS_WITH(made.run(call.arguments),
                      Catch::Contains("kernel toy_wide: cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED"));
    CHECK(fake_cuda::last_fault() != "");
}

TEST_CASE("a run costs the host not much more than its launches", "[cuda]") {
    fake_cuda::reset();
    void *context = fake_cuda::create_context(0), *stream = fake_cuda::create_stream(context);
    fake_cuda::make_current(context);
    void *module = nullptr, *function = nullptr;
    const norma::Plan made = plan();  // which initializes the driver
    const char *code = ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry nothing() { ret; }\n";
    REQUIRE(cuModuleLoadDataEx(&module, code, 0, nullptr, nullptr) == 0);
    REQUIRE(cuModuleGetFunction(&function, module, "nothing") == 0);
    const Call call(0);
    norma_execution execution = norma::execution();
    execution.cuda_stream = stream;
    fake_cuda::set_recording(false);
    const double bare = least_time([&] {
        for (int i = 0; i < 2; i++) {
            cuLaunchKernel(function, 2, rows, 1, 32, 1, 1, 0, stream, nullptr, nullptr);
        }
    });
    const double run = least_time([&] { norma_plan_run(made.get(), &call.arguments, &execution); });
    fake_cuda::set_recording(true);
    WARN("a run of two launches: " << run << " ns, the launches alone: " << bare << " ns");
    CHECK(run <= 30 * bare);
}
