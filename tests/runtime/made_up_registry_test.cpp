// SPDX-License-Identifier: MIT
// The runtime over a registry made up for it: what no real library shows on every machine, such as targets that the CPU
// cannot run and kernels that fail.
#include <HalideRuntime.h>

#include <cstring>
#include <string>
#include <vector>

#include "runtime/kernel_host/call_context.h"
#include "runtime/src/core/registry.h"
#include "runtime/src/device/cpu/features.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/made_up_kernel.h"

namespace {

using norma::CallContext;
using norma::Role;

uint64_t cpu_features = 0;

int fails(void **arguments) {
    CallContext *context = *static_cast<CallContext **>(arguments[0]);
    std::strcpy(context->message, "out of patience");
    return -5;
}

// As a kernel whose error was lost on the way.
int complains(void **arguments) { return fails(arguments), 0; }

constexpr Role arguments[] = {Role::user_context, Role::x,   Role::eps, Role::store_mode, Role::y,
                              Role::mean,         Role::rstd};

std::vector<const void *> strip_sums_from;

int notes_strip_sums(void **given) {
    const auto *from = static_cast<const halide_buffer_t *>(given[1]);
    strip_sums_from.push_back(from->host);
    return from->dim[1].extent;  // of the strips: none
}

constexpr Role backward_arguments[] = {Role::user_context, Role::x,      Role::mean, Role::rstd,
                                       Role::dy,           Role::weight, Role::dx,   Role::dweight};

constexpr norma::Kernel backward() {
    norma::Kernel kernel =
        norma::test::made_up_kernel("backward", 1, NORMA_RMS_NORM_BACKWARD, fails, backward_arguments);
    kernel.variant.weight = NORMA_F32;
    return kernel;
}

// A member of RunTime beyond its bounds.
constexpr norma::Kernel beyond(const char *name, norma_op op, int64_t norma::RunTime::*member, int64_t value) {
    norma::Kernel kernel = norma::test::made_up_kernel(name, 1, op, fails, arguments);
    kernel.run_time.*member = value;
    return kernel;
}

constexpr norma::Kernel kernel(const char *name, norma_op op, uint16_t target, int (*run)(void **)) {
    return norma::test::made_up_kernel(name, target, op, run, arguments);
}

}  // namespace

namespace norma {

const Target targets[] = {{"future", "", {2, 0, 0, 0}, {}, NORMA_CPU, 0},
                          {"plain", "", {1, 0, 0, 0}, {nullptr, notes_strip_sums}, NORMA_CPU, 0}};
const int32_t target_count = 2;
const Kernel kernels[] = {kernel("rms_norm_forward.future", NORMA_RMS_NORM_FORWARD, 0, fails),
                          kernel("rms_norm_forward.plain", NORMA_RMS_NORM_FORWARD, 1, fails),
                          kernel("layer_norm_forward.plain", NORMA_LAYER_NORM_FORWARD, 1, complains),
                          beyond("no_grain", NORMA_LAYER_NORM_BACKWARD, &RunTime::grain_size, 0),
                          beyond("far_threshold", NORMA_RMS_NORM_BACKWARD, &RunTime::streaming_threshold, INT64_MIN),
                          backward()};
const int32_t kernel_count = 6;

bool cpu_has_features(const uint64_t *features) { return (features[0] & ~cpu_features) == 0; }

}  // namespace norma

namespace {

using norma::test::Environment;

bool contains(const std::string &text, const std::string &words) { return text.find(words) != std::string::npos; }

struct Result {
    norma_status status;
    std::string message;
};

// Of four rows on as many threads.
Result run(norma_op op, const char *target = nullptr, int32_t threads = 1) {
    norma_plan_cache_clear();
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = op;
    desc.x = NORMA_F32;
    desc.hidden = 8;
    desc.target = target;
    std::vector<float> x(32), y(32);
    norma_arguments call = {};
    call.size = sizeof(call);
    call.x = {x.data(), NORMA_F32, {}, 2, {4, 8}, {8, 1}};
    call.y = {y.data(), NORMA_F32, {}, 2, {4, 8}, {8, 1}};
    norma_execution execution = {};
    execution.size = sizeof(execution);
    execution.threads = threads;
    const norma_status status = norma_run(&desc, &call, &execution);
    return {status, norma_last_error()};
}

}  // namespace

TEST_CASE("a target beyond this CPU is listed, never chosen, and refused when forced", "[made_up]") {
    cpu_features = 1;
    norma_target_info future = {}, plain = {};
    future.size = plain.size = sizeof(norma_target_info);
    REQUIRE(norma_get_target_info(0, &future) == NORMA_OK);
    REQUIRE(norma_get_target_info(1, &plain) == NORMA_OK);
    CHECK((!future.runnable && !future.chosen));
    CHECK((plain.runnable && plain.chosen));
    norma_kernel_info kernel = {};
    kernel.size = sizeof(kernel);
    REQUIRE(norma_get_kernel_info(0, &kernel) == NORMA_OK);
    CHECK_FALSE(kernel.runnable);

    Result result = run(NORMA_RMS_NORM_FORWARD, "future");
    CHECK(result.status == NORMA_UNSUPPORTED_TARGET);
    CHECK(contains(result.message, "desc.target is \"future\", which this CPU cannot run"));
    CHECK(contains(result.message, "future (not on this CPU), plain"));
    const Environment environment("NORMA_TARGET", "future");
    result = run(NORMA_RMS_NORM_FORWARD);
    CHECK(result.status == NORMA_UNSUPPORTED_TARGET);
    CHECK(contains(result.message, "NORMA_TARGET is \"future\", which this CPU cannot run"));
    REQUIRE(norma_get_target_info(1, &plain) == NORMA_OK);
    CHECK_FALSE(plain.chosen);
}

TEST_CASE("a CPU that runs none of the targets is told so", "[made_up]") {
    cpu_features = 0;
    const Result result = run(NORMA_RMS_NORM_FORWARD);
    CHECK(result.status == NORMA_UNSUPPORTED_TARGET);
    CHECK(contains(result.message, "this CPU runs none of the library's targets"));
}

TEST_CASE("the best target that the CPU runs is chosen", "[made_up]") {
    for (uint64_t features : {1, 3}) {
        cpu_features = features;
        const Result result = run(NORMA_RMS_NORM_FORWARD);
        CHECK(contains(result.message, features == 1 ? "rms_norm_forward.plain" : "rms_norm_forward.future"));
    }
}

TEST_CASE("run-time choices of a registry are within their bounds, or refused", "[made_up]") {
    cpu_features = 1;
    Result result = run(NORMA_LAYER_NORM_BACKWARD);
    CHECK(result.status == NORMA_INTERNAL);
    CHECK(result.message == "the library has kernel no_grain with grain_size 0; expected 1 to 1125899906842624");
    result = run(NORMA_RMS_NORM_BACKWARD);
    CHECK(result.status == NORMA_INTERNAL);
    CHECK(
        contains(result.message, "kernel far_threshold with streaming_threshold -9223372036854775808; expected 0 to"));
}

TEST_CASE("gradients of no rows are sums of nothing, for every block of columns", "[made_up]") {
    cpu_features = 1;
    constexpr int64_t hidden = 600;
    std::vector<float> weight(hidden), gradient(hidden);
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = NORMA_RMS_NORM_BACKWARD;
    desc.x = desc.weight = NORMA_F32;
    desc.hidden = hidden;
    norma_arguments call = {};
    call.size = sizeof(call);
    call.x = call.dy = call.dx = {nullptr, NORMA_F32, {}, 2, {0, hidden}, {hidden, 1}};
    call.rstd = {nullptr, NORMA_F32, {}, 1, {0}, {1}};
    call.weight = {weight.data(), NORMA_F32, {}, 1, {hidden}, {1}};
    call.dweight = {gradient.data(), NORMA_F32, {}, 1, {hidden}, {1}};
    strip_sums_from.clear();
    const norma_status status = norma_run(&desc, &call, nullptr);
    INFO(norma_last_error());
    CHECK(status == NORMA_OK);
    CHECK(strip_sums_from == std::vector<const void *>(3, nullptr));
}

TEST_CASE("a kernel that fails is an internal error with its name and message", "[made_up]") {
    cpu_features = 1;
    const Environment environment("NORMA_GRAIN_SIZE", "8");
    for (int32_t threads : {1, 4}) {
        const Result failed = run(NORMA_RMS_NORM_FORWARD, nullptr, threads);
        CHECK(failed.status == NORMA_INTERNAL);
        CHECK(failed.message == "kernel rms_norm_forward.plain returned -5: out of patience");
        const Result complained = run(NORMA_LAYER_NORM_FORWARD, nullptr, threads);
        CHECK(complained.status == NORMA_INTERNAL);
        CHECK(complained.message == "kernel layer_norm_forward.plain returned -1: out of patience");
    }
}
