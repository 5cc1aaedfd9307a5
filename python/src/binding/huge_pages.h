// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace norma::python {

// For a large result that nobody has touched: the system then gives its memory by 2 MB, not by 4 KB, which takes longer
// than a norm. NumPy does so for its own arrays, other libraries do not.
inline void ask_for_huge_pages(void *data, size_t bytes) {
    constexpr size_t least = size_t{1} << 22, page = 4096;
    if (bytes >= least) {
        const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + page - 1) & ~(page - 1);
        const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(page - 1);
        madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
    }
}

}  // namespace norma::python
