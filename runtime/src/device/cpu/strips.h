// SPDX-License-Identifier: MIT
// How a backward cuts its rows on the CPU: each strip sums the columns of its rows in order, then the strips' sums are
// added in order. Only rows and hidden decide, so the gradients' bits are the same on any number of threads.
#pragma once

#include <stdint.h>

namespace norma {

struct Strips {
    int64_t count;
    int64_t rows_per_strip;  // the last one may have fewer
};

// Most strips: enough to share among threads, few enough that their sums are little to move beside the rows.
inline constexpr int64_t most_strips = 128;
inline constexpr int64_t least_rows_per_strip = 64;
inline constexpr int64_t least_elements_per_strip = 65536;

// most = min(128, rows / 64, rows * hidden / 65536), at least 1, which never falls with the number of rows;
// rows_per_strip = ceil(rows / most)
int64_t most_strips_of(int64_t rows, int64_t hidden);
Strips cut_in_strips(int64_t rows, int64_t hidden);

}  // namespace norma
