// SPDX-License-Identifier: MIT
// Streaming stores and prefetch of x86-64, for streaming.cpp. Blocks are multiples of the store's width and aligned to
// it where they are stored.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace norma {

inline void stream_16(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 16) {
        _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
    }
}

__attribute__((target("avx2"))) inline void stream_32(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 32) {
        _mm256_stream_si256((__m256i *)(to + i), _mm256_loadu_si256((const __m256i *)(from + i)));
    }
}

__attribute__((target("avx512f"))) inline void stream_64(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 64) {
        _mm512_stream_si512((__m512i *)(to + i), _mm512_loadu_si512((const void *)(from + i)));
    }
}

inline void prefetch_line(const char *from) { _mm_prefetch(from, _MM_HINT_T1); }

inline void streaming_fence() { _mm_sfence(); }

}  // namespace norma
