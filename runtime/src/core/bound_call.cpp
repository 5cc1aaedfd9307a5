// SPDX-License-Identifier: MIT
// norma_bind and what a caller does with the call: runs of its first rows, and of other data.
#include "bound_call.h"

#include <stdlib.h>

#include "errors.h"

namespace norma {
namespace {

// A call that outlives what it was made of.
struct OwnedCall : norma_call {
    norma_arguments own_arguments;
};

norma_status move_data(OwnedCall &call, int index, void *data) {
    Run &run = call.run;
    const norma_plan &plan = *run.plan;
    if (plan.dtypes[index] == NORMA_NONE) {
        return fail(NORMA_INVALID_ARGUMENT, "role is %d, which is %s; expected a tensor that the call has", index + 1,
                    tensor_roles[index].name);
    }
    Work::Operand &operand = run.work.operands[index];
    const norma_status status = check_data(plan, index, data, operand.bytes);
    if (status != NORMA_OK) {
        return status;
    }
    char *const before = operand.data;
    operand.data = static_cast<char *>(data);
    const Kernel *kernel = choose_kernel(plan, run.work);
    if (!kernel) {
        operand.data = before;
        return NORMA_INVALID_ARGUMENT;
    }
    run.kernel = kernel;
    tensor_of(call.own_arguments, index).data = data;
    call.moved = true;
    call.kernel_call.take_data(index);
    return NORMA_OK;
}

}  // namespace
}  // namespace norma

norma_status norma_bind(const norma_plan *plan, const norma_arguments *arguments, const norma_execution *execution,
                        norma_call **call) {
    if (!call) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "call is null; expected where to put the call");
    }
    *call = nullptr;
    norma_execution own = norma::default_execution;
    if (!execution || execution->size >= sizeof(norma_execution)) {  // else it is refused
        own = execution ? *execution : own;
        own.threads = own.threads != 0 ? own.threads : norma_get_num_threads();
        execution = &own;
    }
    norma::OwnedCall *owned = static_cast<norma::OwnedCall *>(malloc(sizeof(norma::OwnedCall)));
    if (!owned) {
        return norma::fail(NORMA_OUT_OF_MEMORY, "no memory for a call");
    }
    const norma_status status = norma::bind(plan, arguments, execution, owned);
    if (status != NORMA_OK) {
        free(owned);
        return status;
    }
    owned->own_arguments = *arguments;
    owned->arguments = &owned->own_arguments;
    *call = owned;
    return NORMA_OK;
}

norma_status norma_call_run(norma_call *call, int64_t rows) {
    if (!call) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "call is null");
    }
    if (rows < 0 || rows > call->run.work.rows) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "rows is %lld; expected 0 to %lld, as the call was bound",
                           static_cast<long long>(rows), static_cast<long long>(call->run.work.rows));
    }
    if (call->moved) {
        const norma_status status = norma::check_overlap(*call->run.plan, *call->arguments, call->run.work);
        if (status != NORMA_OK) {
            return status;
        }
        call->moved = false;
    }
    return norma::run_first_rows(*call, rows);
}

norma_status norma_call_set_data(norma_call *call, norma_tensor_role role, void *data) {
    if (!call) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "call is null");
    }
    if (role < NORMA_TENSOR_X || role > norma::tensor_role_count) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "role is %d; expected a norma_tensor_role, 1 to %d",
                           static_cast<int>(role), norma::tensor_role_count);
    }
    return norma::move_data(*static_cast<norma::OwnedCall *>(call), role - NORMA_TENSOR_X, data);
}

void norma_call_destroy(norma_call *call) { free(static_cast<norma::OwnedCall *>(call)); }
