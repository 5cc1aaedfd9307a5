// SPDX-License-Identifier: MIT
// A hand-written kernel for each forward op in f32, bf16 and f16: what a good engineer would write instead of using
// Norma.
#pragma once

#include "loops.h"
#include "team.h"

namespace norma::bench {

// Contiguous rows, split to the team's threads. False when there is none for this norm and instruction set.
bool yardstick(const Loops &loops, const Norm &norm, int64_t rows, Store store, Team &team);

}  // namespace norma::bench
