// SPDX-License-Identifier: MIT
#include "call_template.h"

#include "runtime/kernel_host/halide_type.h"

namespace norma {

void fill_template(CallTemplate *call, const Kernel &kernel, const norma_dtype *dtypes, const TensorKind *kinds,
                   int64_t hidden) {
    call->user_context = call->eps = call->weight_offset = call->y_zero_point = call->store_mode = max_arguments;
    call->strips = call->first_strip = call->continued = max_arguments;
    for (uint8_t i = 0; i < kernel.argument_count; i++) {
        switch (kernel.arguments[i]) {
            case Role::user_context: call->user_context = i; continue;
            case Role::eps: call->eps = i; continue;
            case Role::weight_offset: call->weight_offset = i; continue;
            case Role::y_zero_point: call->y_zero_point = i; continue;
            case Role::store_mode: call->store_mode = i; continue;
            case Role::strips: call->strips = i; continue;
            case Role::first_strip: call->first_strip = i; continue;
            case Role::continued: call->continued = i; continue;
            default: break;
        }
        const int index = tensor_index(kernel.arguments[i]);
        const TensorKind kind = kinds[index];
        const bool wide = kind == TensorKind::activation || kind == TensorKind::groups;
        const int64_t extent = kind == TensorKind::groups ? hidden / group_size(kernel.variant.scale) : hidden;
        const bool column_sum = is_column_sum(index);
        TensorSlot &slot = call->slots[call->slot_count++];
        slot.given = dtypes[index] != NORMA_NONE;
        slot.column_sum = column_sum;
        slot.filled.buffer.type = halide_type(column_sum || !slot.given ? NORMA_F32 : dtypes[index]);
        slot.filled.buffer.dimensions = wide || column_sum ? 2 : 1;
        slot.index = static_cast<uint8_t>(index);
        slot.argument = i;
        slot.has_rows = kind != TensorKind::vector || column_sum;
        slot.row_dimension = kind == TensorKind::statistic ? 0 : 1;
        slot.one_row_stride = wide ? extent : 1;
        slot.filled.dimensions[0] = {0, static_cast<int32_t>(extent), 1, 0};
        if (column_sum) {
            const uint8_t at = static_cast<uint8_t>(call->column_sum_count++);
            call->column_sums[at] = {slot.index, at};
        }
    }
}

}  // namespace norma
