// SPDX-License-Identifier: MIT
// What norma run --device cuda does, over a kernel that Halide compiled.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/support/catch.h"
#include "tests/support/cuda/fake_driver.h"
#include "tools/norma/run_tensors.h"

namespace {

using norma::safetensors::File;

constexpr int64_t rows = 3, hidden = 128;

std::vector<float> values(const File &file, const std::string &name) {
    const auto &bytes = file.tensors.at(name).bytes;
    std::vector<float> list(bytes.size() / sizeof(float));
    std::memcpy(list.data(), bytes.data(), bytes.size());
    return list;
}

void add(File &file, const std::string &name, const std::vector<int64_t> &shape, const std::vector<float> &list) {
    auto &tensor = file.tensors[name];
    tensor = {"F32", shape, {}};
    tensor.bytes.resize(list.size() * sizeof(float));
    std::memcpy(tensor.bytes.data(), list.data(), tensor.bytes.size());
}

File input() {
    File file;
    std::vector<float> x(rows * hidden), weight(hidden);
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = static_cast<float>(i % 29) - 13;
    }
    for (size_t d = 0; d < weight.size(); d++) {
        weight[d] = 1 + static_cast<float>(d);
    }
    add(file, "x", {rows, hidden}, x);
    add(file, "weight", {hidden}, weight);
    return file;
}

File run() {
    norma::tool::RunOptions options;
    options.op = "rms_norm";
    options.device = "cuda";
    options.save_stats = true;
    return norma::tool::run_on(options, input(), {});
}

size_t count(const std::string &function) {
    const auto calls = fake_cuda::calls();
    return static_cast<size_t>(std::count(calls.begin(), calls.end(), function));
}

}  // namespace

TEST_CASE("norma run brings tensors to the device and back", "[cuda]") {
    fake_cuda::reset();
    const File result = run();
    const std::vector<float> x = values(input(), "x"), y = values(result, "y"), rstd = values(result, "rstd");
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0;
        for (int64_t d = 0; d < hidden; d++) {
            const double value = double{x[static_cast<size_t>(row * hidden + d)]};
            sum += value * value;
        }
        const double expected = 1 / std::sqrt(sum / hidden + 1e-5);
        CHECK(rstd[static_cast<size_t>(row)] == Approx(expected).epsilon(1e-6));
        for (int64_t d = 0; d < hidden; d++) {
            const size_t i = static_cast<size_t>(row * hidden + d);
            REQUIRE(y[i] == Approx(double{x[i]} * expected * static_cast<double>(1 + d)).epsilon(1e-6));
        }
    }
    CHECK(count("cuMemAlloc") == 4);
    CHECK(count("cuMemFree") == 4);
    CHECK(count("cuMemcpyHtoD") == 2);
    CHECK(count("cuMemcpyDtoH") == 2);
    CHECK(count("cuCtxSynchronize") == 1);
    CHECK(count("cuDevicePrimaryCtxRelease") == 1);
}

TEST_CASE("norma run says which call of the driver failed", "[cuda]") {
    for (const char *function : {"cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuMemAlloc", "cuMemcpyHtoD",
                                 "cuCtxSynchronize", "cuMemcpyDtoH", "cuLaunchKernel"}) {
        fake_cuda::reset();
        fake_cuda::fail(function, 700);
        CHECK_THROWS_WITH(run(), Catch::Contains(std::string(function) + ": CUDA_ERROR_ILLEGAL_ADDRESS"));
        CHECK(count("cuMemAlloc") <= count("cuMemFree") + 1);  // the one that failed
    }
}
