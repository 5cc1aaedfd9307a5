// SPDX-License-Identifier: MIT
// A run: everything is checked and packed, which is binding a call, then the plan's device runs that.
#include <string.h>

#include "bound_call.h"
#include "errors.h"
#include "numbers.h"
#include "runtime/src/device/device.h"

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

// y is divided by it. In memory of a device nobody here can look.
norma_status check_given_scale(const norma_plan &plan, const Work &work) {
    if (plan.desc.scale != NORMA_SCALE_TENSOR || !plan.device->host_memory) {
        return NORMA_OK;
    }
    float scale = 0;
    memcpy(&scale, work.operands[tensor_index(Role::y_scale)].data, sizeof scale);
    return is_positive_and_finite(scale) ? NORMA_OK : refuse_number("y_scale", scale, "a finite number above 0");
}

const Kernel *choose_kernel(const norma_plan &plan, const Work &work) {
    return plan.device->choose_kernel ? plan.device->choose_kernel(plan, work) : plan.kernel;
}

norma_status bind(const norma_plan *plan, const norma_arguments *arguments, const norma_execution *execution,
                  norma_call *call) {
    if (!plan) {
        return fail(NORMA_INVALID_ARGUMENT, "plan is null");
    }
    execution = execution ? execution : &default_execution;
    Run &run = call->run;
    norma_status status = check_execution(*execution);
    status = status ? status : validate(*plan, arguments, &run.work);
    status = status ? status : check_workspace(*plan, *execution, run.work.rows);
    if (status != NORMA_OK) {
        return status;
    }
    run.plan = plan;
    run.kernel = choose_kernel(*plan, run.work);
    if (!run.kernel) {
        return NORMA_INVALID_ARGUMENT;
    }
    run.eps = arguments->eps;
    run.weight_offset = arguments->weight_offset;
    run.y_zero_point = static_cast<float>(arguments->y_zero_point);
    run.store_mode = StoreMode::ordinary;
    run.rows_per_slice = rows_per_slice(*plan, run.work);
    call->arguments = arguments;
    call->execution = *execution;
    call->moved = false;
    call->kernel_call.bind(run, static_cast<char *>(execution->workspace), plan->workspace_per_worker);
    return NORMA_OK;
}

norma_status run_first_rows(norma_call &call, int64_t rows) {
    const norma_plan &plan = *call.run.plan;
    const norma_status status = rows > 0 ? check_given_scale(plan, call.run.work) : NORMA_OK;
    if (status != NORMA_OK) {
        return status;
    }
    call.kernel_call.forget_failure();
    return plan.device->run(call, rows);
}

}  // namespace norma

norma_status norma_plan_run(const norma_plan *plan, const norma_arguments *arguments,
                            const norma_execution *execution) {
    norma_call call;
    const norma_status status = norma::bind(plan, arguments, execution, &call);
    return status ? status : norma::run_first_rows(call, call.run.work.rows);
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
