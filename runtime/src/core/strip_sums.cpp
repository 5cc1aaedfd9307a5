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
                const ColumnSum *gradients, int32_t gradient_count, int64_t first, int64_t count,
                CallContext &context) {
    constexpr int64_t float_bytes = sizeof(float);
    const int32_t columns = static_cast<int32_t>(count);
    const int32_t strip_stride = static_cast<int32_t>(sums.strip_bytes / float_bytes);
    const int32_t gradient_stride = static_cast<int32_t>(sums.column_sum_bytes / float_bytes);
    const bool host_memory = plan.device->host_memory;

    halide_dimension_t from_dimensions[] = {{0, columns, 1, 0},
                                            {0, static_cast<int32_t>(strips), strip_stride, 0},
                                            {0, gradient_count, gradient_stride, 0}};
    halide_buffer_t from = {};
    // Without rows there are none.
    char *const column_sums =
        strips > 0 ? sums.base + gradients[0].slot * sums.column_sum_bytes + first * float_bytes : nullptr;
    set_address(from, column_sums, host_memory);
    from.type = halide_type_t(halide_type_float, 32);
    from.dimensions = 3;
    from.dim = from_dimensions;

    halide_dimension_t to_dimensions[] = {{0, columns, 1, 0}};
    halide_buffer_t to[2] = {}, before[2] = {};
    int32_t accumulate = (plan.desc.flags & NORMA_ACCUMULATE_GRADIENTS) != 0 ? 1 : 0;
    CallContext *context_address = &context;
    void *arguments[7] = {&context_address, &from};
    void **const befores = arguments + 2, **const tos = befores + gradient_count + 1;
    befores[gradient_count] = &accumulate;
    for (int32_t i = 0; i < gradient_count; i++) {
        const int32_t index = gradients[i].index;
        set_address(to[i], work.operands[index].data + first * plan.sizes[index], host_memory);
        to[i].type = halide_type(plan.dtypes[index]);
        to[i].dimensions = 1;
        to[i].dim = to_dimensions;
        before[i] = to[i];
        befores[i] = &before[i];
        tos[i] = &to[i];
    }
    const norma_dtype dtype = plan.dtypes[gradients[0].index];
    return (gradient_count == 1 ? plan.target->strip_sums : plan.target->strip_sum_pairs)[dtype](arguments);
}

}  // namespace norma
