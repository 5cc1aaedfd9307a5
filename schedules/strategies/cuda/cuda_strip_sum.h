// SPDX-License-Identifier: MIT
// strip_sum on CUDA: a block adds up 8 columns.
#pragma once

#include "schedules/strategies/strategies.h"

namespace norma {

// As strip_sum, but for the order: 128 threads of a column take every 128th strip, then their sums are added in pairs.
// Of two gradients, whose partials are [gradient, strip, hidden], one launch adds up both: the arguments are then
// partials, before of both, accumulate, and y of both.
Lowered cuda_strip_sum(norma_dtype y, int gradients);

}  // namespace norma
