// SPDX-License-Identifier: MIT
// What is decided at each run. The bits do not depend on it.
#pragma once

#include <stdint.h>

namespace norma {

// How a kernel writes its activations. Passed at run time: one kernel, one arithmetic, so the bits cannot differ.
enum StoreMode : int32_t { ordinary = 0, streaming = 1, streaming_prefetch = 2 };

// As RunTime::streaming_threshold: what the machine's caches say, cpu/streaming_choice.h.
inline constexpr int64_t threshold_of_caches = 0;

struct RunTime {
    int64_t streaming_threshold;  // bytes read and written, from which on StoreMode::streaming pays
    int64_t prefetch_row_min;     // bytes of a row of x between which prefetching the next row pays
    int64_t prefetch_row_max;
    int64_t grain_size;  // elements that are worth a thread
};

// Each choice by its name in target files and records, in the order of the members. Whoever reads one checks the
// bounds: the dispatcher divides by some, and adds to others.
struct RunTimeChoice {
    const char *name;
    int64_t RunTime::*member;
    int64_t least, most;

    bool contains(int64_t value) const { return value >= least && value <= most; }
};

inline constexpr int64_t most_run_time = int64_t{1} << 50;
inline constexpr RunTimeChoice run_time_choices[] = {
    {"streaming_threshold", &RunTime::streaming_threshold, 0, most_run_time},
    {"prefetch_row_min", &RunTime::prefetch_row_min, 0, most_run_time},
    {"prefetch_row_max", &RunTime::prefetch_row_max, 0, most_run_time},
    {"grain_size", &RunTime::grain_size, 1, most_run_time},
};

}  // namespace norma
