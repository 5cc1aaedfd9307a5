// SPDX-License-Identifier: MIT
// Floating-point formats by their bits, and one routine that rounds an exact number to any of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ptx {

template <class To, class From>
To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

struct Format {
    int mantissa_bits, exponent_bits;
    uint64_t nan;      // what an instruction makes of a NaN
    uint64_t largest;  // finite
    bool has_infinity;
    int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};
constexpr Format f16{10, 5, 0x7fff, 0x7bff, true}, bf16{7, 8, 0x7fff, 0x7f7f, true},
    f32{23, 8, 0x7fffffff, 0x7f7fffff, true}, f64{52, 11, 0x7fffffffffffffff, 0x7fefffffffffffff, true},
    e4m3{3, 4, 0x7f, 0x7e, false}, e5m2{2, 5, 0x7f, 0x7b, true};

enum class Rounding { nearest, zero, down, up };

// (-1)^negative * magnitude * 2^exponent, or not a finite number.
struct Exact {
    enum { finite, infinite, nan } kind = finite;
    bool negative = false;
    uint64_t magnitude = 0;
    int exponent = 0;
};
Exact exact(double value);
Exact exact(uint64_t value);
Exact exact(int64_t value);

// The bits of the format's number next to the exact one. What is too large becomes infinite, or, if `finite`, the
// largest.
uint64_t rounded(const Format &format, const Exact &value, Rounding rounding, bool finite = false);
double decoded(const Format &format, uint64_t bits);

inline float canonical(float value) { return std::isnan(value) ? bits_as<float>(0x7fffffffu) : value; }

// a * b + c rounded to odd: a rounding of it to 24 bits or fewer is that of the exact value. a * b must be exact.
double odd_fma(double a, double b, double c);

}  // namespace ptx
