// SPDX-License-Identifier: MIT
// One hand-written fp32 kernel for each forward op: what a good engineer would write instead of using Norma.
#pragma once

#include <norma/norma.h>

#include "loops.h"
#include "team.h"

namespace norma::bench {

// Contiguous rows, split to the team's threads. False when there is none for this instruction set.
bool yardstick(const Loops &loops, norma_op op, const Norm &norm, int64_t rows, Store store, Team &team);

}  // namespace norma::bench
