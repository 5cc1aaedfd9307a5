// SPDX-License-Identifier: MIT
#include "streamed.h"

#include <cstring>

namespace norma::test {

Asked asked;

}  // namespace norma::test

using norma::test::asked;

extern "C" {
int kernel_stream_store_16(void *base, int64_t offset, const void *block, int32_t bytes) {
    asked.streamed.push_back(bytes);
    std::memcpy(static_cast<char *>(base) + offset, block, (size_t)bytes);
    return 0;
}
int kernel_prefetch(const void *, int64_t offset, int32_t bytes, int32_t mode) {
    asked.prefetched.push_back(offset);
    asked.prefetched_bytes.push_back(bytes);
    asked.modes.push_back(mode);
    return 0;
}
int kernel_stream_fence() {
    asked.fences++;
    return 0;
}
}
