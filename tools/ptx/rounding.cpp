// SPDX-License-Identifier: MIT
#include "rounding.h"

#include <algorithm>

namespace ptx {

Exact exact(double value) {
    const auto bits = bits_as<uint64_t>(value);
    Exact e;
    e.negative = bits >> 63 != 0;
    const int field = (int)(bits >> 52 & 0x7ff);
    const uint64_t fraction = bits & 0xfffffffffffff;
    if (field == 0x7ff) {
        e.kind = fraction != 0 ? Exact::nan : Exact::infinite;
    } else {
        e.magnitude = field == 0 ? fraction : fraction | uint64_t{1} << 52;
        e.exponent = std::max(field, 1) - 1075;
    }
    return e;
}

Exact exact(uint64_t value) {
    Exact e;
    e.magnitude = value;
    return e;
}

Exact exact(int64_t value) {
    Exact e = exact(value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    e.negative = value < 0;
    return e;
}

uint64_t rounded(const Format &format, const Exact &value, Rounding rounding, bool finite) {
    const uint64_t sign = (uint64_t)value.negative << (format.mantissa_bits + format.exponent_bits);
    const uint64_t infinity =
        format.has_infinity ? ((uint64_t{1} << format.exponent_bits) - 1) << format.mantissa_bits : format.nan;
    if (value.kind == Exact::nan) {
        return format.nan;
    }
    if (value.kind == Exact::infinite) {
        return sign | (finite ? format.largest : infinity);
    }
    if (value.magnitude == 0) {
        return sign;
    }
    // The unit in the last place is 2^unit; below the normal numbers it no longer shrinks.
    const int top = 63 - __builtin_clzll(value.magnitude) + value.exponent;
    const int unit = std::max(top, 1 - format.bias()) - format.mantissa_bits;
    const int drop = unit - value.exponent;
    uint64_t kept = value.magnitude;
    bool up = false;
    if (drop > 0) {
        kept = drop > 63 ? 0 : value.magnitude >> drop;
        const uint64_t rest = drop > 63 ? value.magnitude : value.magnitude & ((uint64_t{1} << drop) - 1);
        const uint64_t half = drop > 64 ? 0 : uint64_t{1} << (drop - 1);  // beyond 64 bits all is below half
        const bool above = half != 0 && rest > half, tie = half != 0 && rest == half;
        up = rounding == Rounding::nearest ? above || (tie && (kept & 1) != 0)
             : rounding == Rounding::zero  ? false
                                           : rest != 0 && (rounding == Rounding::down) == value.negative;
    } else {
        kept <<= -drop;
    }
    // Adding to the bits carries from the mantissa into the exponent, up to the infinite.
    const int field = std::max(top + format.bias(), 1) - 1;
    const uint64_t bits = ((uint64_t)std::max(field, 0) << format.mantissa_bits) + kept + up;
    if (field >= (1 << format.exponent_bits) || bits > format.largest) {
        const bool stops = rounding == Rounding::zero || (rounding == Rounding::down && !value.negative) ||
                           (rounding == Rounding::up && value.negative);
        return sign | (finite || stops ? format.largest : infinity);
    }
    return sign | bits;
}

double decoded(const Format &format, uint64_t bits) {
    const uint64_t mantissa = bits & ((uint64_t{1} << format.mantissa_bits) - 1);
    const int last = (1 << format.exponent_bits) - 1, field = (int)(bits >> format.mantissa_bits) & last;
    const double sign = bits >> (format.mantissa_bits + format.exponent_bits) & 1 ? -1 : 1;
    if (format.has_infinity ? field == last && mantissa != 0 : (bits & format.nan) == format.nan) {
        return std::nan("");
    }
    if (format.has_infinity && field == last) {
        return sign * HUGE_VAL;
    }
    const uint64_t whole = field == 0 ? mantissa : mantissa | uint64_t{1} << format.mantissa_bits;
    return sign * std::ldexp((double)whole, std::max(field, 1) - format.bias() - format.mantissa_bits);
}

double odd_fma(double a, double b, double c) {
    const double product = a * b, sum = product + c;
    if (!std::isfinite(sum)) {
        return sum;
    }
    const double c_part = sum - product, error = (product - (sum - c_part)) + (c - c_part);  // Knuth's two-sum
    const auto bits = bits_as<uint64_t>(sum);
    if (error == 0 || (bits & 1) != 0) {
        return sum;
    }
    return bits_as<double>((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

}  // namespace ptx
