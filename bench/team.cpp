// SPDX-License-Identifier: MIT
#include "team.h"

#include <algorithm>
#include <chrono>

namespace norma::bench {
namespace {

constexpr std::chrono::microseconds spin_time(30);
constexpr int64_t min_elements = 32768;  // of a thread

}  // namespace

Team::Team(int threads) {
    for (int t = 1; t < threads; t++) {
        workers_.emplace_back([this, t] { work(t); });
    }
}

Team::~Team() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        stop_ = true;
        round_++;
    }
    wake_.notify_all();
    for (std::thread &worker : workers_) {
        worker.join();
    }
}

void Team::work(int index) {
    uint64_t seen = 0;
    for (;;) {
        const auto sleep_at = std::chrono::steady_clock::now() + spin_time;
        while (round_ == seen && std::chrono::steady_clock::now() < sleep_at) {
            std::this_thread::yield();  // to the caller, should there be one core for both
        }
        if (round_ == seen) {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return round_ != seen; });
        }
        seen++;
        if (stop_) {
            return;
        }
        (*task_)(index);
        busy_--;
    }
}

void Team::run(const std::function<void(int)> &task) {
    if (!workers_.empty()) {
        task_ = &task;
        busy_ = static_cast<int>(workers_.size());
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            round_++;
        }
        wake_.notify_all();
    }
    task(0);
    while (busy_ > 0) {
        std::this_thread::yield();
    }
}

int64_t Team::threads_for(int64_t rows, int64_t hidden) const {
    return std::min<int64_t>({size(), rows, 1 + rows * hidden / min_elements});
}

}  // namespace norma::bench
