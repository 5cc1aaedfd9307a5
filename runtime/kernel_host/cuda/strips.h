// SPDX-License-Identifier: MIT
// How a backward cuts its rows on CUDA: strips run side by side, and row r belongs to strip r % count, so that their
// blocks walk over memory together.
#pragma once

#include <stdint.h>

namespace norma {

// count = min(rows / 8, max(128, min(1048576 / hidden, 4096), min(rows / 128, 1048576))), at least 1: enough to keep
// any GPU's memory busy, and so many that a strip of up to 2^27 rows adds up at most 255 terms.
int64_t count_cuda_strips(int64_t rows, int64_t hidden);

}  // namespace norma
