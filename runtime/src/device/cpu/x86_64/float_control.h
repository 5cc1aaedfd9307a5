// SPDX-License-Identifier: MIT
// MXCSR: the control bits and flags of SSE and AVX, in which kernels compute.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace norma {

using FloatControl = uint32_t;

inline constexpr FloatControl standard_float_control = 0x1f80;  // all traps masked, round to nearest, nothing flushed

inline FloatControl float_control() { return _mm_getcsr(); }
inline void set_float_control(FloatControl control) { _mm_setcsr(control); }

// To write costs less than to read whether it is needed.
inline void put_back_float_control(FloatControl callers) { set_float_control(callers); }

// But for the flags.
inline bool is_standard(FloatControl control) { return (control & ~uint32_t{0x3f}) == standard_float_control; }

}  // namespace norma
