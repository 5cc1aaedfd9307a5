// SPDX-License-Identifier: MIT
// A small pool of threads, as an application may have one of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

class Pool {
public:
    explicit Pool(int threads) {
        for (int i = 0; i < threads; i++) {
            threads_.emplace_back([this] { serve(); });
        }
    }
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;
    ~Pool() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (std::thread &thread : threads_) {
            thread.join();
        }
    }

    // Calls task(0) ... task(count - 1) on the pool's threads and returns when all are done. One caller at a time.
    void run(int64_t count, const std::function<void(int64_t)> &task) {
        std::unique_lock<std::mutex> lock(mutex_);
        task_ = &task;
        next_ = 0;
        count_ = left_ = count;
        wake_.notify_all();
        done_.wait(lock, [this] { return left_ == 0; });
        task_ = nullptr;
    }

private:
    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return stop_ || (task_ && next_ < count_); });
            if (stop_) {
                return;
            }
            const int64_t index = next_++;
            const std::function<void(int64_t)> &task = *task_;
            lock.unlock();
            task(index);
            lock.lock();
            if (--left_ == 0) {
                done_.notify_one();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    const std::function<void(int64_t)> *task_ = nullptr;
    int64_t next_ = 0, count_ = 0, left_ = 0;
    bool stop_ = false;
    std::vector<std::thread> threads_;
};
