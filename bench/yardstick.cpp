// SPDX-License-Identifier: MIT
#include "yardstick.h"

namespace norma::bench {

bool yardstick(const Loops &loops, norma_op op, const Norm &norm, int64_t rows, Store store, Team &team) {
    const auto &choose = op == NORMA_LAYER_NORM_FORWARD ? loops.layer_norm : loops.rms_norm;
    if (!choose) {
        return false;
    }
    const NormLoop loop = choose(store);
    team.run_rows(rows, norm.hidden, [&](int64_t begin, int64_t end) { loop(norm, begin, end); });
    return true;
}

}  // namespace norma::bench
