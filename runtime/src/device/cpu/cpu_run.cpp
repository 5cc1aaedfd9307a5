// SPDX-License-Identifier: MIT
#include "cpu_run.h"

#include <string.h>

#include "float_environment.h"
#include "gradients.h"
#include "parallel.h"
#include "runtime/src/core/errors.h"
#include "runtime/src/core/kernel_call.h"
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
    const int64_t rows = smaller(shared.run.work.rows - first, shared.strips.rows_per_strip);
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
    const FloatEnvironment standard;
    SharedRun &shared = *static_cast<SharedRun *>(task_data);
    char *scratch = shared.scratch + index * shared.scratch_per_worker;
    const int64_t kernel_bytes = shared.run.plan.workspace_per_worker;
    KernelCall call(shared.run, scratch, kernel_bytes);
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

norma_status run_rows(const norma_plan &plan, const norma_arguments &arguments, const norma_execution &execution,
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
    const StripSums sums =
        strip_sums(plan, in_strips ? workspace + scratch_size(plan, work.rows, execution.threads) : nullptr);
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
    SharedRun shared = {run,  workspace, scratch_per_worker(plan, work.rows),
                        sums, strips,    {items, items_per_range(items, least, workers)}};
    norma_status status = run_workers(execution, workers, run_worker, &shared);
    if (shared.error != 0) {
        return kernel_failed(plan, shared.error, shared.message);
    }
    return status || !in_strips ? status : add_strips(plan, work, execution, sums, strips.count);
}

}  // namespace

int64_t cpu_workspace_size(const norma_plan &plan, int64_t rows, int32_t threads) {
    const int64_t sums = rows == 0 ? 0 : strip_sums(plan, nullptr).strip_bytes * most_strips_of(rows, plan.hidden);
    return scratch_size(plan, rows, threads) + sums;
}

norma_status run_on_cpu(const norma_plan &plan, const norma_arguments &arguments, const norma_execution &execution,
                        const Work &work) {
    const FloatEnvironment standard;
    return work.rows > 0 ? run_rows(plan, arguments, execution, work)
                         : add_strips(plan, work, execution, {}, 0);  // gradients of no rows
}

}  // namespace norma
