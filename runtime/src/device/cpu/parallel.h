// SPDX-License-Identifier: MIT
// Sharing work among the threads of an execution.
#pragma once

#include <atomic>

#include "norma/norma.h"
#include "runtime/kernel_host/integers.h"

namespace norma {

// The items [0, count), handed out in ranges to workers that ask for more.
class Ranges {
public:
    Ranges(int64_t count, int64_t each) : count_(count), each_(each) {}

    // False when none is left.
    bool take(int64_t *first, int64_t *count) {
        *first = next_.fetch_add(each_);
        *count = smaller(count_ - *first, each_);
        return *count > 0;
    }

private:
    const int64_t count_, each_;
    std::atomic<int64_t> next_{0};
};

// How many workers share `count` items, when fewer than `least` are not worth one: at least 1.
int32_t workers_for(const norma_execution &execution, int64_t count, int64_t least);

// Items of a range, so that workers of unequal speed end together.
int64_t items_per_range(int64_t count, int64_t least, int32_t workers);

// Most workers of a run on so many threads: as many as the pool has, with 0.
int32_t most_workers(int32_t threads);

// Runs worker(data, i) once for each i in [0, workers) on the execution's threads; one worker on the calling thread.
// PARALLEL_FOR_FAILED when the caller's loop says so or did not do that.
norma_status run_workers(const norma_execution &execution, int32_t workers, norma_task worker, void *data);

}  // namespace norma
