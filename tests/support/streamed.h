// SPDX-License-Identifier: MIT
// What kernels that are compiled in this process ask of the runtime: this program is their runtime.
#pragma once

#include <cstdint>
#include <vector>

namespace norma::test {

struct Asked {
    std::vector<int> streamed;        // bytes of each call
    std::vector<int64_t> prefetched;  // offsets
    std::vector<int> prefetched_bytes;
    std::vector<int> modes;
    int fences = 0;
};
extern Asked asked;

}  // namespace norma::test
