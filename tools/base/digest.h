// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace norma {

// FNV-1a: the same on every machine, for names of cached and recorded things.
inline uint64_t digest(std::string_view text) {
    uint64_t digest = 14695981039346656037u;
    for (unsigned char c : text) {
        digest = (digest ^ c) * 1099511628211u;
    }
    return digest;
}

}  // namespace norma
