// SPDX-License-Identifier: MIT
// What finishes the gradients of the parameters: for each column, the sum of the strips' fp32 sums.
#pragma once

#include "schedules/strategies/strategies.h"

namespace norma {

// y[hidden] = sum over s of partials[s, hidden], in float64 and in the order of the strips, then before[hidden] if
// `accumulate` is not 0, rounded to fp32 and then to the type of y. `before` may be y. A call may cover any range of
// columns.
Lowered strip_sum(norma_dtype y);

// The kernel of strip_sum, as a variant to be compiled. It is no op of a manifest. On CUDA also of both gradients, y
// and `bias`, at once.
Variant strip_sum_variant(norma_dtype y, norma_dtype bias = NORMA_NONE);

}  // namespace norma
