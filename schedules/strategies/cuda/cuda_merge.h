// SPDX-License-Identifier: MIT
// What merges the moments of chunks on CUDA: a thread for each row.
#pragma once

#include "schedules/strategies/strategies.h"

namespace norma {

// The moments of whole rows, [row], from those of their chunks, [rank][row][chunk], in float64 and in the order of the
// row: the bits are those of runtime/src/sharded/merge.cpp, whose formulas these are. Each rank has `slice` elements of
// a row, in chunks of `chunk`. Where `centred` is not 0, `second` is a variance around `first`. Outputs: first, second.
Lowered cuda_merge();

// The kernel as a variant to be compiled. It is no op of a manifest.
Variant merge_variant();

}  // namespace norma
