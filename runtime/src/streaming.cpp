// SPDX-License-Identifier: MIT
// Called by kernels when store_mode asks for streaming stores: copies a block that was just computed past the cache.
#include <immintrin.h>
#include <string.h>

#include "registry.h"

namespace {

void stream_16(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 16) {
        _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
    }
}

__attribute__((target("avx2"))) void stream_32(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 32) {
        _mm256_stream_si256((__m256i *)(to + i), _mm256_loadu_si256((const __m256i *)(from + i)));
    }
}

__attribute__((target("avx512f"))) void stream_64(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 64) {
        _mm512_stream_si512((__m512i *)(to + i), _mm512_loadu_si512((const void *)(from + i)));
    }
}

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
    return store<stream_16, 16>(base, offset, block, bytes);
}

int kernel_stream_store_32(void *base, int64_t offset, const void *block, int32_t bytes) {
    return store<stream_32, 32>(base, offset, block, bytes);
}

int kernel_stream_store_64(void *base, int64_t offset, const void *block, int32_t bytes) {
    return store<stream_64, 64>(base, offset, block, bytes);
}

int kernel_prefetch(const void *base, int64_t offset, int32_t bytes, int32_t mode) {
    const char *from = (const char *)base + offset;
    for (int32_t i = 0; mode == norma::streaming_prefetch && i < bytes; i += 64) {
        _mm_prefetch(from + i, _MM_HINT_T1);
    }
    return 0;
}

int kernel_stream_fence() {
    _mm_sfence();
    return 0;
}
}
