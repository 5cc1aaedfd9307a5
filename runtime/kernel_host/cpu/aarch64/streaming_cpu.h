// SPDX-License-Identifier: MIT
// Streaming stores and prefetch of aarch64, for streaming.cpp. The streaming store is that of a pair of registers,
// which compilers give no name.
#pragma once

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

namespace norma {

inline void stream_16(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 16) {
        uint64_t pair[2];
        memcpy(pair, from + i, sizeof pair);
        asm volatile("stnp %0, %1, [%2]" : : "r"(pair[0]), "r"(pair[1]), "r"(to + i) : "memory");
    }
}

inline void stream_32(char *to, const char *from, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i += 32) {
        const uint8x16_t low = vld1q_u8((const uint8_t *)from + i), high = vld1q_u8((const uint8_t *)from + i + 16);
        asm volatile("stnp %q0, %q1, [%2]" : : "w"(low), "w"(high), "r"(to + i) : "memory");
    }
}

inline void stream_64(char *to, const char *from, int32_t bytes) { stream_32(to, from, bytes); }

inline void prefetch_line(const char *from) { asm volatile("prfm pldl2keep, [%0]" : : "r"(from)); }

inline void streaming_fence() { asm volatile("dmb ishst" : : : "memory"); }

}  // namespace norma
