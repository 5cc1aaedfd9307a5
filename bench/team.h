// SPDX-License-Identifier: MIT
// Threads for the copies and the yardsticks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace norma::bench {

// A fixed number of threads, the calling one included. Idle ones spin for some microseconds, so that runs in close
// succession start at once, then sleep, so that they take no time from whoever is measured next.
class Team {
public:
    explicit Team(int threads);
    ~Team();
    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls task(t) once for each t in [0, size()), each on a thread of its own, task(0) on the calling one.
    void run(const std::function<void(int)> &task);

    // Splits `rows` rows of `hidden` elements to contiguous ranges, one a thread. As with Norma's kernels, no thread
    // gets less than some ten thousand elements, and small work stays on the calling thread.
    template <class Range>
    void run_rows(int64_t rows, int64_t hidden, const Range &range) {
        const int64_t threads = threads_for(rows, hidden);
        if (threads <= 1) {
            range(int64_t{0}, rows);
            return;
        }
        run([&](int t) {
            if (t < threads) {
                range(rows * t / threads, rows * (t + 1) / threads);
            }
        });
    }

private:
    int64_t threads_for(int64_t rows, int64_t hidden) const;
    void work(int index);

    std::vector<std::thread> workers_;
    std::atomic<uint64_t> round_{0};
    std::atomic<int> busy_{0};
    std::atomic<bool> stop_{false};
    const std::function<void(int)> *task_ = nullptr;
    std::mutex mutex_;
    std::condition_variable wake_;
};

}  // namespace norma::bench
