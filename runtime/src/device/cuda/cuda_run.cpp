// SPDX-License-Identifier: MIT
#include "cuda_run.h"

#include "runtime/kernel_host/cuda/driver.h"
#include "runtime/kernel_host/cuda/modules.h"
#include "runtime/kernel_host/cuda/strips.h"
#include "runtime/kernel_host/integers.h"
#include "runtime/src/core/bound_call.h"
#include "runtime/src/core/errors.h"

namespace norma {
namespace {

using ll = long long;

int zero(CudaCall &cuda, char *begin, int64_t bytes) {
    if (cuda.preload) {
        return 0;
    }
    if (!check_context(cuda)) {
        return -1;
    }
    const uint64_t address = reinterpret_cast<uintptr_t>(begin);
    const int error = cuda_driver()->cuMemsetD8Async(address, 0, static_cast<size_t>(bytes), cuda.stream);
    if (error != 0) {
        fail_call(cuda, "cuMemsetD8Async", error);
    }
    return error;
}

// One launch for both gradients where there is a kernel for it. 0 or an error, which the call holds.
int add_strips(const Run &run, CallContext &context, const StripSums &sums, int64_t strips) {
    const norma_plan &plan = *run.plan;
    const ColumnSum *gradients = plan.call.column_sums;
    const int32_t count = plan.call.column_sum_count;
    const norma_dtype dtype = plan.dtypes[gradients[0].index];
    const bool pair =
        count == 2 && plan.dtypes[gradients[1].index] == dtype && plan.target->strip_sum_pairs[dtype] != nullptr;
    const int32_t at_once = pair ? 2 : 1;
    int error = 0;
    for (int32_t i = 0; i < count && error == 0; i += at_once) {
        error = add_columns(plan, run.work, sums, strips, gradients + i, at_once, 0, plan.hidden, context);
        error = error == 0 && context.message[0] != '\0' ? -1 : error;
    }
    return error;
}

// The rows, then what their strips' sums come to.
int run_strips(const Run &run, KernelCall &call, CudaCall &cuda, char *workspace, int64_t rows) {
    const int64_t strips = rows == 0 ? 0 : count_cuda_strips(rows, run.plan->hidden);
    const StripSums sums = strip_sums(*run.plan, workspace);
    if (strips > 0) {
        // A first call that does not reach every strip leaves some as they are.
        const bool zeroed = smaller(run.work.extents[0], run.rows_per_slice) < strips;
        int error = zeroed ? zero(cuda, workspace, strips * sums.strip_bytes) : 0;
        call.start_strips(sums, strips, zeroed);
        error = error ? error : call.run(0, rows);
        if (error != 0) {
            return error;
        }
    }
    return add_strips(run, call.context(), sums, strips);
}

norma_status launch(const Run &run, KernelCall &call, CudaCall &cuda, char *workspace, int64_t rows) {
    call.context().device_call = &cuda;
    cuda.message = call.context().message;
    const bool in_strips = run.plan->call.column_sum_count > 0;
    const int error = in_strips ? run_strips(run, call, cuda, workspace, rows) : call.run(0, rows);
    if (error == 0) {
        return NORMA_OK;
    }
    const norma_status status = cuda.status ? cuda.status : NORMA_INTERNAL;
    return status == NORMA_INVALID_ARGUMENT ? fail(status, "%s", call.message())
                                            : fail(status, "kernel %s: %s", run.kernel->name, call.message());
}

// Whether the kernel may be given the tensor as it is. Statistics and scales are accessed one by one.
bool is_aligned(const norma_plan &plan, const Work &work, int index) {
    const Work::Operand &operand = work.operands[index];
    if (is_column_sum(index) ||
        (plan.kinds[index] != TensorKind::activation && plan.kinds[index] != TensorKind::vector)) {
        return true;
    }
    uintptr_t bits = reinterpret_cast<uintptr_t>(operand.data);
    for (int level = 0; level < work.levels; level++) {
        bits |= static_cast<uintptr_t>(operand.strides[level] * plan.sizes[index]);
    }
    return bits % static_cast<uintptr_t>(plan.kernel->alignment) == 0;
}

// One row, at addresses that nobody looks at.
Run one_row(const norma_plan &plan, const Kernel &kernel) {
    Run run = {&plan, &kernel, 0, 0, 0, StoreMode::ordinary, 1, {}};
    run.work.rows = run.work.levels = run.work.extents[0] = 1;
    for (const int i : plan.present) {
        run.work.operands[i].data = reinterpret_cast<char *>(uintptr_t{1} << 12);
    }
    return run;
}

}  // namespace

int64_t cuda_workspace_size(const norma_plan &plan, int64_t rows, int32_t) {
    return rows == 0 ? 0 : strip_sums(plan, nullptr).strip_bytes * count_cuda_strips(rows, plan.hidden);
}

norma_status preload_modules(const norma_plan &plan) {
    if (!is_current(plan.desc.device.id)) {
        return NORMA_OK;
    }
    norma_status status = NORMA_OK;
    for (const Kernel *kernel : {plan.kernel, plan.unaligned_fallback}) {
        if (status == NORMA_OK && kernel) {
            CudaCall cuda = {nullptr, plan.desc.device.id, true, NORMA_OK, nullptr, nullptr};
            const Run run = one_row(plan, *kernel);
            KernelCall call;
            call.bind(run, nullptr, 0);
            status = launch(run, call, cuda, nullptr, 1);
        }
    }
    return status;
}

const Kernel *choose_by_alignment(const norma_plan &plan, const Work &work) {
    for (const int i : plan.present) {
        // Without rows none of the kernels is launched.
        if (work.rows == 0 || plan.kernel->alignment == 0 || is_aligned(plan, work, i)) {
            continue;
        }
        if (!plan.unaligned_fallback) {
            fail(NORMA_INVALID_ARGUMENT,
                 "%s.data is %p with a row stride of %lld elements; expected multiples of %d bytes, for kernel %s; "
                 "\"alignment\": [\"natural\", \"any\"] in its manifest adds one for any",
                 tensor_roles[i].name, static_cast<const void *>(work.operands[i].data),
                 ll{work.operands[i].strides[0]}, plan.kernel->alignment, plan.kernel->name);
        }
        return plan.unaligned_fallback;
    }
    return plan.kernel;
}

norma_status run_on_cuda(norma_call &call, int64_t rows) {
    const Run &run = call.run;
    const norma_plan &plan = *run.plan;
    if (rows == 0 && plan.call.column_sum_count == 0) {
        return NORMA_OK;
    }
    CudaCall cuda = {call.execution.cuda_stream, plan.desc.device.id, false, NORMA_OK, nullptr, nullptr};
    if (plan.verbose >= Verbose::all) {
        verbose_line("run", "%s: %lld rows of %lld on CUDA device %d, stream %p, %lld rows per slice", run.kernel->name,
                     ll{rows}, ll{plan.hidden}, cuda.device, cuda.stream, ll{run.rows_per_slice});
    }
    return launch(run, call.kernel_call, cuda, static_cast<char *>(call.execution.workspace), rows);
}

}  // namespace norma
