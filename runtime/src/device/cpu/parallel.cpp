// SPDX-License-Identifier: MIT
#include "parallel.h"

#include "float_environment.h"
#include "pool.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

constexpr int64_t most_rounds = 16;  // ranges for each worker

struct Loop {
    norma_task worker;
    void *data;
    int32_t workers;
    std::atomic<bool> misused{false};
    std::atomic<bool> started[max_pool_threads] = {};
};

void run_once(void *task_data, int64_t index) {
    Loop &loop = *static_cast<Loop *>(task_data);
    if (index < 0 || index >= loop.workers || loop.started[index].exchange(true)) {
        loop.misused = true;
        return;
    }
    const FloatEnvironment standard;
    loop.worker(loop.data, index);
}

}  // namespace

int32_t most_workers(int32_t threads) {
    threads = threads > 0 ? threads : norma_get_num_threads();
    return threads < max_pool_threads ? threads : max_pool_threads;
}

int32_t workers_for(const norma_execution &execution, int64_t count, int64_t least) {
    if (count / 2 < least || execution.threads == 1) {
        return 1;
    }
    return static_cast<int32_t>(smaller(count / least, most_workers(execution.threads)));
}

int64_t items_per_range(int64_t count, int64_t least, int32_t workers) {
    const int64_t rounds = smaller(count / least / workers, most_rounds);
    return divide_up(count, workers * (rounds > 1 ? rounds : 1));
}

norma_status run_workers(const norma_execution &execution, int32_t workers, norma_task worker, void *data) {
    if (workers == 1) {
        const FloatEnvironment standard;
        worker(data, 0);
        return NORMA_OK;
    }
    Loop loop = {worker, data, workers};
    const norma_parallel_for parallel_for = execution.parallel_for ? execution.parallel_for : pool_parallel_for;
    const int result = parallel_for(execution.parallel_for_context, workers, run_once, &loop);
    if (result != 0) {
        return fail(NORMA_PARALLEL_FOR_FAILED, "execution.parallel_for returned %d; expected 0", result);
    }
    if (loop.misused) {
        return fail(NORMA_PARALLEL_FOR_FAILED,
                    "execution.parallel_for ran a task twice, or one outside of 0 to %d; expected each once",
                    workers - 1);
    }
    for (int32_t i = 0; i < workers; i++) {
        if (!loop.started[i]) {
            return fail(NORMA_PARALLEL_FOR_FAILED,
                        "execution.parallel_for did not run task %d of %d; expected each once", i, workers);
        }
    }
    return NORMA_OK;
}

}  // namespace norma
