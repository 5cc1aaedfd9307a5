// SPDX-License-Identifier: MIT
// From how many rows on results are stored past the cache, and how. The tuner times what this chooses.
#pragma once

#include "runtime/kernel_host/integers.h"
#include "runtime/kernel_host/run_time.h"

namespace norma {

inline constexpr int64_t cache_line = 64;

struct StreamingChoice {
    int64_t least_rows;
    StoreMode mode;
};

// Bytes of a row: `all` that is read and written, of x, and of the result. Where results do not fill whole lines, most
// rows begin inside of one, and no store that passes the cache can write them.
inline StreamingChoice choose_streaming(const RunTime &run_time, int64_t all, int64_t x, int64_t result) {
    const bool prefetch = x >= run_time.prefetch_row_min && x <= run_time.prefetch_row_max;
    return {result % cache_line == 0 ? divide_up(run_time.streaming_threshold, all) : INT64_MAX,
            prefetch ? StoreMode::streaming_prefetch : StoreMode::streaming};
}

}  // namespace norma
