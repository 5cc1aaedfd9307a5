// SPDX-License-Identifier: MIT
// stress SECONDS: threads share plans, run with Norma's pool and loops of their own, and churn the cache while others
// clear and cut it; between rounds the pool is resized and shut down. For ThreadSanitizer, and for bits. Prints what it
// did; 1 where a result differs.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/call.h"

namespace {

using namespace norma::test;
using Clock = std::chrono::steady_clock;
using Plan = std::unique_ptr<norma_plan, void (*)(norma_plan *)>;

CallSpec spec_of(norma_op op, int64_t hidden, int32_t threads) {
    CallSpec spec;
    spec.kernel = find_kernel(op, NORMA_F32, NORMA_F32, op == NORMA_LAYER_NORM_BACKWARD ? NORMA_F32 : NORMA_NONE);
    spec.hidden = hidden;
    spec.outer = {40};
    spec.threads = threads;
    return spec;
}

// A thread for each two tasks, as many as there are.
int threads_of_its_own(void *, int64_t count, norma_task task, void *data) {
    std::vector<std::thread> threads;
    const int64_t helpers = std::min<int64_t>(count, 4);
    std::atomic<int64_t> next{0};
    for (int64_t t = 0; t < helpers; t++) {
        threads.emplace_back([&] {
            for (int64_t i = next++; i < count; i = next++) {
                task(data, i);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    return 0;
}

struct Shared {
    norma_op op;
    int64_t hidden;
    Plan plan;
    std::string expected;  // of the first output
};

int first_output(norma_op op) { return op == NORMA_RMS_NORM_FORWARD ? role_y : role_dx; }

Plan plan_of(const norma_plan_desc &desc) {
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&desc, &plan), "norma_plan_create");
    return {plan, norma_plan_destroy};
}

Shared share(norma_op op, int64_t hidden) {
    Call call(spec_of(op, hidden, 1));
    call.run();
    return {op, hidden, plan_of(call.desc), call.bytes(first_output(op))};
}

// How often the result was another.
int work(const std::vector<Shared> &shared, int number, Clock::time_point end, std::atomic<int64_t> &runs) {
    int wrong = 0;
    for (size_t i = static_cast<size_t>(number); Clock::now() < end; i++) {
        const Shared &one = shared[i % shared.size()];
        Call call(spec_of(one.op, one.hidden, static_cast<int32_t>(i % 4)));
        if (i % 3 == 0) {
            call.execution.parallel_for = threads_of_its_own;
        }
        for (int again = 0; again < 8; again++) {
            if (i % 2 == 0) {
                call.execution.workspace = nullptr;
                require_ok(norma_run(&call.desc, &call.arguments, &call.execution), "norma_run");
            } else {
                size_t bytes = 0;
                require_ok(norma_plan_workspace_size(one.plan.get(), 40, call.execution.threads, &bytes), "workspace");
                call.give_workspace(bytes);
                require_ok(norma_plan_run(one.plan.get(), &call.arguments, &call.execution), "norma_plan_run");
            }
            wrong += call.bytes(first_output(one.op)) != one.expected;
            call.restore();
            runs++;
        }
    }
    return wrong;
}

void churn(Clock::time_point end) {
    for (int32_t i = 0; Clock::now() < end; i++) {
        norma_plan_cache_set_capacity(i % 5);
        norma_plan_cache_clear();
        plan_of(describe(spec_of(NORMA_RMS_NORM_FORWARD, 1 + i % 64, 1)));
        norma_plan_cache_set_capacity(-1);  // refused: a message for each thread
    }
}

}  // namespace

int main(int count, char **words) {
    const int seconds = count > 1 ? std::atoi(words[1]) : 2;
    setenv("NORMA_GRAIN_SIZE", "1", 1);
    std::vector<Shared> shared;
    for (int64_t hidden : {33, 64, 500}) {
        shared.push_back(share(NORMA_RMS_NORM_FORWARD, hidden));
        shared.push_back(share(NORMA_LAYER_NORM_BACKWARD, hidden));
    }
    std::atomic<int64_t> runs{0};
    std::atomic<int> wrong{0};
    int32_t rounds = 0;
    for (const auto end = Clock::now() + std::chrono::seconds(seconds); Clock::now() < end; rounds++) {
        require_ok(norma_set_num_threads(1 + rounds % 5), "norma_set_num_threads");
        const auto round_end = Clock::now() + std::chrono::milliseconds(200);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; t++) {
            threads.emplace_back([&, t] { wrong += work(shared, t + rounds, round_end, runs); });
        }
        threads.emplace_back(churn, round_end);
        for (std::thread &thread : threads) {
            thread.join();
        }
        if (rounds % 3 == 0) {  // by two at once, as a program's libraries may
            std::thread other(norma_shutdown);
            norma_shutdown();
            other.join();
        }
    }
    norma_shutdown();
    std::printf("%d rounds, %lld runs, %d wrong\n", rounds, static_cast<long long>(runs), wrong.load());
    return wrong == 0 && runs > 0 ? 0 : 1;
}
