// SPDX-License-Identifier: MIT
// How a backward cuts its rows: each strip sums the columns of its rows in order, then the strips' sums are added in
// order. Only rows and hidden decide, so the gradients' bits are the same on any number of threads.
#pragma once

#include "plan.h"

namespace norma {

struct Strips {
    int64_t count;
    int64_t rows_per_strip;  // the last one may have fewer
};

// Most strips: enough to share among threads, few enough that their sums are little to move beside the rows.
inline constexpr int64_t most_strips = 128;
inline constexpr int64_t least_rows_per_strip = 64;
inline constexpr int64_t least_elements_per_strip = 65536;

// most = min(128, rows / 64, rows * hidden / 65536), at least 1; rows_per_strip = ceil(rows / most)
Strips cut_in_strips(int64_t rows, int64_t hidden);

// On CUDA strips run side by side, and row r belongs to strip r % count: their blocks walk over memory together.
// count = min(rows / 8, max(128, 1048576 / hidden)), at least 1: enough to keep any GPU's memory busy.
int64_t count_cuda_strips(int64_t rows, int64_t hidden);

// Where the sums lie in the workspace: for each strip, those of dweight and dbias, as the plan has them.
struct StripSums {
    char *base;
    int64_t column_sum_bytes;  // of one gradient of one strip, a multiple of the workspace's alignment
    int64_t strip_bytes;

    char *strip(int64_t index) const { return base + index * strip_bytes; }
};

StripSums strip_sums(const norma_plan &plan, char *base);

// Bytes of the sums for any number of rows up to `rows`.
int64_t strip_sums_size(const norma_plan &plan, int64_t rows);

}  // namespace norma
