// SPDX-License-Identifier: MIT
// load SECONDS [THREADS]: all kernels again and again from several threads, each run on one to all threads of the pool:
// the bits are those of one thread, and memory does not grow. Prints what it did; 1 where it is otherwise.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "tests/support/call.h"

namespace {

using namespace norma::test;
using Clock = std::chrono::steady_clock;

constexpr int64_t growth_allowed = 4096;  // KiB

int64_t resident_kib() {
    std::ifstream file("/proc/self/statm");
    int64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * sysconf(_SC_PAGESIZE) / 1024;
}

CallSpec spec_of(const norma_kernel_info &kernel) {
    CallSpec spec;
    spec.kernel = kernel;
    spec.hidden = kernel.hidden_exact ? kernel.hidden_exact : kernel.hidden_multiple * (256 / kernel.hidden_multiple);
    spec.outer = {37};
    return spec;
}

std::string outputs(const Call &call) {
    std::string all;
    for (int role = 0; role < role_count; role++) {
        all += call.spec.is_output(role) ? call.bytes(role) : "";
    }
    return all;
}

// Two runs, by norma_run and by a plan. How many differ.
int run(const norma_kernel_info &kernel, int32_t threads, const std::string &expected) {
    CallSpec spec = spec_of(kernel);
    spec.threads = threads;
    Call call(spec);
    require_ok(norma_run(&call.desc, &call.arguments, &call.execution), spec.text());
    int wrong = outputs(call) != expected;
    call.restore();
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&call.desc, &plan), spec.text());
    size_t bytes = 0;
    require_ok(norma_plan_workspace_size(plan, spec.rows(), threads, &bytes), spec.text());
    call.give_workspace(bytes);
    require_ok(norma_plan_run(plan, &call.arguments, &call.execution), spec.text());
    norma_plan_destroy(plan);
    wrong += outputs(call) != expected;
    return wrong;
}

}  // namespace

int main(int count, char **words) {
    const int seconds = count > 1 ? std::atoi(words[1]) : 10, threads = count > 2 ? std::atoi(words[2]) : 4;
    setenv("NORMA_GRAIN_SIZE", "1", 1);
    norma_set_num_threads(4);
    const std::vector<norma_kernel_info> kernels = runnable_kernels();
    std::vector<std::string> expected;
    for (const norma_kernel_info &kernel : kernels) {
        Call call(spec_of(kernel));
        call.run();
        expected.push_back(outputs(call));
    }
    std::atomic<int64_t> runs{0}, passes{0}, wrong{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; t++) {
        workers.emplace_back([&, t] {
            while (!stop) {
                for (size_t i = 0; i < kernels.size() && !stop; i++) {
                    const size_t k = (i + static_cast<size_t>(t) * 17) % kernels.size();
                    wrong += run(kernels[k], static_cast<int32_t>((i + static_cast<size_t>(passes)) % 4), expected[k]);
                    runs += 2;
                }
                passes++;
            }
        });
    }
    const auto sleep_until = [](Clock::time_point time) { std::this_thread::sleep_until(time); };
    const auto begin = Clock::now(), end = begin + std::chrono::seconds(seconds);
    while (passes < 2 * threads &&
           Clock::now() < begin + std::chrono::seconds(60)) {  // all memory that is kept is there
        sleep_until(Clock::now() + std::chrono::milliseconds(10));
    }
    const int64_t before = resident_kib();
    sleep_until(end);
    const int64_t after = resident_kib();
    stop = true;
    for (std::thread &worker : workers) {
        worker.join();
    }
    norma_shutdown();
    std::printf("%zu kernels, %lld runs, %lld passes, %lld wrong, %lld KiB then %lld KiB\n", kernels.size(),
                static_cast<long long>(runs), static_cast<long long>(passes), static_cast<long long>(wrong),
                static_cast<long long>(before), static_cast<long long>(after));
    return wrong == 0 && passes >= threads && after - before <= growth_allowed ? 0 : 1;
}
