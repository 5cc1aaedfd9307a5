// SPDX-License-Identifier: MIT
// A backward cuts its rows in strips, as its device does it; the sums of each go to the workspace, and then become the
// gradients.
#pragma once

#include "runtime/kernel_host/call_context.h"
#include "work.h"

namespace norma {

// Where the sums lie in the workspace: for each strip, those of dweight and dbias, as the plan has them.
struct StripSums {
    char *base;
    int64_t column_sum_bytes;  // of one gradient of one strip, a multiple of the workspace's alignment
    int64_t strip_bytes;

    char *strip(int64_t index) const { return base + index * strip_bytes; }
};

StripSums strip_sums(const norma_plan &plan, char *base);

// Columns [first, first + count) of a gradient from those of the strips, in float64 and in the order of the strips,
// then what the gradient was if the plan accumulates, on the plan's device. Of two gradients side by side at once, if
// the target has a kernel for pairs of their type. 0 or the error of the kernel that does so.
int add_columns(const norma_plan &plan, const Work &work, const StripSums &sums, int64_t strips,
                const ColumnSum *gradients, int32_t gradient_count, int64_t first, int64_t count, CallContext &context);

}  // namespace norma
