// SPDX-License-Identifier: MIT
// Kernels that Halide compiled for CUDA, through Norma's plans and runs.
#include <norma/norma.hpp>

#include "fake_driver.h"
#include "tests/catch.h"

namespace {

constexpr int64_t rows = 5, hidden = 140;

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
    }
};

norma::Plan plan() {
    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32);
    desc.device = {NORMA_CUDA, 0};
    desc.flags = NORMA_SAVE_STATISTICS;
    return norma::Plan(desc);
}

bool holds(const fake_cuda::Launch &launch, const void *address) {
    for (const std::string &argument : launch.arguments) {
        if (argument == std::string(reinterpret_cast<const char *>(&address), sizeof(address))) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("a kernel compiled by Halide is launched with the caller's addresses", "[cuda]") {
    fake_cuda::reset();
    void *context = fake_cuda::create_context(0), *stream = fake_cuda::create_stream(context);
    fake_cuda::make_current(context);
    norma_execution execution = norma::execution();
    execution.cuda_stream = stream;
    const norma::Plan made = plan();
    for (int64_t offset : {0, 1}) {
        Call call(offset);
        fake_cuda::forget();
        made.run(call.arguments, execution);
        const auto launches = fake_cuda::launches();
        REQUIRE(launches.size() == 2);  // of y and of rstd
        const bool wide = offset == 0;
        CHECK(launches[0].block[0] == 32);
        CHECK(launches[0].grid[0] == (wide ? 2 : 5));  // ceil(hidden / 128 or 32)
        CHECK(launches[0].grid[1] == rows);
        CHECK((launches[0].ptx.find("ld.global.nc.v4") != std::string::npos) == wide);
        CHECK(holds(launches[0], call.x + offset));
        CHECK(holds(launches[0], call.weight));
        CHECK(holds(launches[0], call.y));
        CHECK(holds(launches[1], call.rstd));
        CHECK(launches[1].stream == stream);
        CHECK(fake_cuda::calls() ==
              std::vector<std::string>{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuLaunchKernel"});
    }
}
