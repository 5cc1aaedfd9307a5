// SPDX-License-Identifier: MIT
// Called by kernels when store_mode asks for streaming stores: copies a block that was just computed past the cache.
#include <string.h>

#include "runtime/kernel_host/run_time.h"
#include "streaming_cpu.h"

namespace {

template <void (*stream)(char *, const char *, int32_t), int width>
int store(void *base, int64_t offset, const void *block, int32_t bytes) {
    char *to = (char *)base + offset;
    if (((uintptr_t)to | (uintptr_t)bytes) % width == 0) {
        stream(to, (const char *)block, bytes);
    } else {
        memcpy(to, block, (size_t)bytes);
    }
    return 0;
}

}  // namespace

extern "C" {

int kernel_stream_store_16(void *base, int64_t offset, const void *block, int32_t bytes) {
    return store<norma::stream_16, 16>(base, offset, block, bytes);
}

int kernel_stream_store_32(void *base, int64_t offset, const void *block, int32_t bytes) {
    return store<norma::stream_32, 32>(base, offset, block, bytes);
}

int kernel_stream_store_64(void *base, int64_t offset, const void *block, int32_t bytes) {
    return store<norma::stream_64, 64>(base, offset, block, bytes);
}

int kernel_prefetch(const void *base, int64_t offset, int32_t bytes, int32_t mode) {
    const char *from = (const char *)base + offset;
    for (int32_t i = 0; mode == norma::streaming_prefetch && i < bytes; i += 64) {
        norma::prefetch_line(from + i);
    }
    return 0;
}

int kernel_stream_fence() {
    norma::streaming_fence();
    return 0;
}
}
