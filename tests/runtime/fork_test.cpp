// SPDX-License-Identifier: MIT
// A child after fork may do all that its parent may, whatever the parent's other threads were doing.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"

namespace {

using namespace norma::test;

constexpr int64_t rows = 24, most_hidden = 64;

// RMSNorm of rows of ones and twos.
struct Sample {
    explicit Sample(int64_t hidden, int32_t threads) : x(rows * hidden), y(rows * hidden) {
        for (size_t i = 0; i < x.size(); i++) {
            x[i] = static_cast<float>(1 + i % 2);
        }
        desc.size = sizeof(desc);
        desc.op = NORMA_RMS_NORM_FORWARD;
        desc.x = NORMA_F32;
        desc.hidden = hidden;
        arguments.size = sizeof(arguments);
        arguments.x = {x.data(), NORMA_F32, {NORMA_CPU, 0}, 2, {rows, hidden}, {hidden, 1}};
        arguments.y = {y.data(), NORMA_F32, {NORMA_CPU, 0}, 2, {rows, hidden}, {hidden, 1}};
        execution.size = sizeof(execution);
        execution.threads = threads;
    }

    bool run() { return norma_run(&desc, &arguments, &execution) == NORMA_OK; }

    norma_plan_desc desc = {};
    norma_arguments arguments = {};
    norma_execution execution = {};
    std::vector<float> x, y;
};

// What a child does; without an answer it dies of the alarm.
bool uses_norma() {
    alarm(20);
    Sample alone(most_hidden, 1), shared(most_hidden, 0);
    norma_plan *plan = nullptr;
    bool good = alone.run() && norma_plan_create(&alone.desc, &plan) == NORMA_OK;
    norma_plan_destroy(plan);
    for (int i = 0; i < 2; i++) {
        good = good && shared.run() && shared.y == alone.y;
        norma_shutdown();
    }
    return good && alone.run();
}

bool in_child = false;

// The wait status of a child that does this, then exits as a program does.
int wait_status_of_child(const std::function<bool()> &act) {
    std::cout.flush();  // which the child would write again
    const pid_t child = fork();
    if (child == 0) {
        in_child = true;
        std::exit(act() ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

}  // namespace

// Asked by LeakSanitizer, where there is one: in a child nothing leads to what the parent's other threads hold.
extern "C" int __lsan_is_turned_off() { return in_child; }  // NOLINT(bugprone-reserved-identifier)

TEST_CASE("a child of a parent whose threads are in all parts of the runtime", "[fork]") {
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    require_ok(norma_set_num_threads(4), "norma_set_num_threads");
    require_ok(norma_plan_cache_set_capacity(2), "capacity");
    std::atomic<bool> stop{false};
    std::atomic<int> failures{0};
    const auto churn = [&](int32_t threads) {
        for (int64_t i = 0; !stop; i++) {
            failures += !Sample(1 + i % most_hidden, threads).run();
        }
    };
    std::vector<std::thread> threads;
    threads.emplace_back(churn, 1);
    threads.emplace_back(churn, 1);
    threads.emplace_back(churn, 3);
    threads.emplace_back(churn, 0);
    threads.emplace_back([&] {
        const Sample sample(8, 1);
        while (!stop) {
            norma_plan *plan = nullptr;
            failures += norma_plan_create(&sample.desc, &plan) != NORMA_OK;
            norma_plan_destroy(plan);
        }
    });
    int bad = 0;
    for (int i = 0; i < 200 && bad == 0; i++) {
        bad = wait_status_of_child(uses_norma);
    }
    stop = true;
    for (std::thread &thread : threads) {
        thread.join();
    }
    require_ok(norma_plan_cache_set_capacity(64), "capacity");
    CHECK(bad == 0);  // a wait status; 14: the alarm
    CHECK(failures == 0);
}

TEST_CASE("a child that only exits after a parallel run of its parent", "[fork]") {
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    require_ok(norma_set_num_threads(3), "norma_set_num_threads");
    REQUIRE(Sample(most_hidden, 0).run());
    const auto nothing = [] { return alarm(20) == 0; };
    const auto shuts_down = [] { return alarm(20) == 0 && (norma_shutdown(), true); };
    const auto resizes = [] { return alarm(20) == 0 && norma_set_num_threads(2) == NORMA_OK && uses_norma(); };
    CHECK(wait_status_of_child(nothing) == 0);
    CHECK(wait_status_of_child(shuts_down) == 0);
    CHECK(wait_status_of_child(resizes) == 0);
    CHECK(wait_status_of_child([] { return wait_status_of_child(uses_norma) == 0 && uses_norma(); }) == 0);
    CHECK(Sample(most_hidden, 0).run());
}
