// SPDX-License-Identifier: MIT
#include "yardstick.h"

#include <algorithm>
#include <atomic>

namespace norma::bench {

bool yardstick(const Loops &loops, const Norm &norm, int64_t rows, Store store, Team &team) {
    const NormLoop loop = loops.norm ? loops.norm(norm, store) : nullptr;
    if (!loop) {
        return false;
    }
    team.run_rows(rows, norm.hidden, [&](int64_t begin, int64_t end) { loop(norm, begin, end); });
    return true;
}

BackwardYardstick::BackwardYardstick(const Loops &loops, const Backward &backward, int64_t rows, Store store,
                                     Team &team)
    : dweight(static_cast<size_t>(backward.hidden)),
      dbias(dweight.size()),
      backward_(backward),
      rows_(rows),
      loop_(loops.backward ? loops.backward(backward, store) : nullptr),
      team_(team),
      chunks_(static_cast<size_t>(2 * team.size()) * static_cast<size_t>((backward.hidden + 63) / 64 * 64)),
      totals_(static_cast<size_t>(2 * team.size()) * static_cast<size_t>(backward.hidden)) {}

ColumnSums BackwardYardstick::sums_of(int64_t thread) {
    const int64_t hidden = backward_.hidden, padded = (hidden + 63) / 64 * 64;
    float *const chunk = chunks_.data() + 2 * thread * padded;
    double *const total = totals_.data() + 2 * thread * hidden;
    return {chunk, chunk + padded, total, total + hidden, padded};
}

void BackwardYardstick::run() {
    std::fill(totals_.begin(), totals_.end(), 0.0);
    std::atomic<int64_t> next{0};
    team_.run_rows(rows_, backward_.hidden,
                   [&](int64_t begin, int64_t end) { loop_(backward_, begin, end, sums_of(next++)); });
    const ColumnSums all = sums_of(0);
    for (int64_t t = 1; t < next; t++) {
        const ColumnSums of_thread = sums_of(t);
        for (int64_t d = 0; d < 2 * backward_.hidden; d++) {
            all.total_dweight[d] += of_thread.total_dweight[d];  // and dbias, which lies behind it
        }
    }
    for (size_t d = 0; d < dweight.size(); d++) {
        dweight[d] = static_cast<float>(all.total_dweight[d]);
        dbias[d] = static_cast<float>(all.total_dbias[d]);
    }
}

}  // namespace norma::bench
