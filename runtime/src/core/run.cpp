// SPDX-License-Identifier: MIT
// A run: everything is checked, then the plan's device does it.
#include "errors.h"
#include "runtime/src/device/device.h"
#include "work.h"

namespace norma {
namespace {

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

norma_status check_workspace(const norma_plan &plan, const norma_execution &execution, int64_t rows) {
    if (!needs_workspace(plan)) {
        return NORMA_OK;
    }
    const size_t needed = static_cast<size_t>(plan.device->workspace_size(plan, rows, execution.threads));
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
    return plan->device->run(*plan, *arguments, *execution, work);
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
    *bytes = static_cast<size_t>(plan->device->workspace_size(*plan, rows, threads));
    return NORMA_OK;
}
