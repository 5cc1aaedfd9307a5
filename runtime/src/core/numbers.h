// SPDX-License-Identifier: MIT
// What a caller's numbers are, by their bits: where the caller's floating-point environment says so, a comparison traps
// at a NaN and takes a denormal for 0.
#pragma once

#include <stdint.h>
#include <string.h>

#include "norma/norma.h"

namespace norma {

inline uint32_t bits_of(float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

constexpr uint32_t sign_bit = 0x80000000u, infinity_bits = 0x7f800000u;

inline bool is_finite(float value) { return (bits_of(value) & ~sign_bit) < infinity_bits; }
inline bool is_zero(float value) { return (bits_of(value) & ~sign_bit) == 0; }
inline bool is_positive_and_finite(float value) { return bits_of(value) - 1 < infinity_bits - 1; }

norma_status refuse_number(const char *name, float value, const char *expected) __attribute__((cold));

}  // namespace norma
