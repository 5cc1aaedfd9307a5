// SPDX-License-Identifier: MIT
// Values of 1, 2, 4 or 8 bytes; the sizes spelled out, as a call of memcpy would be most of an instruction's time. And
// what is known of the bytes of an access, which is mostly the same of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ptx {

inline uint64_t loaded(const std::byte *from, unsigned bytes) {
    uint64_t v = 0;
    switch (bytes) {
        case 1: std::memcpy(&v, from, 1); break;
        case 2: std::memcpy(&v, from, 2); break;
        case 4: std::memcpy(&v, from, 4); break;
        default: std::memcpy(&v, from, 8);
    }
    return v;
}

inline void stored(std::byte *to, uint64_t v, unsigned bytes) {
    switch (bytes) {
        case 1: std::memcpy(to, &v, 1); break;
        case 2: std::memcpy(to, &v, 2); break;
        case 4: std::memcpy(to, &v, 4); break;
        default: std::memcpy(to, &v, 8);
    }
}

template <typename T>
bool alike(const T *of_bytes, size_t count) {
    return std::memcmp(of_bytes, of_bytes + 1, (count - 1) * sizeof(T)) == 0;
}

}  // namespace ptx
