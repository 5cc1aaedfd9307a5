// SPDX-License-Identifier: MIT
#include "strip_total.h"

#include <string.h>

namespace norma {

int64_t StripTotal::bytes(const StripSums &sums, int64_t rows) {
    const int64_t totals =
        sums.strip_bytes / static_cast<int64_t>(sizeof(float)) * static_cast<int64_t>(sizeof(double));
    return rows > rows_per_chunk ? sums.strip_bytes + totals : 0;
}

StripTotal::StripTotal(const StripSums &sums, char *memory)
    : count_(sums.strip_bytes / static_cast<int64_t>(sizeof(float))),
      chunk_(memory),
      total_(reinterpret_cast<double *>(memory + sums.strip_bytes)) {}

void StripTotal::clear() { memset(total_, 0, static_cast<size_t>(count_) * sizeof(double)); }

void StripTotal::add_chunk() {
    const float *chunk = reinterpret_cast<const float *>(chunk_);
    for (int64_t i = 0; i < count_; i++) {
        total_[i] += static_cast<double>(chunk[i]);
    }
}

void StripTotal::round_to(char *strip) const {
    float *sums = reinterpret_cast<float *>(strip);
    for (int64_t i = 0; i < count_; i++) {
        sums[i] = static_cast<float>(total_[i]);
    }
}

}  // namespace norma
