// SPDX-License-Identifier: MIT
// strip_sum on CUDA: a block adds up 8 columns.
#pragma once

#include "schedules/strategies/strategies.h"

namespace norma {

// As strip_sum, but for the order: 128 threads of a column take every 128th strip, then their sums are added in pairs.
Lowered cuda_strip_sum(norma_dtype y);

}  // namespace norma
