// SPDX-License-Identifier: MIT
// Copies with an op's own pattern: what the memory allows. One read and one write (x, y), or with a residual two of
// each.
#pragma once

#include "loops.h"
#include "team.h"

namespace norma::bench {

// All elements of the streams, split to the team's threads as rows are. Streams are aligned to 64 bytes.
void copy(const Loops &loops, const Streams &streams, int64_t elements, Store store, Team &team);

}  // namespace norma::bench
