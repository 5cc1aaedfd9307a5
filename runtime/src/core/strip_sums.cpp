// SPDX-License-Identifier: MIT
#include "strip_sums.h"

#include <HalideRuntime.h>

#include "kernel_call.h"
#include "runtime/kernel_host/halide_type.h"
#include "runtime/src/device/device.h"

namespace norma {

StripSums strip_sums(const norma_plan &plan, char *base) {
    const int64_t column_sum_bytes = align_scratch(plan.hidden * static_cast<int64_t>(sizeof(float)));
    return {base, column_sum_bytes, column_sum_bytes * plan.call.column_sum_count};
}

int add_columns(const norma_plan &plan, const Work &work, const StripSums &sums, int64_t strips,
                const ColumnSum &gradient, int64_t first, int64_t count, CallContext &context) {
    const int32_t columns = static_cast<int32_t>(count);
    const int32_t strip_stride = static_cast<int32_t>(sums.strip_bytes / static_cast<int64_t>(sizeof(float)));
    const bool host_memory = plan.device->host_memory;

    halide_dimension_t from_dimensions[] = {{0, columns, 1, 0}, {0, static_cast<int32_t>(strips), strip_stride, 0}};
    halide_buffer_t from = {};
    char *const column_sums =
        strips > 0 ? sums.base + gradient.slot * sums.column_sum_bytes + first * static_cast<int64_t>(sizeof(float))
                   : nullptr;  // which is what there is without rows
    set_address(from, column_sums, host_memory);
    from.type = halide_type_t(halide_type_float, 32);
    from.dimensions = 2;
    from.dim = from_dimensions;

    halide_dimension_t to_dimensions[] = {{0, columns, 1, 0}};
    halide_buffer_t to = {};
    set_address(to, work.operands[gradient.index].data + first * plan.sizes[gradient.index], host_memory);
    to.type = halide_type(plan.dtypes[gradient.index]);
    to.dimensions = 1;
    to.dim = to_dimensions;

    halide_buffer_t before = to;
    int32_t accumulate = (plan.desc.flags & NORMA_ACCUMULATE_GRADIENTS) != 0 ? 1 : 0;
    CallContext *context_address = &context;
    void *arguments[] = {&context_address, &from, &before, &accumulate, &to};
    return plan.target->strip_sums[plan.dtypes[gradient.index]](arguments);
}

}  // namespace norma
