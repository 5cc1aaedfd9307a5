// SPDX-License-Identifier: MIT
// What a backward asks of the driver: launches of the rows' kernel and of the sums of strips, on the caller's stream.
#include <memory>

#include "runtime/kernel_host/cuda/strips.h"
#include "tests/support/catch.h"
#include "tests/support/cuda/fake_driver.h"
#include "tests/support/kernels.h"

namespace {

using namespace norma::test;
using Calls = std::vector<std::string>;

constexpr int64_t hidden = 768;
constexpr int cuda_device_error = 700;

struct Destroy {
    void operator()(norma_plan *plan) const { norma_plan_destroy(plan); }
};

// layer_norm_backward of bf16 with both gradients, on a device with one context.
struct Backward {
    void *context, *stream;
    std::unique_ptr<norma_plan, Destroy> plan;
    std::vector<uint16_t> x, dy, dx, weight, dweight, dbias;
    std::vector<float> mean, rstd, workspace;
    norma_arguments arguments = {};
    norma_execution execution = {};

    explicit Backward(const std::vector<int64_t> &outer) {
        norma_plan_cache_clear();
        fake_cuda::reset({80, 80});
        context = fake_cuda::create_context(0);
        fake_cuda::make_current(context);
        stream = fake_cuda::create_stream(context);
        norma_plan_desc desc = {};
        desc.size = sizeof(desc);
        desc.op = NORMA_LAYER_NORM_BACKWARD;
        desc.device = {NORMA_CUDA, 0};
        desc.x = desc.y = desc.weight = desc.bias = NORMA_BF16;
        desc.hidden = hidden;
        norma_plan *made = nullptr;
        require_ok(norma_plan_create(&desc, &made), "a plan");
        plan.reset(made);

        int64_t rows = 1;
        for (int64_t extent : outer) {
            rows *= extent;
        }
        const int64_t pitch = hidden + 8;  // of the innermost rows, so that outer dimensions do not fold
        auto activation = [&](std::vector<uint16_t> &memory) {
            memory.assign(static_cast<size_t>((rows + 8) * pitch + 8), 0x3f80);
            norma_tensor tensor = {
                expose(memory), NORMA_BF16, {NORMA_CUDA, 0}, 1 + static_cast<int32_t>(outer.size()), {}, {}};
            int64_t stride = pitch;
            for (size_t i = outer.size(); i-- > 0; stride = stride * outer[i] + 8) {
                tensor.shape[i] = outer[i];
                tensor.strides[i] = stride;
            }
            tensor.shape[outer.size()] = hidden;
            tensor.strides[outer.size()] = 1;
            return tensor;
        };
        auto vector = [&](std::vector<uint16_t> &memory) {
            memory.assign(hidden + 8, 0x3f80);
            return norma_tensor{expose(memory), NORMA_BF16, {NORMA_CUDA, 0}, 1, {hidden}, {1}};
        };
        auto statistic = [&](std::vector<float> &memory) {
            memory.assign(static_cast<size_t>(rows), 1);
            norma_tensor tensor = {
                memory.data(), NORMA_F32, {NORMA_CUDA, 0}, static_cast<int32_t>(outer.size()), {}, {}};
            fake_cuda::expose(memory.data(), memory.size() * sizeof(float));
            int64_t stride = 1;
            for (size_t i = outer.size(); i-- > 0; stride *= outer[i]) {
                tensor.shape[i] = outer[i];
                tensor.strides[i] = stride;
            }
            return tensor;
        };
        arguments.size = sizeof(arguments);
        arguments.x = activation(x);
        arguments.dy = activation(dy);
        arguments.dx = activation(dx);
        arguments.weight = vector(weight);
        arguments.dweight = vector(dweight);
        arguments.dbias = vector(dbias);
        arguments.mean = statistic(mean);
        arguments.rstd = statistic(rstd);
        execution.size = sizeof(execution);
        execution.cuda_stream = stream;
        require_ok(norma_plan_workspace_size(made, rows, 0, &execution.workspace_size), "the workspace");
        workspace.assign(execution.workspace_size / sizeof(float) + 16, 0);
        fake_cuda::expose(workspace.data(), workspace.size() * sizeof(float));
        execution.workspace = aligned(workspace.data());
        fake_cuda::forget();
    }

    norma_status run() { return norma_plan_run(plan.get(), &arguments, &execution); }

private:
    template <typename T>
    static T *aligned(T *address) {
        return reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(address) + 63) / 64 * 64);
    }
    static void *expose(std::vector<uint16_t> &memory) {
        fake_cuda::expose(memory.data(), memory.size() * sizeof(uint16_t));
        return reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory.data()) + 15) / 16 * 16);
    }
};

}  // namespace

TEST_CASE("the number of strips follows from rows and hidden alone", "[cuda]") {
    const struct {
        int64_t rows, hidden, strips;
    } cases[] = {{1, 64, 1},         {15, 64, 1},        {16, 64, 2},
                 {8192, 4096, 256},  {8192, 1024, 1024}, {131072, 128, 4096},
                 {1024, 12288, 128}, {64, 262144, 8},    {int64_t{1} << 40, 1, 1 << 20}};
    for (const auto &c : cases) {
        CHECK(norma::count_cuda_strips(c.rows, c.hidden) == c.strips);
    }
}

TEST_CASE("a backward is one launch for the rows and one for both gradients", "[cuda]") {
    Backward backward({40});
    require_ok(backward.run(), "a run");
    CHECK(fake_cuda::calls() ==
          Calls{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel"});
    const auto launches = fake_cuda::launches();
    CHECK(launches.at(0).grid[0] == 2);           // five strips, four to a block
    CHECK(launches.at(1).grid[0] == hidden / 8);  // both gradients
    for (const fake_cuda::Launch &launch : launches) {
        CHECK(launch.stream == backward.stream);
    }
}

TEST_CASE("a first launch that does not reach every strip starts from sums of zero", "[cuda]") {
    Backward backward({20, 2});
    require_ok(backward.run(), "a run");
    const Calls calls = fake_cuda::calls();
    REQUIRE(calls.size() > 3);
    CHECK(Calls(calls.begin(), calls.begin() + 4) ==
          Calls{"cuCtxGetCurrent", "cuCtxGetId", "cuCtxGetDevice", "cuMemsetD8Async"});
    CHECK(std::count(calls.begin(), calls.end(), "cuMemsetD8Async") == 1);
    CHECK(fake_cuda::launches().size() == 21);
}

TEST_CASE("a backward can be captured in a graph", "[cuda]") {
    for (const std::vector<int64_t> &outer : {std::vector<int64_t>{40}, {20, 2}}) {
        Backward backward(outer);
        fake_cuda::begin_capture(backward.stream);
        require_ok(backward.run(), "a run");
        CHECK(fake_cuda::end_capture(backward.stream) > 0);
    }
}

TEST_CASE("a failure of any call of a backward is its status, with the driver's name for it", "[cuda]") {
    const struct {
        const char *function;
        int passing;
    } cases[] = {{"cuMemsetD8Async", 0}, {"cuLaunchKernel", 0}, {"cuLaunchKernel", 20}};
    for (const auto &c : cases) {
        Backward backward({20, 2});
        fake_cuda::fail(c.function, cuda_device_error, c.passing);
        CHECK(backward.run() == NORMA_DEVICE_ERROR);
        const std::string text = norma_last_error();
        INFO(text);
        CHECK(text.find(std::string(c.function) + ": CUDA_ERROR_") != text.npos);
        CHECK(fake_cuda::launches().size() == static_cast<size_t>(c.passing));
        require_ok(backward.run(), "a run after a failure");
    }
}

TEST_CASE("a backward without a context of its device writes nothing", "[cuda]") {
    Backward backward({20, 2});
    void *const destroyed = fake_cuda::create_context(0);
    fake_cuda::destroy_context(destroyed);
    const struct {
        void *context;
        const char *words;
    } cases[] = {{nullptr, "no CUDA context is current on this thread; expected one of device 0"},
                 {destroyed, "the CUDA context that is current on this thread is destroyed"},
                 {fake_cuda::create_context(1), "the current CUDA context is of device 1; expected device 0"}};
    for (const auto &c : cases) {
        fake_cuda::make_current(c.context);
        fake_cuda::forget();
        CHECK(backward.run() == NORMA_INVALID_ARGUMENT);
        INFO(norma_last_error());
        CHECK(std::string(norma_last_error()).find(c.words) == 0);
        const Calls calls = fake_cuda::calls();
        CHECK(std::count(calls.begin(), calls.end(), "cuMemsetD8Async") == 0);
        CHECK(fake_cuda::launches().empty());
    }
}

TEST_CASE("a backward without its workspace is refused", "[cuda]") {
    Backward backward({40});
    backward.execution.workspace_size--;
    CHECK(backward.run() == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find("execution.workspace_size is") == 0);
    CHECK(fake_cuda::calls().empty());
}

TEST_CASE("gradients of no rows are zero", "[cuda]") {
    Backward backward({0});
    require_ok(backward.run(), "a run");
    CHECK(fake_cuda::launches().size() == 1);
    const auto *dweight = static_cast<const uint16_t *>(backward.arguments.dweight.data);
    CHECK(std::all_of(dweight, dweight + hidden, [](uint16_t value) { return value == 0; }));
}
