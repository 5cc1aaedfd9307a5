// SPDX-License-Identifier: MIT
// Plans and runs on CUDA against the fake driver: what reaches the driver, and what must not.
#include <cstring>
#include <memory>
#include <thread>

#include "runtime/src/core/work.h"
#include "tests/support/catch.h"
#include "tests/support/cuda/fake_driver.h"
#include "tests/support/cuda/fatbin.h"
#include "tests/support/cuda/registry.h"
#include "tests/support/environment.h"

namespace {

using namespace norma::test;
using fake_cuda::Launch;
using Calls = std::vector<std::string>;

struct Destroy {
    void operator()(norma_plan *plan) const { norma_plan_destroy(plan); }
};
using Plan = std::unique_ptr<norma_plan, Destroy>;

// Two devices of compute capabilities 9.0 and 8.0, one of 7.0 that no target runs on, and a context of the first.
struct Devices {
    void *context, *stream;

    Devices() {
        norma_plan_cache_clear();
        fake_cuda::reset({90, 80, 70});
        context = fake_cuda::create_context(0);
        stream = fake_cuda::create_stream(context);
        fake_cuda::make_current(context);
    }
};

Plan plan_of(const norma_plan_desc &desc) {
    norma_plan *plan = nullptr;
    const norma_status status = norma_plan_create(&desc, &plan);
    INFO(norma_last_error());
    REQUIRE(status == NORMA_OK);
    return Plan(plan);
}

// Ten rows with space behind each.
struct Tensors {
    alignas(64) float x[1024] = {}, y[1024] = {};
    norma_arguments arguments = {};

    explicit Tensors(int64_t hidden, int64_t row_stride = 64, int64_t offset = 0, int32_t device = 0) {
        arguments.size = sizeof(arguments);
        arguments.eps = 0.5F;
        arguments.x = {x + offset, NORMA_F32, {NORMA_CUDA, device}, 2, {10, hidden}, {row_stride, 1}};
        arguments.y = {y, NORMA_F32, {NORMA_CUDA, device}, 2, {10, hidden}, {64, 1}};
    }
};

norma_status run(const Plan &plan, const Tensors &tensors, void *stream) {
    norma_execution execution = {};
    execution.size = sizeof(execution);
    execution.cuda_stream = stream;
    return norma_plan_run(plan.get(), &tensors.arguments, &execution);
}

void require_run(const Plan &plan, const Tensors &tensors, void *stream) {
    const norma_status status = run(plan, tensors, stream);
    INFO(norma_last_error());
    REQUIRE(status == NORMA_OK);
}

using Bound = std::unique_ptr<norma_call, void (*)(norma_call *)>;

Bound bind_call(const Plan &plan, const Tensors &tensors, void *stream) {
    norma_execution execution = {};
    execution.size = sizeof(execution);
    execution.cuda_stream = stream;
    norma_call *call = nullptr;
    const norma_status status = norma_bind(plan.get(), &tensors.arguments, &execution, &call);
    INFO(norma_last_error());
    REQUIRE(status == NORMA_OK);
    return {call, norma_call_destroy};
}

void says(const std::string &words) {
    INFO(norma_last_error());
    CHECK(std::string(norma_last_error()).find(words) != std::string::npos);
}

template <typename T>
T argument(const Launch &launch, size_t index) {
    T value;
    REQUIRE(launch.arguments.at(index).size() == sizeof(value));
    std::memcpy(&value, launch.arguments[index].data(), sizeof(value));
    return value;
}

}  // namespace

TEST_CASE("a run launches on the caller's stream and context, and does nothing else", "[cuda]") {
    Devices devices;
    const Plan plan = plan_of(describe(33));
    CHECK(std::string(norma_plan_kernel(plan.get())) == "any");
    CHECK(fake_cuda::launches().empty());
    fake_cuda::forget();
    Tensors tensors(33);
    require_run(plan, tensors, devices.stream);
    CHECK(fake_cuda::calls() == Calls{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuLaunchKernel"});

    const Launch launch = fake_cuda::launches().at(0);
    CHECK(launch.kernel == kernel_entry);
    CHECK(launch.stream == devices.stream);
    CHECK(launch.context == devices.context);
    CHECK((launch.grid[0] == 10 && launch.grid[1] == 1 && launch.grid[2] == 1));
    CHECK((launch.block[0] == narrow_threads && launch.block[1] == 1 && launch.block[2] == 1));
    CHECK(argument<void *>(launch, 0) == tensors.x);
    CHECK(argument<void *>(launch, 1) == tensors.y);
    CHECK(argument<void *>(launch, 2) == nullptr);  // rstd, which the caller does not want
    CHECK(argument<float>(launch, 3) == 0.5F);
    CHECK(argument<int32_t>(launch, 4) == 64);
    CHECK(fake_cuda::launches().at(1).kernel == second_entry);
}

TEST_CASE("an image is for devices that reach it, and a cubin for those of its major number", "[cuda]") {
    const struct {
        bool ptx;
        int sm, device;
        bool runs;
    } cases[] = {{false, 80, 80, true},  {false, 80, 86, true}, {false, 86, 80, false},
                 {false, 80, 90, false}, {true, 80, 90, true},  {true, 90, 80, false}};
    for (const auto &c : cases) {
        CHECK(fake_cuda::runs_on({c.ptx, c.sm, ""}, c.device) == c.runs);
    }
}

TEST_CASE("statistics that the caller wants have the caller's address", "[cuda]") {
    Devices devices;
    norma_plan_desc desc = describe(33);
    desc.flags = NORMA_SAVE_STATISTICS;
    const Plan plan = plan_of(desc);
    float rstd[10];
    Tensors tensors(33);
    tensors.arguments.rstd = {rstd, NORMA_F32, {NORMA_CUDA, 0}, 1, {10}, {1}};
    require_run(plan, tensors, devices.stream);
    CHECK(argument<void *>(fake_cuda::launches().at(0), 2) == rstd);
}

TEST_CASE("the image is loaded once for each context, by the plan where it is current", "[cuda]") {
    Devices devices;
    const Tensors tensors(33);
    const Plan plan = plan_of(describe(33)), again = plan_of(describe(33));
    CHECK(fake_cuda::images().size() == 1);
    require_run(plan, tensors, devices.stream);
    require_run(again, tensors, devices.stream);
    CHECK(fake_cuda::images().size() == 1);

    void *other = fake_cuda::create_context(0);
    fake_cuda::make_current(other);
    void *stream = fake_cuda::create_stream(other);
    require_run(plan, tensors, stream);
    require_run(again, tensors, stream);
    CHECK(fake_cuda::images().size() == 2);
    CHECK(fake_cuda::launches().back().context == other);

    // A new context, perhaps at the address of the old one, has a module of its own.
    fake_cuda::destroy_context(other);
    other = fake_cuda::create_context(0);
    fake_cuda::make_current(other);
    require_run(plan, tensors, fake_cuda::create_stream(other));
    CHECK(fake_cuda::images().size() == 3);
}

TEST_CASE("threads that meet in a new context load the image once", "[cuda]") {
    Devices devices;
    fake_cuda::make_current(nullptr);
    const Plan plan = plan_of(describe(33));
    CHECK(fake_cuda::images().empty());
    std::vector<std::thread> threads;
    std::vector<int> good(8);
    for (int &count : good) {
        threads.emplace_back([&] {
            fake_cuda::make_current(devices.context);
            const Tensors tensors(33);
            for (int i = 0; i < 50; i++) {
                count += run(plan, tensors, devices.stream) == NORMA_OK;
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(good == std::vector<int>(8, 50));
    CHECK(fake_cuda::images().size() == 1);
    CHECK(fake_cuda::launches().size() == 8 * 50 * 2);
}

TEST_CASE("a run is captured, but its first in a context is not", "[cuda]") {
    Devices devices;
    const Tensors tensors(33);
    const Plan plan = plan_of(describe(33));
    fake_cuda::begin_capture(devices.stream);
    require_run(plan, tensors, devices.stream);
    require_run(plan, tensors, devices.stream);
    CHECK(fake_cuda::end_capture(devices.stream) == 4);

    void *other = fake_cuda::create_context(0), *stream = fake_cuda::create_stream(other);
    fake_cuda::make_current(other);
    fake_cuda::begin_capture(stream);
    CHECK(run(plan, tensors, stream) == NORMA_INVALID_ARGUMENT);
    says(
        "execution.cuda_stream is being captured and the kernel is not loaded in its context yet; expected a plan "
        "made");
    CHECK(fake_cuda::end_capture(stream) == 0);  // still valid
    require_run(plan, tensors, stream);
}

TEST_CASE("a plan may be made while a stream is captured", "[cuda]") {
    Devices devices;
    fake_cuda::begin_capture(devices.stream);
    const Plan plan = plan_of(describe(33));
    require_run(plan, Tensors(33), devices.stream);
    CHECK(fake_cuda::end_capture(devices.stream) == 2);
}

TEST_CASE("the context must be there, and of the plan's device", "[cuda]") {
    Devices devices;
    const Tensors tensors(33);
    const Plan plan = plan_of(describe(33));
    fake_cuda::make_current(nullptr);
    CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
    says("no CUDA context is current on this thread; expected one of device 0");
    void *other = fake_cuda::create_context(1);
    fake_cuda::make_current(other);
    for (int i = 0; i < 2; i++) {
        CHECK(run(plan, tensors, nullptr) == NORMA_INVALID_ARGUMENT);
        says("the current CUDA context is of device 1; expected device 0, as the plan has");
    }
    fake_cuda::make_current(devices.context);
    CHECK(run(plan, tensors, fake_cuda::create_stream(other)) == NORMA_DEVICE_ERROR);
    says("kernel any: cuLaunchKernel: CUDA_ERROR_INVALID_HANDLE (invalid resource handle)");
    require_run(plan, tensors, nullptr);  // the default stream, for those who ask for it
    CHECK(fake_cuda::launches().back().stream == nullptr);
}

TEST_CASE("a destroyed context that is still current is as none", "[cuda]") {
    const Devices devices;
    const Tensors tensors(33);
    void *const primary = fake_cuda::retain_primary_context(0);
    fake_cuda::make_current(primary);
    const Plan loaded = plan_of(describe(33));
    REQUIRE(fake_cuda::release_primary_context(0) == 0);
    REQUIRE(fake_cuda::current_context() == primary);
    fake_cuda::forget();
    const Plan plan = plan_of(describe(33));
    CHECK(fake_cuda::images().empty());
    for (const Plan *refused : {&loaded, &plan}) {
        CHECK(run(*refused, tensors, nullptr) == NORMA_INVALID_ARGUMENT);
        says(
            "the CUDA context that is current on this thread is destroyed (cuCtxGetId); expected one of device 0, that "
            "of the stream");
    }
    CHECK(fake_cuda::launches().empty());

    // It lives again under the same handle, and without its modules.
    REQUIRE(fake_cuda::retain_primary_context(0) == primary);
    require_run(loaded, tensors, nullptr);
    CHECK(fake_cuda::images().size() == 1);
    require_run(plan, tensors, nullptr);
    CHECK(fake_cuda::images().size() == 1);
}

TEST_CASE("a context that is destroyed during a run is refused as one before it", "[cuda]") {
    const Devices devices;
    const Tensors tensors(33);
    const Plan plan = plan_of(describe(33));
    for (const char *function : {"cuCtxGetId", "cuLaunchKernel"}) {
        fake_cuda::fail(function, 709);
        CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
        says("the CUDA context that is current on this thread is destroyed (" + std::string(function) + ")");
    }
}

TEST_CASE("each device runs the best of its targets", "[cuda]") {
    const Devices devices;
    const struct {
        int32_t device;
        const char *target;
    } cases[] = {{0, "target cuda-sm90: the best that this device runs"},
                 {1, "target cuda-sm80: the best that this device runs"}};
    for (const auto &c : cases) {
        fake_cuda::make_current(fake_cuda::create_context(c.device));
        const Plan plan = plan_of(describe(33, c.device));
        CHECK(std::string(norma_plan_explain(plan.get())).find(c.target) == 0);
        CHECK(fake_cuda::images().back() == (c.device == 0 ? fake_cuda::Image::ptx : fake_cuda::Image::fatbin));
        require_run(plan, Tensors(33, 64, 0, c.device), nullptr);
    }
    norma_plan *plan = nullptr;
    norma_plan_desc desc = describe(33, 2);
    CHECK(norma_plan_create(&desc, &plan) == NORMA_UNSUPPORTED_TARGET);
    says("this device runs none of the library's targets; expected one of: cuda-sm100 (not on this device), cuda-sm90");
    desc.device.id = 3;
    CHECK(norma_plan_create(&desc, &plan) == NORMA_NO_DEVICE);
    says("desc.device is CUDA 3; expected 0 to 2, as the driver has");
    desc.device.id = -1;
    CHECK(norma_plan_create(&desc, &plan) == NORMA_INVALID_ARGUMENT);
    says("desc.device.id is -1; expected 0 or more");
    desc = describe(33, 1);
    desc.target = "cuda-sm90";
    CHECK(norma_plan_create(&desc, &plan) == NORMA_UNSUPPORTED_TARGET);
    says("desc.target is \"cuda-sm90\", which this device cannot run");
    desc.target = "plain";
    CHECK(norma_plan_create(&desc, &plan) == NORMA_UNSUPPORTED_TARGET);
    says("desc.target is \"plain\", which is for another type of device; expected one of: cuda-sm100");
}

TEST_CASE("NORMA_TARGET is for plans on its type of device", "[cuda]") {
    const Devices devices;
    const Environment cpu("NORMA_TARGET", "plain");
    CHECK(std::string(norma_plan_explain(plan_of(describe(33)).get())).find("target cuda-sm90: the best") == 0);
    const Environment cuda("NORMA_TARGET", "cuda-sm80");
    const Plan plan = plan_of(describe(33));
    CHECK(std::string(norma_plan_explain(plan.get())).find("target cuda-sm80: forced by NORMA_TARGET") == 0);
}

TEST_CASE("what the library holds says where it runs", "[cuda]") {
    const Devices devices;
    const struct {
        norma_device_type device;
        int32_t sm;
        bool runnable, chosen;
    } expected[] = {{NORMA_CUDA, 100, false, false},
                    {NORMA_CUDA, 90, true, true},
                    {NORMA_CUDA, 80, true, false},
                    {NORMA_CPU, 0, true, true}};
    for (int32_t i = 0; i < 4; i++) {
        norma_target_info info = {};
        info.size = sizeof(info);
        REQUIRE(norma_get_target_info(i, &info) == NORMA_OK);
        CHECK(info.device == expected[i].device);
        CHECK(info.sm == expected[i].sm);
        CHECK((info.runnable != 0) == expected[i].runnable);
        CHECK((info.chosen != 0) == expected[i].chosen);
    }
    norma_kernel_info info = {};
    info.size = sizeof(info);
    REQUIRE(norma_get_kernel_info(2, &info) == NORMA_OK);
    CHECK((info.device == NORMA_CUDA && info.alignment == 16));
}

TEST_CASE("data that is not aligned for the kernel goes to one with narrower accesses", "[cuda]") {
    const Devices devices;
    const Plan plan = plan_of(describe(32));
    CHECK(std::string(norma_plan_kernel(plan.get())) == "4n");
    CHECK(std::string(norma_plan_explain(plan.get())).find("4n.narrow: for runs whose data is not aligned") !=
          std::string::npos);
    CHECK(fake_cuda::images().size() == 2);
    const struct {
        int64_t row_stride, offset;
        unsigned threads;
    } cases[] = {{64, 0, wide_threads},
                 {64, 4, wide_threads},
                 {64, 1, narrow_threads},
                 {65, 0, narrow_threads},
                 {0, 0, wide_threads}};
    for (const auto &c : cases) {
        fake_cuda::forget();
        require_run(plan, Tensors(32, c.row_stride, c.offset), devices.stream);
        CHECK(fake_cuda::launches().at(0).block[0] == c.threads);
        CHECK(fake_cuda::calls() == Calls{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuLaunchKernel"});
    }
    norma_plan_desc desc = describe(32);
    desc.kernel = "4n";
    require_run(plan_of(desc), Tensors(32, 64, 1), devices.stream);
    CHECK(fake_cuda::launches().back().block[0] == narrow_threads);
}

TEST_CASE("a kernel with narrower accesses is none of a wider class", "[cuda]") {
    const Devices devices;
    fake_cuda::make_current(fake_cuda::create_context(1));
    const Plan plan = plan_of(describe(32, 1));
    CHECK(std::string(norma_plan_kernel(plan.get())) == "8n.fatbin");
    fake_cuda::forget();
    CHECK(run(plan, Tensors(32, 64, 1, 1), nullptr) == NORMA_INVALID_ARGUMENT);
    says("x.data is ");
    says("with a row stride of 64 elements; expected multiples of 16 bytes, for kernel 8n.fatbin");
    CHECK(run(plan, Tensors(32, 65, 0, 1), nullptr) == NORMA_INVALID_ARGUMENT);
    says("with a row stride of 65 elements");
    CHECK(fake_cuda::calls().empty());
}

TEST_CASE("shared memory beyond 48 KiB is asked for when the plan is made", "[cuda]") {
    const Devices devices;
    fake_cuda::make_current(fake_cuda::create_context(1));
    const Plan plan = plan_of(describe(33, 1));
    fake_cuda::forget();
    require_run(plan, Tensors(33, 64, 0, 1), nullptr);
    CHECK(fake_cuda::launches().at(0).shared_bytes == large_shared_bytes);
    CHECK(fake_cuda::calls() == Calls{"cuCtxGetCurrent", "cuCtxGetId", "cuLaunchKernel", "cuLaunchKernel"});
}

TEST_CASE("tensors of another device are refused", "[cuda]") {
    const Devices devices;
    const Plan plan = plan_of(describe(33));
    Tensors tensors(33);
    fake_cuda::forget();
    tensors.arguments.y.device = {NORMA_CPU, 0};
    CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
    says("y.device.type is 1; expected NORMA_CUDA, as the plan has");
    tensors.arguments.y.device = {};
    CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
    says("y.device.type is 0; expected NORMA_CUDA, as the plan has");
    tensors.arguments.y.device = {NORMA_CUDA, 1};
    CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
    says("y.device.id is 1; expected 0, as the plan has");
    CHECK(fake_cuda::calls().empty());
}

TEST_CASE("outputs on the device may not overlap", "[cuda]") {
    const Devices devices;
    const Plan plan = plan_of(describe(33));
    Tensors tensors(33);
    tensors.arguments.y.data = tensors.x + 1;
    CHECK(run(plan, tensors, devices.stream) == NORMA_INVALID_ARGUMENT);
    says("y.data is ");
}

TEST_CASE("a run on CUDA is cut in slices too", "[cuda]") {
    const Devices devices;
    const Environment environment("NORMA_MAX_SLICE_ELEMENTS", "256");
    const Plan plan = plan_of(describe(33));
    require_run(plan, Tensors(33), devices.stream);
    const std::vector<Launch> launches = fake_cuda::launches();
    REQUIRE(launches.size() == 6);  // of 4, 4 and 2 rows, each of two kernels
    CHECK((launches[0].grid[0] == 4 && launches[2].grid[0] == 4 && launches[4].grid[0] == 2));
    CHECK(argument<uint64_t>(launches[2], 0) == argument<uint64_t>(launches[0], 0) + 4 * 64 * sizeof(float));
}

TEST_CASE("no rows, no launch", "[cuda]") {
    const Devices devices;
    const Plan plan = plan_of(describe(33));
    fake_cuda::forget();
    Tensors tensors(33);
    tensors.arguments.x.shape[0] = tensors.arguments.y.shape[0] = 0;
    require_run(plan, tensors, devices.stream);
    CHECK(fake_cuda::calls().empty());
}

TEST_CASE("a call without rows is valid as a whole, whatever lay where it is put", "[cuda]") {
    const Devices devices;
    const Plan plan = plan_of(describe(33));
    Tensors tensors(33);
    tensors.arguments.x.shape[0] = tensors.arguments.y.shape[0] = 0;
    norma::Work work;
    std::memset(&work, 0x7f, sizeof(work));
    REQUIRE(norma::validate(*plan, &tensors.arguments, &work) == NORMA_OK);
    CHECK(work.rows == 0);
    CHECK(work.levels == 1);
    CHECK(work.extents[0] == 0);
    for (const int i : plan->present) {
        CHECK(work.operands[i].strides[0] == 0);
    }
}

TEST_CASE("a bound call launches its first rows, on the stream that it was bound to", "[cuda]") {
    Devices devices;
    const Plan plan = plan_of(describe(33));
    Tensors tensors(33);
    const Bound call = bind_call(plan, tensors, devices.stream);
    fake_cuda::forget();
    for (const int64_t rows : {10, 10, 3}) {
        REQUIRE(norma_call_run(call.get(), rows) == NORMA_OK);
        const auto &launches = fake_cuda::launches();
        const Launch &launch = launches.at(launches.size() - 2);
        CHECK(launch.stream == devices.stream);
        CHECK(launch.grid[0] == static_cast<unsigned>(rows));
        CHECK(argument<void *>(launch, 0) == tensors.x);
        CHECK(argument<void *>(launch, 2) == nullptr);
        CHECK(argument<float>(launch, 3) == 0.5F);
    }
    REQUIRE(norma_call_set_data(call.get(), NORMA_TENSOR_X, tensors.x + 1) == NORMA_OK);
    REQUIRE(norma_call_run(call.get(), 3) == NORMA_OK);
    CHECK(argument<void *>(fake_cuda::launches().at(6), 0) == tensors.x + 1);
    CHECK(norma_call_run(call.get(), 11) == NORMA_INVALID_ARGUMENT);
    REQUIRE(norma_call_run(call.get(), 0) == NORMA_OK);
    CHECK(fake_cuda::launches().size() == 8);
}

TEST_CASE("a bound call's kernel follows the alignment of its data", "[cuda]") {
    Devices devices;
    const Plan plan = plan_of(describe(36)), no_fallback = plan_of(describe(40, 1));
    Tensors tensors(36);
    const Bound call = bind_call(plan, tensors, devices.stream);
    const struct {
        float *x;
        int threads;
    } cases[] = {{tensors.x, wide_threads}, {tensors.x + 1, narrow_threads}, {tensors.x + 4, wide_threads}};
    for (const auto &c : cases) {
        REQUIRE(norma_call_set_data(call.get(), NORMA_TENSOR_X, c.x) == NORMA_OK);
        fake_cuda::forget();
        REQUIRE(norma_call_run(call.get(), 10) == NORMA_OK);
        const Launch launch = fake_cuda::launches().at(0);
        CHECK(launch.block[0] == static_cast<unsigned>(c.threads));
        CHECK(argument<void *>(launch, 0) == c.x);
    }
    Tensors others(40, 64, 0, 1);
    const Bound other = bind_call(no_fallback, others, nullptr);
    CHECK(norma_call_set_data(other.get(), NORMA_TENSOR_X, others.x + 1) == NORMA_INVALID_ARGUMENT);
    says("x.data is ");
    says("expected multiples of 16 bytes, for kernel 8n.fatbin");
}

TEST_CASE("a bound call launches again after the driver failed", "[cuda]") {
    Devices devices;
    const Plan plan = plan_of(describe(33));
    const Tensors tensors(33);
    const Bound call = bind_call(plan, tensors, devices.stream);
    for (int again = 0; again < 2; again++) {
        fake_cuda::fail("cuLaunchKernel", 700);
        CHECK(norma_call_run(call.get(), 10) == NORMA_DEVICE_ERROR);
        says("kernel any: cuLaunchKernel: CUDA_ERROR_ILLEGAL_ADDRESS");
        CHECK(norma_call_run(call.get(), 10) == NORMA_OK);
    }
}

TEST_CASE("norma_run runs on CUDA", "[cuda]") {
    const Devices devices;
    const Tensors tensors(33);
    const norma_plan_desc desc = describe(33);
    norma_execution execution = {};
    execution.size = sizeof(execution);
    execution.cuda_stream = devices.stream;
    for (int i = 0; i < 2; i++) {
        REQUIRE(norma_run(&desc, &tensors.arguments, &execution) == NORMA_OK);
        CHECK(fake_cuda::launches().back().stream == devices.stream);
    }
    CHECK(fake_cuda::images().size() == 1);
}

TEST_CASE("each call of the driver that fails is a status with the driver's name for it", "[cuda]") {
    const struct {
        const char *function;
        int error;
        norma_status status;
        const char *name;
    } cases[] = {{"cuCtxGetCurrent", 3, NORMA_DEVICE_ERROR, "CUDA_ERROR_NOT_INITIALIZED (initialization error)"},
                 {"cuCtxGetId", 201, NORMA_DEVICE_ERROR, "CUDA_ERROR_INVALID_CONTEXT"},
                 {"cuStreamIsCapturing", 400, NORMA_DEVICE_ERROR, "CUDA_ERROR_INVALID_HANDLE"},
                 {"cuCtxGetDevice", 201, NORMA_DEVICE_ERROR, "CUDA_ERROR_INVALID_CONTEXT"},
                 {"cuThreadExchangeStreamCaptureMode", 1, NORMA_DEVICE_ERROR, "CUDA_ERROR_INVALID_VALUE"},
                 {"cuModuleLoadDataEx", 209, NORMA_UNSUPPORTED_TARGET, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
                 {"cuModuleLoadDataEx", 2, NORMA_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
                 {"cuModuleGetFunction", 500, NORMA_DEVICE_ERROR, "CUDA_ERROR_NOT_FOUND (named symbol not found)"},
                 {"cuFuncSetAttribute", 1, NORMA_DEVICE_ERROR, "CUDA_ERROR_INVALID_VALUE"},
                 {"cuLaunchKernel", 700, NORMA_DEVICE_ERROR, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                 {"cuLaunchKernel", 100, NORMA_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
                 {"cuLaunchKernel", 4711, NORMA_DEVICE_ERROR, "CUDA error 4711, which the driver has no name for"}};
    const Devices devices;
    fake_cuda::make_current(nullptr);
    const Plan plan = plan_of(describe(33, 1));  // whose kernel asks for shared memory
    const Tensors tensors(33, 64, 0, 1);
    for (const auto &c : cases) {
        void *context = fake_cuda::create_context(1), *stream = fake_cuda::create_stream(context);
        fake_cuda::make_current(context);  // where nothing is loaded yet
        fake_cuda::forget();
        fake_cuda::fail(c.function, c.error);
        const norma_status status = run(plan, tensors, stream);
        INFO(c.function << ": " << norma_last_error());
        CHECK(status == c.status);
        says(std::string("kernel any.fatbin: ") + c.function + ": " + c.name);
        CHECK(fake_cuda::launches().empty());  // nothing comes of the second launch either
        require_run(plan, tensors, stream);
    }
}

TEST_CASE("a plan in a context that cannot load its kernel is refused", "[cuda]") {
    const Devices devices;
    norma_plan_desc desc = describe(33);
    norma_plan *plan = nullptr;
    fake_cuda::fail("cuModuleLoadDataEx", 2);
    CHECK(norma_plan_create(&desc, &plan) == NORMA_OUT_OF_MEMORY);
    CHECK(plan == nullptr);
    says("kernel any: cuModuleLoadDataEx: CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
    plan_of(desc);
}

TEST_CASE("a kernel that wants the runtime to allocate is an internal error", "[cuda]") {
    const Devices devices;
    fake_cuda::make_current(fake_cuda::create_context(1));
    norma_plan_desc desc = describe(33, 1, NORMA_LAYER_NORM_FORWARD);
    norma_plan *plan = nullptr;
    CHECK(norma_plan_create(&desc, &plan) == NORMA_INTERNAL);
    says("kernel memory: a CUDA kernel asked for memory");
}
