// SPDX-License-Identifier: MIT
// What norma bench --device cuda asks of the driver, over a kernel that Halide compiled. Its times are the fake's own.
#include <algorithm>

#include "bench/case.h"
#include "bench/device/cuda/gpu.h"
#include "tests/support/catch.h"
#include "tests/support/cuda/fake_driver.h"

namespace {

using namespace norma::bench;

Case toy_case() {
    Case c;
    c.op = NORMA_RMS_NORM_FORWARD;
    c.device = NORMA_CUDA;
    c.rows = 3;
    c.hidden = 128;
    return c;
}

Result measure_toy() {
    Team team(1);
    return measure_case(toy_case(), team, {0, 5});
}

size_t count(const std::vector<std::string> &calls, const std::string &function) {
    return static_cast<size_t>(std::count(calls.begin(), calls.end(), function));
}

}  // namespace

TEST_CASE("a benchmark on CUDA times kernel, copy, empty kernel and the kernel again, each after the cache was cleared",
          "[cuda]") {
    fake_cuda::reset();
    const Result result = measure_toy();
    CHECK(result.kernel == "toy_wide");
    CHECK(result.target == "cuda-sm80");
    CHECK(result.bytes == bytes_moved(toy_case()));
    CHECK(result.kernel_time.ns > 0);
    CHECK(result.copy.ns > 0);
    REQUIRE(result.empty);
    CHECK(result.empty->ns > 0);
    CHECK_FALSE(result.stream_copy);
    CHECK(result.ratio() == result.kernel_time.ns / result.copy.ns);
    const auto calls = fake_cuda::calls();
    CHECK(count(calls, "cuMemsetD8Async") == 20);
    CHECK(count(calls, "cuEventRecord") == 40);
    CHECK(count(calls, "cuMemcpyDtoDAsync") == 6);  // one before the rounds
    CHECK(count(calls, "cuMemAlloc") == count(calls, "cuMemFree"));
    CHECK(count(calls, "cuEventCreate") == count(calls, "cuEventDestroy"));
    CHECK(count(calls, "cuDevicePrimaryCtxRetain") == count(calls, "cuDevicePrimaryCtxRelease"));
    const auto clear = std::find(calls.begin(), calls.end(), "cuMemsetD8Async");
    REQUIRE(calls.end() - clear > 2);
    CHECK(clear[1] == "cuEventRecord");
    CHECK(std::find(clear, calls.end(), "cuLaunchKernel") < std::find(clear, calls.end(), "cuEventSynchronize"));
}

TEST_CASE("a benchmark on CUDA says which call of the driver failed", "[cuda]") {
    for (const char *function :
         {"cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuDeviceGetAttribute", "cuMemAlloc", "cuMemcpyHtoD",
          "cuLaunchKernel", "cuMemcpyDtoDAsync", "cuMemsetD8Async", "cuEventCreate", "cuEventRecord",
          "cuEventSynchronize", "cuEventElapsedTime", "cuModuleLoadDataEx", "cuModuleGetFunction"}) {
        fake_cuda::reset();
        fake_cuda::fail(function, 700);
        CHECK_THROWS_WITH(measure_toy(), Catch::Contains(std::string(function) + ": CUDA_ERROR_ILLEGAL_ADDRESS"));
    }
}

TEST_CASE("cases on CUDA are measured one after the other, and leave current what was", "[cuda]") {
    fake_cuda::reset();
    void *const before = fake_cuda::create_context(0);
    for (void *context : {static_cast<void *>(nullptr), before}) {
        fake_cuda::make_current(context);
        for (int i = 0; i < 2; i++) {
            CHECK(measure_toy().kernel == "toy_wide");
            CHECK(fake_cuda::current_context() == context);
        }
    }
}

TEST_CASE("a device that is not there is refused", "[cuda]") {
    fake_cuda::reset();
    CHECK_THROWS_WITH(Gpu(64), "there is no CUDA device 64");
    CHECK(Gpu(0).name() == "a device that is not one");
}
