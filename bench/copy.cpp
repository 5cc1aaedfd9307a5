// SPDX-License-Identifier: MIT
#include "copy.h"

#include <stdexcept>

namespace norma::bench {

void copy(const Loops &loops, const Streams &streams, int64_t elements, Store store, Team &team) {
    constexpr int64_t line_elements = 64;  // whole cache lines of every type
    const CopyLoop loop = loops.copy(streams, store);
    if (!loop) {
        throw std::invalid_argument("copy: elements must have 2 or 4 bytes");
    }
    if (team.size() == 1) {
        loop(streams, 0, elements);
    } else {
        team.run_ranges(elements, line_elements, [&](int64_t begin, int64_t end) { loop(streams, begin, end); });
    }
}

}  // namespace norma::bench
