// SPDX-License-Identifier: MIT
// The pool alone: loops of tasks that are not kernels, and a pthread_create that fails when told to (the linker wraps
// it).
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "runtime/src/device/cpu/pool.h"
#include "tests/support/catch.h"

namespace {

std::atomic<int> allowed{1 << 20}, created{0};  // threads of the pool

}  // namespace

extern "C" {

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    if (allowed-- <= 0) {
        return EAGAIN;
    }
    created++;
    return __real_pthread_create(thread, attributes, start, argument);
}
}

namespace {

using Task = std::function<void(int64_t)>;

void run(int64_t count, const Task &task) {
    const auto call = [](void *data, int64_t index) { (*static_cast<const Task *>(data))(index); };
    norma::pool_parallel_for(nullptr, count, call, const_cast<Task *>(&task));
}

// Each index once.
bool runs_each_once(int64_t count) {
    std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
    run(count, [&](int64_t index) { calls[static_cast<size_t>(index)]++; });
    bool once = true;
    for (const std::atomic<int> &call : calls) {
        once = once && call == 1;
    }
    return once;
}

// As many tasks as there are to be threads, each of which waits for all others to have begun.
std::set<std::thread::id> threads_of(int64_t count) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::atomic<int64_t> begun{0};
    run(count, [&](int64_t) {
        {
            const std::lock_guard<std::mutex> lock(mutex);
            threads.insert(std::this_thread::get_id());
        }
        begun++;
        while (begun < count) {
            std::this_thread::yield();
        }
    });
    return threads;
}

// A pool of so many, without threads yet.
struct Fresh {
    explicit Fresh(int32_t threads) {
        norma_set_num_threads(threads);
        norma::shut_down_pool();
        created = 0;
    }
    ~Fresh() {
        norma::shut_down_pool();
        allowed = 1 << 20;
    }
};

}  // namespace

TEST_CASE("each task runs once, and no thread more than asked for is made", "[pool]") {
    const Fresh fresh(4);
    CHECK(runs_each_once(1));
    CHECK(created == 0);
    CHECK(runs_each_once(2));
    CHECK(created == 1);
    for (int i = 0; i < 1000; i++) {
        REQUIRE(runs_each_once(1 + i % 9));
    }
    CHECK(created == 3);
    CHECK(threads_of(4).size() == 4);
    CHECK(created == 3);
}

TEST_CASE("loops in loops, and of several callers", "[pool]") {
    const Fresh fresh(3);
    std::atomic<int64_t> sum{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 6; t++) {
        callers.emplace_back([&] {
            for (int i = 0; i < 50; i++) {
                run(4, [&](int64_t a) {
                    run(3, [&](int64_t b) { run(2, [&](int64_t c) { sum += 100 * a + 10 * b + c; }); });
                });
            }
        });
    }
    for (std::thread &caller : callers) {
        caller.join();
    }
    // Each a 6 times, each b 8 times, each c 12 times.
    CHECK(sum == 6 * 50 * (100 * 6 * 6 + 10 * 8 * 3 + 12 * 1));
    CHECK(created == 2);
}

TEST_CASE("without threads the callers do it all, and with too few those that there are", "[pool]") {
    const Fresh fresh(8);
    allowed = 0;
    CHECK(runs_each_once(20));
    CHECK(created == 0);
    allowed = 2;
    CHECK(runs_each_once(20));
    CHECK(created == 2);
    CHECK(threads_of(3).size() == 3);
    allowed = 100;
    CHECK(threads_of(8).size() == 8);
    CHECK(created == 7);
}

TEST_CASE("the pool after another number of threads and after its end", "[pool]") {
    const Fresh fresh(2);
    for (int32_t threads : {2, 5, 3, 1, 4}) {
        norma_set_num_threads(threads);
        for (int i = 0; i < 2; i++) {
            CHECK(threads_of(threads).size() == static_cast<size_t>(threads));
            created = 0;
            CHECK(threads_of(threads).size() == static_cast<size_t>(threads));
            CHECK(created == 0);
            CHECK(runs_each_once(10));
            norma::shut_down_pool();
        }
        norma::shut_down_pool();
    }
}

TEST_CASE("threads of the pool take no signals but their faults, and callers keep theirs", "[pool]") {
    const Fresh fresh(3);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> begun{0}, blocked{0};
    run(3, [&](int64_t) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked += std::this_thread::get_id() != caller && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1) &&
                   !sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGBUS);
        begun++;
        while (begun < 3) {
            std::this_thread::yield();
        }
    });
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    CHECK(blocked == 2);
    CHECK(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM));
}

TEST_CASE("a child has a pool of its own, whatever the parent's is doing", "[pool]") {
    const Fresh fresh(3);
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (int t = 0; t < 2; t++) {
        callers.emplace_back([&] {
            while (!stop) {
                runs_each_once(5);
            }
        });
    }
    int bad = 0;
    for (int i = 0; i < 200 && bad == 0; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            const bool good = threads_of(3).size() == 3 && runs_each_once(9);
            norma::shut_down_pool();
            _exit(good && threads_of(3).size() == 3 ? 0 : 1);
        }
        waitpid(child, &bad, 0);
    }
    stop = true;
    for (std::thread &caller : callers) {
        caller.join();
    }
    CHECK(bad == 0);
}
