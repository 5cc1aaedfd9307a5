// SPDX-License-Identifier: MIT
// This program's malloc counts, and fails when it is told to: norma_plan_run allocates nothing, and whatever allocates
// takes a refusal as one.
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "norma/sharded.h"
#include "tests/support/call.h"
#include "tests/support/catch.h"

namespace {

using namespace norma::test;

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> live{0};          // blocks that are not free yet
std::atomic<int64_t> until_fault{-1};  // allocations that are still given; then none is. Below 0: all are

bool refused() {
    allocations++;
    if (until_fault < 0) {
        return false;
    }
    const int64_t given = until_fault--;
    if (given > 0) {
        return false;
    }
    until_fault = 0;
    errno = ENOMEM;
    return true;
}

void *counted(void *block) {
    live += block != nullptr;
    return block;
}

}  // namespace

extern "C" {

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

void *malloc(size_t size) { return refused() ? nullptr : counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return refused() ? nullptr : counted(__libc_calloc(count, size)); }

void *realloc(void *block, size_t size) {
    if (refused()) {
        return nullptr;
    }
    return block ? __libc_realloc(block, size) : counted(__libc_malloc(size));
}

void *memalign(size_t alignment, size_t size) {
    return refused() ? nullptr : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

void free(void *block) {
    live -= block != nullptr;
    __libc_free(block);
}
}

namespace {

// Calls `work` with the n-th allocation and all after it failing, for each n, until it needs no more than it is given.
// `check` is told what the others returned; what was allocated is free again when `clean` has run.
template <typename Work, typename Clean, typename Check>
void with_each_allocation_failing(const Work &work, const Clean &clean, const Check &check) {
    constexpr int most = 1000;
    for (int given = 0; given < most; given++) {
        const int64_t before = live;
        until_fault = given;
        const norma_status status = work();
        const bool failed = until_fault == 0 && status != NORMA_OK;
        const bool enough = until_fault > 0;
        until_fault = -1;
        clean();
        const int64_t left = live - before;
        INFO("allocations that succeeded: " << given << ", status " << status << ": " << norma_last_error());
        REQUIRE(left == 0);
        if (failed) {
            check(status);
        }
        if (enough) {
            REQUIRE(status == NORMA_OK);
            return;
        }
    }
    FAIL("never enough");
}

CallSpec backward_spec() {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_LAYER_NORM_BACKWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32);
    spec.hidden = 1024;
    spec.outer = {200};
    spec.threads = 2;
    return spec;
}

void check_out_of_memory(norma_status status) {
    CHECK(status == NORMA_OUT_OF_MEMORY);
    CHECK(std::strncmp(norma_last_error(), "no memory for a ", 16) == 0);
}

}  // namespace

TEST_CASE("a plan without memory is refused, and leaves nothing behind", "[allocation]") {
    Call call(backward_spec());
    norma_plan *plan = nullptr;
    for (const char *verbose : {"", "all"}) {
        setenv("NORMA_VERBOSE", verbose, 1);
        with_each_allocation_failing([&] { return norma_plan_create(&call.desc, &plan); },
                                     [&] { norma_plan_destroy(plan); }, check_out_of_memory);
    }
    unsetenv("NORMA_VERBOSE");
}

TEST_CASE("a run with a plan and workspace of Norma's own does without memory what it can", "[allocation]") {
    Call call(backward_spec());
    call.execution.workspace = nullptr;
    require_ok(norma_run(&call.desc, &call.arguments, &call.execution), "norma_run");
    norma_shutdown();  // the C library keeps the stacks of threads, with what it allocated for them
    with_each_allocation_failing([&] { return norma_run(&call.desc, &call.arguments, &call.execution); },
                                 [] { norma_shutdown(); }, check_out_of_memory);
    CHECK(call.check() == "");
}

TEST_CASE("a refusal needs no memory for its message", "[allocation]") {
    Call call(backward_spec());
    call.desc.kernel = nullptr;
    norma_plan *plan = nullptr;
    auto message = [&](int64_t given) {
        until_fault = given;
        const norma_status status = norma_plan_create(&call.desc, &plan);
        until_fault = -1;
        CHECK(plan == nullptr);
        return std::to_string(status) + norma_last_error();
    };
    call.desc.y = call.desc.weight = NORMA_BF16;
    call.desc.x = NORMA_F32;
    const std::string not_in_library = message(-1);
    CHECK(not_in_library.rfind(std::to_string(NORMA_NOT_IN_LIBRARY) + "{\"op\": ", 0) == 0);
    CHECK(message(0) == not_in_library);
    call.desc.target = "none";
    const std::string no_target = message(-1);
    CHECK(no_target.rfind(std::to_string(NORMA_UNSUPPORTED_TARGET) + "desc.target is \"none\"", 0) == 0);
    CHECK(message(0) == no_target);
}

TEST_CASE("a call without memory is refused, and leaves nothing behind", "[allocation]") {
    Call call(backward_spec());
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&call.desc, &plan), "norma_plan_create");
    size_t bytes = 0;
    require_ok(norma_plan_workspace_size(plan, 200, 2, &bytes), "norma_plan_workspace_size");
    call.give_workspace(bytes);
    norma_call *bound = nullptr;
    with_each_allocation_failing([&] { return norma_bind(plan, &call.arguments, &call.execution, &bound); },
                                 [&] { norma_call_destroy(bound); }, check_out_of_memory);
    norma_plan_destroy(plan);
    CHECK(call.untouched());
}

TEST_CASE("a run allocates nothing", "[allocation]") {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        CallSpec spec;
        spec.kernel = kernel;
        spec.hidden = 1024;
        spec.outer = {200};  // enough for several tasks
        spec.threads = 2;
        if (!can_run(kernel, spec.hidden)) {
            continue;
        }
        Call call(spec);
        call.run();  // makes the pool's threads, the first time
        norma_plan *plan = nullptr;
        require_ok(norma_plan_create(&call.desc, &plan), "norma_plan_create");
        const int64_t before = allocations;
        const norma_status status = norma_plan_run(plan, &call.arguments, &call.execution);
        const int64_t after = allocations;
        norma_call *bound = nullptr;
        require_ok(norma_bind(plan, &call.arguments, &call.execution, &bound), "norma_bind");
        const int64_t when_bound = allocations;
        const bool ran = norma_call_run(bound, 200) == NORMA_OK &&
                         norma_call_set_data(bound, NORMA_TENSOR_X, call.arguments.x.data) == NORMA_OK &&
                         norma_call_run(bound, 100) == NORMA_OK;
        const int64_t when_run = allocations;
        norma_call_destroy(bound);
        norma_plan_destroy(plan);
        INFO(label(kernel));
        CHECK(before > 0);
        CHECK(status == NORMA_OK);
        CHECK(after - before == 0);
        CHECK(ran);
        CHECK(when_run - when_bound == 0);
    }
}

TEST_CASE("a sharded plan without memory is refused, and its runs allocate nothing", "[allocation]") {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    spec.hidden = 1500;
    Call call(spec);
    norma_sharded_desc desc = {};
    desc.size = sizeof desc;
    desc.norm = call.desc;
    desc.norm.kernel = nullptr;
    desc.ranks = 1;
    norma_sharded_plan *plan = nullptr;
    with_each_allocation_failing([&] { return norma_sharded_plan_create(&desc, &plan); },
                                 [&] { norma_sharded_plan_destroy(plan); }, check_out_of_memory);
    require_ok(norma_sharded_plan_create(&desc, &plan), "norma_sharded_plan_create");
    size_t bytes = 0;
    require_ok(norma_sharded_workspace_size(plan, spec.rows(), spec.threads, &bytes), "norma_sharded_workspace_size");
    call.give_workspace(bytes);
    const int64_t before = allocations;
    const norma_status status = norma_sharded_run(plan, &call.arguments, &call.execution, nullptr, nullptr);
    const int64_t after = allocations;
    require_ok(status, "norma_sharded_run");
    CHECK(after == before);
    norma_sharded_plan_destroy(plan);
    CHECK(call.check() == "");
}
