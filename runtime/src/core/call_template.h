// SPDX-License-Identifier: MIT
// The part of a kernel's argument vector that is the same in every call of a plan.
#pragma once

#include <HalideRuntime.h>

#include "registry.h"

namespace norma {

struct SlotBuffer {
    halide_buffer_t buffer;
    halide_dimension_t dimensions[2];
};

struct TensorSlot {
    SlotBuffer filled;  // all but host, dim, and the rows
    uint8_t index;      // tensor_index
    uint8_t argument;   // place in the argument vector
    bool given;         // else statistics that nobody wants
    bool has_rows;
    bool column_sum;
    uint8_t row_dimension;
    int64_t one_row_stride;  // harmless where there is but one row
};

// A gradient of a parameter, of which the kernel writes the sums of one strip.
struct ColumnSum {
    uint8_t index;  // tensor_index
    uint8_t slot;   // among the column sums of a strip
};

// Scalars that the kernel does not take have the place max_arguments, which it does not look at.
struct CallTemplate {
    int32_t slot_count;
    TensorSlot slots[tensor_role_count];
    int32_t column_sum_count;
    ColumnSum column_sums[2];
    uint8_t user_context, eps, weight_offset, y_zero_point, store_mode, strips, first_strip, continued;
};

// `dtypes` and `kinds` by tensor_index. Statistics are f32 also when they are not wanted.
void fill_template(CallTemplate *call, const Kernel &kernel, const norma_dtype *dtypes, const TensorKind *kinds,
                   int64_t hidden);

}  // namespace norma
