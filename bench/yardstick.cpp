// SPDX-License-Identifier: MIT
#include "yardstick.h"

namespace norma::bench {

bool yardstick(const Loops &loops, const Norm &norm, int64_t rows, Store store, Team &team) {
    const NormLoop loop = loops.norm ? loops.norm(norm, store) : nullptr;
    if (!loop) {
        return false;
    }
    team.run_rows(rows, norm.hidden, [&](int64_t begin, int64_t end) { loop(norm, begin, end); });
    return true;
}

}  // namespace norma::bench
