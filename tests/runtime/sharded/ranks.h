// SPDX-License-Identifier: MIT
// Ranks as threads of one process, with an exchange that can fail as real ones do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "norma/sharded.h"

namespace norma::test {

class Ranks {
public:
    explicit Ranks(int32_t count) : sent_(static_cast<size_t>(count)) {}

    int32_t count() const { return static_cast<int32_t>(sent_.size()); }

    std::chrono::milliseconds patience{20000};  // with a rank that does not come
    std::function<int(int32_t rank)> fault;     // what an exchange returns, unless 0, after it has taken part

    // Runs `rank` of each; returns when all have.
    void run(const std::function<void(int32_t)> &rank) {
        std::vector<std::thread> threads;
        for (int32_t i = 0; i < count(); i++) {
            threads.emplace_back([&rank, i] { rank(i); });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
    }

    static int exchange(void *communicator, const norma_exchange_request *request) {
        return static_cast<Ranks *>(communicator)->exchange(*request);
    }

private:
    int exchange(const norma_exchange_request &request) {
        std::unique_lock<std::mutex> lock(mutex_);
        const auto *begin = static_cast<const double *>(request.send);
        sent_[static_cast<size_t>(request.rank)].assign(begin, begin + request.count);
        const int round = round_;
        if (++arrived_ == request.ranks) {
            arrived_ = 0;
            round_++;
            everyone_.notify_all();
        } else if (!everyone_.wait_for(lock, patience, [&] { return round_ != round; })) {
            arrived_--;
            return 110;
        }
        auto *to = static_cast<double *>(request.receive);
        const bool reduce = request.kind == NORMA_ALL_REDUCE;
        for (size_t rank = 0; rank < sent_.size(); rank++) {
            for (size_t i = 0; i < sent_[rank].size(); i++) {
                const double value = sent_[rank][i];
                double &at = to[reduce ? i : rank * sent_[rank].size() + i];
                at = reduce && rank > 0 ? at + value : value;
            }
        }
        // No one sends anew before all have read.
        const int next = round_;
        if (++arrived_ == request.ranks) {
            arrived_ = 0;
            round_++;
            everyone_.notify_all();
        } else {
            everyone_.wait(lock, [&] { return round_ != next; });
        }
        return fault ? fault(request.rank) : 0;
    }

    std::mutex mutex_;
    std::condition_variable everyone_;
    std::vector<std::vector<double>> sent_;
    int arrived_ = 0, round_ = 0;
};

}  // namespace norma::test
