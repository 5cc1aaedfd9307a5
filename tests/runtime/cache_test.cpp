// SPDX-License-Identifier: MIT
// norma_run: plans in a cache of any size give the same results, and workspace is found.
#include <atomic>
#include <thread>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"

namespace {

using namespace norma::test;

CallSpec residual_spec(int64_t hidden) {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_LAYER_NORM_FORWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32);
    spec.hidden = hidden;
    return spec;
}

CallSpec other_spec(int64_t hidden) {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    spec.hidden = hidden;
    return spec;
}

struct CacheCapacity {
    explicit CacheCapacity(int32_t plans) { require_ok(norma_plan_cache_set_capacity(plans), "capacity"); }
    ~CacheCapacity() { norma_plan_cache_set_capacity(64); }
};

}  // namespace

TEST_CASE("norma_run gives the same with any capacity of the cache", "[cache]") {
    for (int32_t plans : {0, 1, 2, 64}) {
        const CacheCapacity capacity(plans);
        for (int i = 0; i < 3; i++) {
            for (int64_t hidden : {33, 64, 100, 33}) {
                Call call(residual_spec(hidden));
                call.execution.threads = i;
                require_ok(norma_run(&call.desc, &call.arguments, i == 0 ? nullptr : &call.execution), "norma_run");
                CHECK(call.check() == "");
            }
        }
    }
}

TEST_CASE("a cached plan is found by all that distinguishes variants", "[cache]") {
    norma_plan_cache_clear();
    CallSpec spec = residual_spec(64);
    Call call(spec);
    require_ok(norma_run(&call.desc, &call.arguments, nullptr), "norma_run");
    spec.save_statistics = false;
    Call without(spec);
    require_ok(norma_run(&without.desc, &without.arguments, nullptr), "norma_run");
    CHECK(without.check() == "");
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    Call other(spec);
    require_ok(norma_run(&other.desc, &other.arguments, nullptr), "norma_run");
    CHECK(other.check() == "");
}

TEST_CASE("norma_run refuses as plans do, and writes nothing", "[cache]") {
    Call call(residual_spec(64));
    norma_plan_desc desc = call.desc;
    desc.hidden = 0;
    CHECK(norma_run(&desc, &call.arguments, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find("desc.hidden is 0") == 0);
    CHECK(norma_run(nullptr, &call.arguments, nullptr) == NORMA_INVALID_ARGUMENT);
    call.arguments.eps = -1;
    CHECK(norma_run(&call.desc, &call.arguments, nullptr) == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find("eps is -1") == 0);
    CHECK(call.untouched());
}

TEST_CASE("a workspace of the caller's is used, and checked", "[cache]") {
    Call call(residual_spec(64));
    alignas(64) static char small[64];
    call.execution.workspace = small;
    call.execution.workspace_size = sizeof(small);
    CHECK(norma_run(&call.desc, &call.arguments, &call.execution) == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find("execution.workspace_size is 64") == 0);
    CHECK(call.untouched());
}

TEST_CASE("a capacity that makes no sense is refused", "[cache]") {
    CHECK(norma_plan_cache_set_capacity(-1) == NORMA_INVALID_ARGUMENT);
    CHECK(std::string(norma_last_error()).find("plans is -1") == 0);
}

TEST_CASE("a plan lives until the last run with it ends", "[cache]") {
    // The loop of a run clears the cache and makes other plans, which would take the place of the plan's memory.
    const auto clears = [](void *, int64_t count, norma_task task, void *data) {
        norma_plan_cache_clear();
        for (int64_t hidden = 1; hidden < 30; hidden++) {
            Call other(other_spec(hidden));
            if (norma_run(&other.desc, &other.arguments, nullptr) != NORMA_OK) {
                return 1;
            }
        }
        for (int64_t i = 0; i < count; i++) {
            task(data, i);
        }
        return 0;
    };
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    norma_plan_cache_clear();
    CallSpec spec = residual_spec(1200);
    spec.threads = 4;
    Call call(spec);
    require_ok(norma_run(&call.desc, &call.arguments, nullptr), "norma_run");  // now it is in the cache
    call.restore();
    call.execution.parallel_for = clears;
    std::string problem;
    std::thread([&] {  // whose guarded memory is not that of the other calls
        if (norma_run(&call.desc, &call.arguments, &call.execution) != NORMA_OK) {
            problem = norma_last_error();
        }
    })
        .join();
    CHECK(problem == "");
    CHECK(call.check() == "");
}

TEST_CASE("the cache is shared by eight threads while it is cleared and cut", "[cache]") {
    constexpr int runs = 10000;  // of each thread: a lock that is missing is noticed within 4000 three times of four
    std::atomic<int> good{0}, running{8};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++) {
        threads.emplace_back([&] {
            Call call(residual_spec(8));
            for (int i = 0; i < runs; i++) {
                call.restore();
                for (norma_tensor *tensor :
                     {&call.arguments.x, &call.arguments.y, &call.arguments.weight, &call.arguments.bias,
                      &call.arguments.residual, &call.arguments.residual_out}) {
                    tensor->shape[tensor->rank - 1] = 1 + i % 8;
                }
                call.desc.hidden = 1 + i % 8;
                good += norma_run(&call.desc, &call.arguments, &call.execution) == NORMA_OK &&
                        (call.desc.hidden < 8 || call.check().empty());
            }
            running--;
        });
    }
    for (int32_t i = 0; running > 0; i++) {
        norma_plan_cache_set_capacity(i % 9);
        norma_plan_cache_clear();
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    norma_plan_cache_set_capacity(64);
    CHECK(good == 8 * runs);
}
