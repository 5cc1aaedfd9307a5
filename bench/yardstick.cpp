// SPDX-License-Identifier: MIT
#include "yardstick.h"

namespace norma::bench {

bool yardstick(const Loops &loops, Op op, const Norm &norm, int64_t rows, Store store, Team &team) {
    const auto &choose = op == Op::layer_norm ? loops.layer_norm : loops.rms_norm;
    if (!choose) {
        return false;
    }
    const NormLoop loop = choose(store);
    if (team.size() == 1) {
        loop(norm, 0, rows);
    } else {
        team.run_ranges(rows, 1, [&](int64_t begin, int64_t end) { loop(norm, begin, end); });
    }
    return true;
}

}  // namespace norma::bench
