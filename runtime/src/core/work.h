// SPDX-License-Identifier: MIT
// A validated call: its rows folded to as few levels as the strides allow, and where each tensor's rows lie.
#pragma once

#include "plan.h"

namespace norma {

inline constexpr int max_levels = NORMA_MAX_RANK - 1;

// Rows are counted with level 0 fastest.
struct Work {
    int64_t rows;  // of all levels
    int levels;    // at least 1, which has no extent where there are no rows
    int64_t extents[max_levels];

    struct Operand {
        char *data;
        int64_t bytes;                // from its first element to the end of its last; 0 where it has no rows
        int64_t strides[max_levels];  // in elements; 0 for weight and bias
    } operands[tensor_role_count];    // by tensor_index; of those that the plan has
};

// Rows of a tensor that may still be refused.
norma_status count_rows(const norma_tensor &x, int64_t *rows);

// On failure *work is not to be used.
norma_status validate(const norma_plan &plan, const norma_arguments *arguments, Work *work);

// Parts of validate that new data may change: of one tensor, and of all together.
norma_status check_data(const norma_plan &plan, int index, const void *data, int64_t bytes);
norma_status check_overlap(const norma_plan &plan, const norma_arguments &arguments, const Work &work);

// Part of validate: fills in levels, extents and strides of a call that has rows. Neighbouring dimensions become one
// level where every tensor steps through them evenly.
void fold(const norma_plan &plan, const norma_arguments &arguments, Work *work);

}  // namespace norma
