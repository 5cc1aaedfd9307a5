// SPDX-License-Identifier: MIT
// What is decided at each run. The bits do not depend on it.
#pragma once

#include <stdint.h>

namespace norma {

// How a kernel writes its activations. Passed at run time: one kernel, one arithmetic, so the bits cannot differ.
enum StoreMode : int32_t { ordinary = 0, streaming = 1, streaming_prefetch = 2 };

struct RunTime {
    int64_t streaming_threshold;  // bytes read and written, from which on StoreMode::streaming pays
    int64_t prefetch_row_min;     // bytes of a row of x between which prefetching the next row pays
    int64_t prefetch_row_max;
    int64_t grain_size;  // elements that are worth a thread
};

}  // namespace norma
