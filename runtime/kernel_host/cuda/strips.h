// SPDX-License-Identifier: MIT
// How a backward cuts its rows on CUDA: strips run side by side, and row r belongs to strip r % count, so that their
// blocks walk over memory together.
#pragma once

#include <stdint.h>

namespace norma {

// count = min(rows / 8, max(128, 1048576 / hidden)), at least 1: enough to keep any GPU's memory busy.
int64_t count_cuda_strips(int64_t rows, int64_t hidden);

}  // namespace norma
