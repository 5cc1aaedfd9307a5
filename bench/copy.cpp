// SPDX-License-Identifier: MIT
#include "copy.h"

#include <algorithm>
#include <stdexcept>

namespace norma::bench {

void copy(const Loops &loops, const Streams &streams, int64_t elements, Store store, Team &team) {
    constexpr int64_t group = 64;  // elements: whole cache lines of every type
    const CopyLoop loop = loops.copy(streams, store);
    if (!loop) {
        throw std::invalid_argument("copy: elements must have 1, 2 or 4 bytes, those of a residual 2 or 4");
    }
    team.run_rows((elements + group - 1) / group, group,
                  [&](int64_t begin, int64_t end) { loop(streams, begin * group, std::min(end * group, elements)); });
}

}  // namespace norma::bench
