// SPDX-License-Identifier: MIT
// Threads: Norma's pool, the caller's, several callers at once.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"
#include "tests/support/writers.h"

namespace {

using namespace norma::test;

// A residual makes each worker need a workspace of its own.
CallSpec spec_with_many_tasks() {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32, NORMA_NONE, NORMA_F32);
    spec.hidden = 1100;
    spec.outer = {97};
    spec.threads = 4;
    return spec;
}

// Parallel loops of a caller, good and bad ones.
struct Loop {
    std::atomic<int64_t> calls{0};
    int64_t count = 0;
    std::mutex mutex;
    std::set<std::thread::id> threads;
};

int serial(void *context, int64_t count, norma_task task, void *data) {
    Loop &loop = *static_cast<Loop *>(context);
    loop.count = count;
    for (int64_t i = 0; i < count; i++) {
        task(data, i);
        loop.calls++;
    }
    return 0;
}

int backwards(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = count - 1; i >= 0; i--) {
        task(data, i);
    }
    return 0;
}

int one_thread_each(void *context, int64_t count, norma_task task, void *data) {
    Loop &loop = *static_cast<Loop *>(context);
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < count; i++) {
        threads.emplace_back([&loop, task, data, i] {
            {
                const std::lock_guard<std::mutex> lock(loop.mutex);
                loop.threads.insert(std::this_thread::get_id());
            }
            task(data, i);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    return 0;
}

int runs_and_fails(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = 0; i < count; i++) {
        task(data, i);
    }
    return 42;
}

int does_nothing(void *, int64_t, norma_task, void *) { return 0; }

int skips_the_last(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = 0; i + 1 < count; i++) {
        task(data, i);
    }
    return 0;
}

int runs_one_twice(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = 0; i < count; i++) {
        task(data, i);
    }
    task(data, 1);
    return 0;
}

int goes_too_far(void *, int64_t count, norma_task task, void *data) {
    for (int64_t i = -1; i <= count; i++) {
        task(data, i);
    }
    return 0;
}

struct BadLoop {
    norma_parallel_for loop;
    const char *words;
};

const BadLoop bad_loops[] = {
    {runs_and_fails, "execution.parallel_for returned 42"},
    {does_nothing, "execution.parallel_for did not run task 0 of 4"},
    {skips_the_last, "execution.parallel_for did not run task 3 of 4"},
    {runs_one_twice, "execution.parallel_for ran a task twice"},
    {goes_too_far, "or one outside of 0 to 3"},
};

norma_status run_with(Call &call, norma_parallel_for loop, void *context = nullptr) {
    const Environment environment("NORMA_GRAIN_SIZE", "1");
    call.execution.parallel_for = loop;
    call.execution.parallel_for_context = context;
    norma_plan *plan = nullptr;
    require_ok(norma_plan_create(&call.desc, &plan), "norma_plan_create");
    size_t bytes = 0;
    require_ok(norma_plan_workspace_size(plan, call.spec.rows(), call.spec.threads, &bytes),
               "norma_plan_workspace_size");
    call.give_workspace(bytes);
    const norma_status status = norma_plan_run(plan, &call.arguments, &call.execution);
    norma_plan_destroy(plan);
    return status;
}

}  // namespace

TEST_CASE("a parallel loop of the caller's runs the tasks", "[execution]") {
    Loop loop;
    Call a(spec_with_many_tasks());
    require_ok(run_with(a, serial, &loop), "serial");
    CHECK(a.check() == "");
    CHECK(loop.count == 4);
    CHECK(loop.calls == 4);
    a.restore();
    require_ok(run_with(a, backwards), "backwards");
    CHECK(a.check() == "");
    a.restore();
    require_ok(run_with(a, one_thread_each, &loop), "one_thread_each");
    CHECK(a.check() == "");
    CHECK(loop.threads.size() == 4);
}

TEST_CASE("a run on one thread does not call the caller's loop", "[execution]") {
    CallSpec spec = spec_with_many_tasks();
    spec.threads = 1;
    Loop loop;
    Call call(spec);
    require_ok(run_with(call, serial, &loop), "serial");
    CHECK(loop.calls == 0);
    CHECK(call.check() == "");
}

TEST_CASE("a parallel loop that misbehaves is an error, and the next run is fine", "[execution]") {
    for (const BadLoop &bad : bad_loops) {
        Call call(spec_with_many_tasks());
        const norma_status status = run_with(call, bad.loop);
        INFO(norma_last_error() << "; expected " << bad.words);
        CHECK(status == NORMA_PARALLEL_FOR_FAILED);
        CHECK(std::string(norma_last_error()).find(bad.words) != std::string::npos);
        call.restore();
        require_ok(run_with(call, backwards), "after a failure");
        CHECK(call.check() == "");
    }
}

TEST_CASE("the pool runs a large call on several threads", "[execution]") {
    require_ok(norma_set_num_threads(2), "norma_set_num_threads");
    const int64_t rows = 8192, hidden = 1024;  // a page each
    WatchedMemory memory(static_cast<size_t>(rows * hidden) * sizeof(float));
    std::vector<float> x(static_cast<size_t>(hidden), 1.0F);
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = NORMA_RMS_NORM_FORWARD;
    desc.x = NORMA_F32;
    desc.hidden = hidden;
    norma_arguments arguments = {};
    arguments.size = sizeof(arguments);
    arguments.x = {x.data(), NORMA_F32, {NORMA_CPU, 0}, 2, {rows, hidden}, {0, 1}};
    arguments.y = {memory.data(), NORMA_F32, {NORMA_CPU, 0}, 2, {rows, hidden}, {hidden, 1}};
    norma_execution execution = {};
    execution.size = sizeof(execution);
    for (int32_t threads : {1, 2}) {
        memory.watch();
        execution.threads = threads;
        require_ok(norma_run(&desc, &arguments, &execution), "norma_run");
        CHECK(memory.writers().size() == static_cast<size_t>(threads));
    }
}

TEST_CASE("one plan runs on eight threads at once", "[execution]") {
    const Environment environment("NORMA_GRAIN_SIZE", "5000");
    CallSpec spec = spec_with_many_tasks();
    spec.threads = 2;
    norma_plan *plan = nullptr;
    const norma_plan_desc desc = describe(spec);
    require_ok(norma_plan_create(&desc, &plan), "norma_plan_create");
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++) {
        threads.emplace_back([&, t] {
            CallSpec own = spec;
            own.outer = {20 + 11 * t};
            Call call(own);
            for (int i = 0; i < 20; i++) {
                call.restore();
                size_t bytes = 0;
                norma_plan_workspace_size(plan, own.rows(), own.threads, &bytes);
                call.give_workspace(bytes);
                good += norma_plan_run(plan, &call.arguments, &call.execution) == NORMA_OK && call.check().empty();
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    norma_plan_destroy(plan);
    CHECK(good == 8 * 20);
}

TEST_CASE("a run may be part of another parallel loop", "[execution]") {
    // Each task of the outer run normalizes on its own with the pool.
    const auto nested = [](void *context, int64_t count, norma_task task, void *data) {
        Call &inner = *static_cast<Call *>(context);
        for (int64_t i = 0; i < count; i++) {
            inner.restore();
            if (run_with(inner, nullptr) != NORMA_OK) {
                return 1;
            }
            task(data, i);
        }
        return 0;
    };
    CallSpec spec = spec_with_many_tasks();
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_F32);
    Call outer(spec);
    std::string problem;
    std::thread([&] {
        Call inner(spec_with_many_tasks());
        if (run_with(outer, nested, &inner) != NORMA_OK) {
            problem = norma_last_error();
        }
        problem += inner.check();
    }).join();
    CHECK(problem == "");
    CHECK(outer.check() == "");
}

TEST_CASE("the number of threads", "[execution]") {
    require_ok(norma_set_num_threads(0), "0");  // whatever the cases before this one have set
    const int32_t before = norma_get_num_threads();
    CHECK(before >= 1);
    for (int32_t bad : {-1, 1 << 20}) {
        CHECK(norma_set_num_threads(bad) == NORMA_INVALID_ARGUMENT);
        CHECK(std::string(norma_last_error()).find("threads is " + std::to_string(bad)) == 0);
        CHECK(norma_get_num_threads() == before);
    }
    require_ok(norma_set_num_threads(3), "3");
    CHECK(norma_get_num_threads() == 3);
    require_ok(norma_set_num_threads(0), "0");
    CHECK(norma_get_num_threads() == before);
}

TEST_CASE("after norma_shutdown everything works again", "[execution]") {
    Call call(spec_with_many_tasks());
    for (int i = 0; i < 3; i++) {
        call.restore();
        require_ok(run_with(call, nullptr), "run");
        CHECK(call.check() == "");
        norma_shutdown();
    }
}

TEST_CASE("a child after fork runs on one thread", "[execution]") {
    Call call(spec_with_many_tasks());
    require_ok(run_with(call, nullptr), "before fork");
    call.restore();
    call.spec.threads = call.execution.threads = 1;
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        _exit(run_with(call, nullptr) == NORMA_OK && call.check().empty() ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("messages belong to their thread", "[execution]") {
    CHECK(norma_plan_create(nullptr, nullptr) == NORMA_INVALID_ARGUMENT);
    const std::string message = norma_last_error();
    CHECK(message != "");
    std::string other = "unset", after = "unset";
    std::thread([&] {
        other = norma_last_error();
        norma_plan_cache_set_capacity(-5);
        after = norma_last_error();
    }).join();
    CHECK(other == "");
    CHECK(after.find("plans is -5") == 0);
    CHECK(norma_last_error() == message);
}
