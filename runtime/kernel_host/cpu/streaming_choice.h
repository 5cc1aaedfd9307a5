// SPDX-License-Identifier: MIT
// From how many rows on results are stored past the cache, and how. The tuner times what this chooses.
#pragma once

#include "runtime/kernel_host/cpu/caches.h"
#include "runtime/kernel_host/integers.h"
#include "runtime/kernel_host/run_time.h"

namespace norma {

inline constexpr int64_t cache_line = 64;

// The footprint from which on streaming pays. A third level of a few cores holds half of itself without writing back;
// one of a whole server's cores is far away and others' too, so that there what leaves the second level may as well go
// to memory. Measured: 12 to 16 MB with 1 MB / 32 MB (Zen 4, Zen 5), 4 MB with 2 MB / 300 MB (Intel).
inline int64_t streaming_threshold_of(Caches caches) {
    constexpr int64_t mb = 1 << 20, unknown = 16 * mb, most_of_few_cores = 128 * mb, most = 64 * mb;
    if (caches.l2 <= 0 && caches.l3 <= 0) {
        return unknown;
    }
    const int64_t least = 2 * (caches.l2 > mb / 2 ? caches.l2 : mb / 2);
    const int64_t half = caches.l3 > most_of_few_cores ? 0 : caches.l3 / 2;
    const int64_t chosen = half > least ? half : least;
    return chosen < most ? chosen : most;
}

// What a kernel's choices are on a machine with these caches: those that the registry leaves to them, and no prefetch
// of rows that would push the row at hand out of the second level.
inline RunTime with_caches(RunTime run_time, Caches caches) {
    if (run_time.streaming_threshold == threshold_of_caches) {
        run_time.streaming_threshold = streaming_threshold_of(caches);
    }
    if (caches.l2 > 0 && run_time.prefetch_row_max > caches.l2 / 4) {
        run_time.prefetch_row_max = caches.l2 / 4;
    }
    return run_time;
}

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
