// SPDX-License-Identifier: MIT
// The sums of one strip: fp32 over chunks of its rows, float64 over the chunks, so that they do not drift however many
// rows a strip has and whatever their terms are.
#pragma once

#include "runtime/src/core/strip_sums.h"

namespace norma {

// A sum over these is off by at most 31.5 ULP of the sum of the terms' magnitudes.
inline constexpr int64_t rows_per_chunk = 64;

class StripTotal {
public:
    // What it needs of the workspace, aligned as the workspace is; none where every strip is one chunk.
    static int64_t bytes(const StripSums &sums, int64_t rows);

    StripTotal(const StripSums &sums, char *memory);

    void clear();
    char *chunk() const { return chunk_; }  // where a chunk's sums go
    void add_chunk();
    void round_to(char *strip) const;

private:
    int64_t count_;
    char *chunk_;
    double *total_;
};

}  // namespace norma
