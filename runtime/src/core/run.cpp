// SPDX-License-Identifier: MIT
// A run: validate, cut the rows in tasks or strips, and let workers share them. Small calls stay on the calling thread.
#include <string.h>

#include "errors.h"
#include "gradients.h"
#include "kernel_call.h"
#include "runtime/src/device/cpu/parallel.h"
#include "runtime/src/device/cuda/cuda_run.h"

namespace norma {
namespace {

using ll = long long;

constexpr size_t workspace_alignment = 64;

norma_status check_execution(const norma_execution &execution) {
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
    return NORMA_OK;
}

// The workspace: scratch of each worker, then the strips' sums.
int64_t scratch_size(const norma_plan &plan, const norma_execution &execution) {
    return plan.workspace_per_worker * most_workers(execution);
}

norma_status check_workspace(const norma_plan &plan, const norma_execution &execution, int64_t rows) {
    if (!needs_workspace(plan)) {
        return NORMA_OK;
    }
    const size_t needed = static_cast<size_t>(scratch_size(plan, execution) + strip_sums_size(plan, rows));
    if (needed == 0) {
        return NORMA_OK;
    }
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

// What the workers of a run share. Its items are strips where the kernel has column sums, else rows.
struct SharedRun {
    const Run &run;
    char *scratch;
    StripSums sums;
    Strips strips;
    Ranges ranges;
    std::atomic<int> error{0};
    char message[256] = "";
};

int run_strips(const SharedRun &shared, KernelCall &call, int64_t first, int64_t count) {
    int error = 0;
    for (int64_t strip = first; strip < first + count && error == 0; strip++) {
        const int64_t row = strip * shared.strips.rows_per_strip;
        call.start_strip(shared.sums.strip(strip), shared.sums.column_sum_bytes);
        error = call.run(row, smaller(shared.run.work.rows - row, shared.strips.rows_per_strip));
    }
    return error;
}

void run_worker(void *task_data, int64_t index) {
    SharedRun &shared = *static_cast<SharedRun *>(task_data);
    const int64_t scratch_bytes = shared.run.plan.workspace_per_worker;
    KernelCall call(shared.run, shared.scratch + index * scratch_bytes, scratch_bytes);
    int64_t first = 0, count = 0;
    while (shared.error == 0 && shared.ranges.take(&first, &count)) {
        const int error = shared.strips.count > 0 ? run_strips(shared, call, first, count) : call.run(first, count);
        int none = 0;
        if (error != 0 && shared.error.compare_exchange_strong(none, error)) {
            strcpy(shared.message, call.message());
        }
    }
}

norma_status run_validated(const norma_plan &plan, const norma_arguments &arguments, const norma_execution &execution,
                           const Work &work) {
    const Run run = {plan,
                     *plan.kernel,
                     arguments,
                     work,
                     choose_store_mode(plan, execution.store, work.rows),
                     rows_per_slice(plan, work)};
    char *workspace = static_cast<char *>(execution.workspace);
    const bool in_strips = plan.call.column_sum_count > 0;
    const Strips strips = in_strips ? cut_in_strips(work.rows, plan.hidden) : Strips{0, 0};
    const int64_t items = in_strips ? strips.count : work.rows, least = in_strips ? 1 : plan.rows_per_task;
    const int32_t workers = workers_for(execution, items, least);
    const StripSums sums = strip_sums(plan, in_strips ? workspace + scratch_size(plan, execution) : nullptr);
    if (plan.verbose >= Verbose::all) {
        verbose_line("run", "%s: %lld rows of %lld, %lld strips, %d workers, store mode %d, %lld rows per slice",
                     plan.kernel->name, ll{work.rows}, ll{plan.hidden}, ll{strips.count}, workers, run.store_mode,
                     ll{run.rows_per_slice});
    }
    if (workers == 1 && !in_strips) {  // small calls notice what the general way costs
        KernelCall call(run, workspace, plan.workspace_per_worker);
        const int error = call.run(0, work.rows);
        return error == 0 ? NORMA_OK : kernel_failed(plan, error, call.message());
    }
    SharedRun shared = {run, workspace, sums, strips, {items, items_per_range(items, least, workers)}};
    norma_status status = run_workers(execution, workers, run_worker, &shared);
    if (shared.error != 0) {
        return kernel_failed(plan, shared.error, shared.message);
    }
    return status || !in_strips ? status : add_strips(plan, work, execution, sums, strips.count);
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
    norma_status status = norma::check_execution(*execution);
    status = status ? status : norma::validate(*plan, arguments, &work);
    status = status ? status : norma::check_workspace(*plan, *execution, work.rows);
    if (status != NORMA_OK) {
        return status;
    }
    if (norma::on_cuda(*plan)) {
        return norma::run_on_cuda(*plan, *arguments, *execution, work);
    }
    if (work.rows > 0) {
        return norma::run_validated(*plan, *arguments, *execution, work);
    }
    return norma::add_strips(*plan, work, *execution, {}, 0);  // gradients of no rows
}

norma_status norma_plan_workspace_size(const norma_plan *plan, int64_t rows, int32_t threads, size_t *bytes) {
    if (!plan) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    if (!bytes) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "bytes is null; expected where to put the size");
    }
    if (rows < 0) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "rows is %lld; expected 0 or more", static_cast<long long>(rows));
    }
    if (threads < 0) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "threads is %d; expected 0 or more", threads);
    }
    norma_execution execution = {};
    execution.threads = threads;
    *bytes = static_cast<size_t>(norma::scratch_size(*plan, execution) + norma::strip_sums_size(*plan, rows));
    return NORMA_OK;
}
