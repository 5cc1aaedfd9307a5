// SPDX-License-Identifier: MIT
// A run: validate, cut the rows in tasks, and let workers share them. Small calls stay on the calling thread.
#include <string.h>

#include <atomic>

#include "errors.h"
#include "kernel_call.h"

namespace norma {
namespace {

using ll = long long;

constexpr size_t workspace_alignment = 64;
constexpr int64_t most_rounds = 16;  // tasks for each worker: enough for workers of unequal speed to end together

// Most workers of a run: as many as the pool has threads.
int32_t most_workers(const norma_execution &execution) {
    const int32_t threads = execution.threads > 0 ? execution.threads : norma_get_num_threads();
    return threads < max_pool_threads ? threads : max_pool_threads;
}

norma_status check_execution(const norma_plan &plan, const norma_execution &execution) {
    if (execution.size < sizeof(norma_execution)) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.size is %zu; expected sizeof(norma_execution) (%zu)",
                    execution.size, sizeof(norma_execution));
    }
    if (execution.threads < 0) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.threads is %d; expected 0 or more", execution.threads);
    }
    if (execution.store < NORMA_STORE_AUTO || execution.store > NORMA_STORE_STREAMING) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.store is %d; expected NORMA_STORE_AUTO, _ORDINARY or _STREAMING",
                    static_cast<int>(execution.store));
    }
    if (plan.workspace_per_worker == 0) {
        return NORMA_OK;
    }
    const size_t needed = static_cast<size_t>(plan.workspace_per_worker) * static_cast<size_t>(most_workers(execution));
    if (!execution.workspace) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.workspace is null; expected %zu bytes", needed);
    }
    if (execution.workspace_size < needed) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.workspace_size is %zu; expected at least %zu",
                    execution.workspace_size, needed);
    }
    if (reinterpret_cast<uintptr_t>(execution.workspace) % workspace_alignment != 0) {
        return fail(NORMA_INVALID_ARGUMENT, "execution.workspace is %p; expected a multiple of %zu",
                    execution.workspace, workspace_alignment);
    }
    return NORMA_OK;
}

int32_t choose_store_mode(const norma_plan &plan, norma_store store, int64_t rows) {
    const bool streaming = store == NORMA_STORE_AUTO ? rows >= plan.streaming_rows : store == NORMA_STORE_STREAMING;
    return streaming ? plan.streaming_mode : StoreMode::ordinary;
}

norma_status kernel_failed(const norma_plan &plan, int error, const char *message) {
    return fail(NORMA_INTERNAL, "kernel %s returned %d: %s", plan.kernel->name, error, message);
}

// Workers pull tasks from one counter, so it does not matter which of them run at the same time.
struct SharedRun {
    const Run &run;
    char *workspace;
    int64_t rows_per_task;
    int32_t workers;
    std::atomic<int64_t> next{0};
    std::atomic<int> error{0};
    std::atomic<bool> misused{false};  // by the caller's parallel_for
    std::atomic<bool> started[max_pool_threads] = {};
    char message[256] = "";
};

void run_worker(void *task_data, int64_t index) {
    SharedRun &shared = *static_cast<SharedRun *>(task_data);
    if (index < 0 || index >= shared.workers || shared.started[index].exchange(true)) {
        shared.misused = true;
        return;
    }
    const Run &run = shared.run;
    const int64_t scratch_bytes = run.plan.workspace_per_worker;
    KernelCall call(run, shared.workspace + index * scratch_bytes, scratch_bytes);
    while (shared.error == 0) {
        const int64_t first = shared.next.fetch_add(shared.rows_per_task);
        if (first >= run.work.rows) {
            return;
        }
        const int64_t rest = run.work.rows - first;
        const int error = call.run(first, rest < shared.rows_per_task ? rest : shared.rows_per_task);
        int none = 0;
        if (error != 0 && shared.error.compare_exchange_strong(none, error)) {
            strcpy(shared.message, call.message());
        }
    }
}

norma_status run_parallel(const Run &run, const norma_execution &execution, int64_t rows_per_task, int32_t workers) {
    SharedRun shared = {run, static_cast<char *>(execution.workspace), rows_per_task, workers};
    const norma_parallel_for loop = execution.parallel_for ? execution.parallel_for : pool_parallel_for;
    const int result = loop(execution.parallel_for_context, workers, run_worker, &shared);
    if (shared.error != 0) {
        return kernel_failed(run.plan, shared.error, shared.message);
    }
    if (result != 0) {
        return fail(NORMA_PARALLEL_FOR_FAILED, "execution.parallel_for returned %d; expected 0", result);
    }
    if (shared.misused) {
        return fail(NORMA_PARALLEL_FOR_FAILED,
                    "execution.parallel_for ran a task twice, or one outside of 0 to %d; expected each once",
                    workers - 1);
    }
    for (int32_t i = 0; i < workers; i++) {
        if (!shared.started[i]) {
            return fail(NORMA_PARALLEL_FOR_FAILED,
                        "execution.parallel_for did not run task %d of %d; expected each once", i, workers);
        }
    }
    return NORMA_OK;
}

norma_status run_validated(const norma_plan &plan, const norma_arguments &arguments, const norma_execution &execution,
                           const Work &work) {
    const Run run = {plan, arguments, work, choose_store_mode(plan, execution.store, work.rows),
                     rows_per_slice(plan, work)};
    int32_t workers = 1;
    int64_t rows_per_task = work.rows;
    if (work.rows / 2 >= plan.rows_per_task && execution.threads != 1) {
        const int64_t most_tasks = work.rows / plan.rows_per_task;
        const int32_t most = most_workers(execution);
        workers = most_tasks < most ? static_cast<int32_t>(most_tasks) : most;
        int64_t rounds = most_tasks / workers;
        rounds = rounds < most_rounds ? rounds : most_rounds;
        rows_per_task = (work.rows + workers * rounds - 1) / (workers * rounds);
    }
    if (plan.verbose >= Verbose::all) {
        verbose_line("run", "%s: %lld rows of %lld, %d workers, store mode %d, %lld rows per slice", plan.kernel->name,
                     ll{work.rows}, ll{plan.hidden}, workers, run.store_mode, ll{run.rows_per_slice});
    }
    if (workers > 1) {
        return run_parallel(run, execution, rows_per_task, workers);
    }
    KernelCall call(run, static_cast<char *>(execution.workspace), plan.workspace_per_worker);
    const int error = call.run(0, work.rows);
    return error == 0 ? NORMA_OK : kernel_failed(plan, error, call.message());
}

}  // namespace
}  // namespace norma

norma_status norma_plan_run(const norma_plan *plan, const norma_arguments *arguments,
                            const norma_execution *execution) {
    static constexpr norma_execution default_execution = {
        sizeof(norma_execution), 0, nullptr, nullptr, nullptr, nullptr, 0, NORMA_STORE_AUTO};
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    execution = execution ? execution : &default_execution;
    norma::Work work;
    norma_status status = norma::check_execution(*plan, *execution);
    status = status ? status : norma::validate(*plan, arguments, &work);
    if (status != NORMA_OK || work.rows == 0) {
        return status;
    }
    return norma::run_validated(*plan, *arguments, *execution, work);
}

norma_status norma_plan_workspace_size(const norma_plan *plan, int32_t threads, size_t *bytes) {
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    if (!bytes) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "bytes is null; expected where to put the size");
    }
    if (threads < 0) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "threads is %d; expected 0 or more", threads);
    }
    norma_execution execution = {};
    execution.threads = threads;
    *bytes = static_cast<size_t>(plan->workspace_per_worker) * static_cast<size_t>(norma::most_workers(execution));
    return NORMA_OK;
}
