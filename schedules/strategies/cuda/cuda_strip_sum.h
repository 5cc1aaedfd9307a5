// SPDX-License-Identifier: MIT
// strip_sum on CUDA: a block adds up 32 columns.
#pragma once

#include "schedules/strategies/strategies.h"

namespace norma {

// As strip_sum, but for the order: eight warps take every eighth strip, then their sums are added in pairs.
Lowered cuda_strip_sum(norma_dtype y);

}  // namespace norma
