// SPDX-License-Identifier: MIT
#include "cpu_run.h"

#include <string.h>

#include "float_environment.h"
#include "gradients.h"
#include "parallel.h"
#include "runtime/src/core/bound_call.h"
#include "runtime/src/core/errors.h"
#include "strip_total.h"
#include "strips.h"

namespace norma {
namespace {

using ll = long long;

// Of a worker: what its kernel needs, then the total of its strip.
int64_t scratch_per_worker(const norma_plan &plan, int64_t rows) {
    const bool in_strips = plan.call.column_sum_count > 0;
    return plan.workspace_per_worker + (in_strips ? StripTotal::bytes(strip_sums(plan, nullptr), rows) : 0);
}

int64_t scratch_size(const norma_plan &plan, int64_t rows, int32_t threads) {
    return scratch_per_worker(plan, rows) * most_workers(threads);
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
    int64_t rows;
    KernelCall &first_call;  // of the first worker
    char *scratch;
    int64_t scratch_per_worker;
    StripSums sums;
    Strips strips;
    Ranges ranges;
    std::atomic<int> error{0};
    char message[256] = "";
};

int run_strip(const SharedRun &shared, KernelCall &call, StripTotal &total, int64_t strip) {
    const int64_t first = strip * shared.strips.rows_per_strip, bytes = shared.sums.column_sum_bytes;
    const int64_t rows = smaller(shared.rows - first, shared.strips.rows_per_strip);
    char *sums = shared.sums.strip(strip);
    if (rows <= rows_per_chunk) {
        call.start_strip(sums, bytes);
        return call.run(first, rows);
    }
    total.clear();
    for (int64_t row = 0; row < rows; row += rows_per_chunk) {
        call.start_strip(total.chunk(), bytes);
        const int error = call.run(first + row, smaller(rows - row, rows_per_chunk));
        if (error != 0) {
            return error;
        }
        total.add_chunk();
    }
    total.round_to(sums);
    return 0;
}

int run_strips(const SharedRun &shared, KernelCall &call, StripTotal &total, int64_t first, int64_t count) {
    int error = 0;
    for (int64_t strip = first; strip < first + count && error == 0; strip++) {
        error = run_strip(shared, call, total, strip);
    }
    return error;
}

void run_worker(void *task_data, int64_t index) {
    SharedRun &shared = *static_cast<SharedRun *>(task_data);
    char *scratch = shared.scratch + index * shared.scratch_per_worker;
    const int64_t kernel_bytes = shared.run.plan->workspace_per_worker;
    KernelCall own_call;
    KernelCall &call = index == 0 ? shared.first_call : own_call;
    if (index != 0) {
        call.bind(shared.run, scratch, kernel_bytes);
    }
    StripTotal total(shared.sums, scratch + kernel_bytes);
    int64_t first = 0, count = 0;
    while (shared.error == 0 && shared.ranges.take(&first, &count)) {
        const int error =
            shared.strips.count > 0 ? run_strips(shared, call, total, first, count) : call.run(first, count);
        int none = 0;
        if (error != 0 && shared.error.compare_exchange_strong(none, error)) {
            strcpy(shared.message, call.message());
        }
    }
}

norma_status run_in_parallel(norma_call &call, int64_t rows, const Strips &strips, int64_t items, int64_t least,
                             int32_t workers) {
    const norma_plan &plan = *call.run.plan;
    char *workspace = static_cast<char *>(call.execution.workspace);
    const bool in_strips = strips.count > 0;
    const StripSums sums =
        strip_sums(plan, in_strips ? workspace + scratch_size(plan, rows, call.execution.threads) : nullptr);
    SharedRun shared = {call.run,
                        rows,
                        call.kernel_call,
                        workspace,
                        scratch_per_worker(plan, rows),
                        sums,
                        strips,
                        {items, items_per_range(items, least, workers)}};
    const norma_status status = run_workers(call.execution, workers, run_worker, &shared);
    if (shared.error != 0) {
        return kernel_failed(plan, shared.error, shared.message);
    }
    return status || !in_strips ? status : add_strips(plan, call.run.work, call.execution, sums, strips.count);
}

norma_status run_rows(norma_call &call, int64_t rows) {
    const norma_plan &plan = *call.run.plan;
    call.run.store_mode = choose_store_mode(plan, call.execution.store, rows);
    const bool in_strips = plan.call.column_sum_count > 0;
    const Strips strips = in_strips ? cut_in_strips(rows, plan.row_elements) : Strips{0, 0};
    const int64_t items = in_strips ? strips.count : rows, least = in_strips ? 1 : plan.rows_per_task;
    const int32_t workers = workers_for(call.execution, items, least);
    if (plan.verbose >= Verbose::all) {
        verbose_line("run", "%s: %lld rows of %lld, %lld strips, %d workers, store mode %d, %lld rows per slice",
                     plan.kernel->name, ll{rows}, ll{plan.hidden}, ll{strips.count}, workers, call.run.store_mode,
                     ll{call.run.rows_per_slice});
    }
    if (workers > 1 || in_strips) {
        return run_in_parallel(call, rows, strips, items, least, workers);
    }
    const FloatEnvironment standard;
    const int error = call.kernel_call.run(0, rows);  // small calls notice what the general way costs
    return error == 0 ? NORMA_OK : kernel_failed(plan, error, call.kernel_call.message());
}

}  // namespace

int64_t cpu_workspace_size(const norma_plan &plan, int64_t rows, int32_t threads) {
    const int64_t sums =
        rows == 0 ? 0 : strip_sums(plan, nullptr).strip_bytes * most_strips_of(rows, plan.row_elements);
    return scratch_size(plan, rows, threads) + sums;
}

norma_status run_on_cpu(norma_call &call, int64_t rows) {
    return rows > 0 ? run_rows(call, rows)
                    : add_strips(*call.run.plan, call.run.work, call.execution, {}, 0);  // gradients of no rows
}

}  // namespace norma
