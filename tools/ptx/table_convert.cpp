// SPDX-License-Identifier: MIT
// cvt. Everything that rounds goes through `rounded`, from the exact value.
#include <algorithm>
#include <limits>

#include "rounding.h"
#include "table.h"

namespace ptx {

namespace {

template <class T>
constexpr const Format &format_of() {
    if constexpr (std::is_same_v<T, Half>) {
        return f16;
    } else if constexpr (std::is_same_v<T, Bfloat>) {
        return bf16;
    } else if constexpr (std::is_same_v<T, float>) {
        return f32;
    } else {
        return f64;
    }
}
template <class T>
double wide(T a) {
    if constexpr (std::is_floating_point_v<T>) {
        return a;
    } else {
        return decoded(format_of<T>(), a.bits);
    }
}
template <class T>
T from_bits(uint64_t bits) {
    if constexpr (std::is_same_v<T, float>) {
        return bits_as<float>((uint32_t)bits);
    } else if constexpr (std::is_same_v<T, double>) {
        return bits_as<double>(bits);
    } else {
        return {(uint16_t)bits};
    }
}

template <class To, class From>
To integer(From a) {
    return (To)a;
}
template <class To, class From>
To integer_saturated(From a) {
    const __int128 low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
    return (To)std::clamp<__int128>(a, low, high);
}

double integral(double a, Rounding rounding) {
    return rounding == Rounding::nearest ? std::nearbyint(a)
           : rounding == Rounding::zero  ? std::trunc(a)
           : rounding == Rounding::down  ? std::floor(a)
                                         : std::ceil(a);
}

// What is out of range becomes the nearest in range. NaN is zero, or the top bit where a 64-bit type takes part.
template <class To, class From, Rounding rounding>
To to_integer(From a) {
    const double whole = integral(wide(a), rounding);
    if (std::isnan(whole)) {
        return sizeof(To) == 8 || std::is_same_v<From, double>
                   ? (To)((std::make_unsigned_t<To>)1 << (8 * sizeof(To) - 1))
                   : To(0);
    }
    const double low = (double)std::numeric_limits<To>::min(), end = std::ldexp(1.0, std::numeric_limits<To>::digits);
    return whole <= low ? std::numeric_limits<To>::min() : whole >= end ? std::numeric_limits<To>::max() : (To)whole;
}

template <class To, class From, Rounding rounding>
To from_integer(From a) {
    using Widest = std::conditional_t<std::is_signed_v<From>, int64_t, uint64_t>;
    return from_bits<To>(rounded(format_of<To>(), exact((Widest)a), rounding));
}

template <class To, class From, Rounding rounding>
To narrow(From a) {
    return from_bits<To>(rounded(format_of<To>(), exact(wide(a)), rounding));
}
template <class T, Rounding rounding>
T whole(T a) {
    return narrow<T, double, Rounding::nearest>(integral(wide(a), rounding));
}
float saturated(float a) { return a >= 1 ? 1.0f : a > 0 ? a : 0.0f; }
float flushed(float a) { return canonical(std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a); }
float of_bfloat(Bfloat a) { return bits_as<float>((uint32_t)a.bits << 16); }  // keeps the payload of a NaN

// The first operand goes to the upper half.
template <class T, Rounding rounding>
uint32_t pair(float a, float b) {
    return (uint32_t)narrow<T, float, rounding>(a).bits << 16 | narrow<T, float, rounding>(b).bits;
}
template <const Format &format>
uint16_t pair8(float a, float b) {
    return (uint16_t)(rounded(format, exact((double)a), Rounding::nearest, true) << 8 |
                      rounded(format, exact((double)b), Rounding::nearest, true));
}
template <const Format &format>
uint16_t pair8_of_halves(uint32_t halves) {
    return pair8<format>((float)decoded(f16, halves >> 16), (float)decoded(f16, halves & 0xffff));
}
template <const Format &format>
uint32_t halves_of_pair8(uint16_t pair) {
    const auto half = [](uint8_t bits) {
        return (uint32_t)rounded(f16, exact(decoded(format, bits)), Rounding::nearest);
    };
    return half((uint8_t)(pair >> 8)) << 16 | half((uint8_t)pair);
}

std::string cvt(const char *mode, const std::string &to, const std::string &from) {
    return "cvt." + std::string(mode) + (*mode == '\0' ? "" : ".") + to + "." + from;
}

// Where a value may be out of range; elsewhere PTX has no .sat.
template <class To, class From>
void add_saturated(Rows &rows, const std::string &to, const std::string &from) {
    using L = std::numeric_limits<To>;
    using F = std::numeric_limits<From>;
    if ((__int128)F::min() < (__int128)L::min() || (__int128)F::max() > (__int128)L::max()) {
        rows.push_back(convert_row<integer_saturated<To, From>>(cvt("sat", to, from)));
    }
}

template <class From>
void add_from_integer(Rows &rows, const std::string &from) {
    rows.insert(rows.end(), {convert_row<integer<uint8_t, From>>("cvt.u8." + from),
                             convert_row<integer<int8_t, From>>("cvt.s8." + from),
                             convert_row<integer<uint16_t, From>>("cvt.u16." + from),
                             convert_row<integer<int16_t, From>>("cvt.s16." + from),
                             convert_row<integer<uint32_t, From>>("cvt.u32." + from),
                             convert_row<integer<int32_t, From>>("cvt.s32." + from),
                             convert_row<integer<uint64_t, From>>("cvt.u64." + from),
                             convert_row<integer<int64_t, From>>("cvt.s64." + from),
                             convert_row<from_integer<Half, From, Rounding::nearest>>("cvt.rn.f16." + from),
                             convert_row<from_integer<float, From, Rounding::nearest>>("cvt.rn.f32." + from),
                             convert_row<from_integer<float, From, Rounding::zero>>("cvt.rz.f32." + from),
                             convert_row<from_integer<double, From, Rounding::nearest>>("cvt.rn.f64." + from)});
    add_saturated<uint8_t, From>(rows, "u8", from);
    add_saturated<int8_t, From>(rows, "s8", from);
    add_saturated<uint16_t, From>(rows, "u16", from);
    add_saturated<int16_t, From>(rows, "s16", from);
    add_saturated<uint32_t, From>(rows, "u32", from);
    add_saturated<int32_t, From>(rows, "s32", from);
}

template <class To, class From>
void add_to_integer(Rows &rows, const std::string &to, const std::string &from) {
    rows.insert(rows.end(), {convert_row<to_integer<To, From, Rounding::nearest>>(cvt("rni", to, from)),
                             convert_row<to_integer<To, From, Rounding::zero>>(cvt("rzi", to, from)),
                             convert_row<to_integer<To, From, Rounding::down>>(cvt("rmi", to, from)),
                             convert_row<to_integer<To, From, Rounding::up>>(cvt("rpi", to, from))});
}
template <class From>
void add_to_integers(Rows &rows, const std::string &from) {
    add_to_integer<uint8_t, From>(rows, "u8", from);
    add_to_integer<int8_t, From>(rows, "s8", from);
    add_to_integer<uint16_t, From>(rows, "u16", from);
    add_to_integer<int16_t, From>(rows, "s16", from);
    add_to_integer<uint32_t, From>(rows, "u32", from);
    add_to_integer<int32_t, From>(rows, "s32", from);
    add_to_integer<uint64_t, From>(rows, "u64", from);
    add_to_integer<int64_t, From>(rows, "s64", from);
}

template <class T>
void add_whole(Rows &rows, const std::string &type) {
    rows.insert(rows.end(), {convert_row<whole<T, Rounding::nearest>>(cvt("rni", type, type)),
                             convert_row<whole<T, Rounding::zero>>(cvt("rzi", type, type)),
                             convert_row<whole<T, Rounding::down>>(cvt("rmi", type, type)),
                             convert_row<whole<T, Rounding::up>>(cvt("rpi", type, type))});
}

template <class To, class From>
void add_narrow(Rows &rows, const std::string &to, const std::string &from) {
    rows.push_back(convert_row<narrow<To, From, Rounding::nearest>>(cvt("rn", to, from)));
    rows.push_back(convert_row<narrow<To, From, Rounding::zero>>(cvt("rz", to, from)));
}

}  // namespace

void add_convert_rows(Rows &rows) {
    add_from_integer<uint8_t>(rows, "u8");
    add_from_integer<int8_t>(rows, "s8");
    add_from_integer<uint16_t>(rows, "u16");
    add_from_integer<int16_t>(rows, "s16");
    add_from_integer<uint32_t>(rows, "u32");
    add_from_integer<int32_t>(rows, "s32");
    add_from_integer<uint64_t>(rows, "u64");
    add_from_integer<int64_t>(rows, "s64");
    add_to_integers<Half>(rows, "f16");
    add_to_integers<float>(rows, "f32");
    add_to_integers<double>(rows, "f64");
    add_whole<Half>(rows, "f16");
    add_whole<float>(rows, "f32");
    add_whole<double>(rows, "f64");
    add_narrow<Half, float>(rows, "f16", "f32");
    add_narrow<Bfloat, float>(rows, "bf16", "f32");
    add_narrow<Half, double>(rows, "f16", "f64");
    add_narrow<float, double>(rows, "f32", "f64");
    rows.insert(
        rows.end(),
        {convert_row<narrow<float, Half, Rounding::nearest>>("cvt.f32.f16", "ftz"),
         convert_row<narrow<double, Half, Rounding::nearest>>("cvt.f64.f16"),
         convert_row<narrow<double, float, Rounding::nearest>>("cvt.f64.f32"), convert_row<of_bfloat>("cvt.f32.bf16"),
         convert_row<saturated>("cvt.sat.f32.f32"), convert_row<flushed>("cvt.ftz.f32.f32"),
         row<pair<Half, Rounding::nearest>>("cvt.rn.f16x2.f32"), row<pair<Half, Rounding::zero>>("cvt.rz.f16x2.f32"),
         row<pair<Bfloat, Rounding::nearest>>("cvt.rn.bf16x2.f32"),
         row<pair<Bfloat, Rounding::zero>>("cvt.rz.bf16x2.f32"), row<pair8<e4m3>>("cvt.rn.satfinite.e4m3x2.f32"),
         row<pair8<e5m2>>("cvt.rn.satfinite.e5m2x2.f32"), row<pair8_of_halves<e4m3>>("cvt.rn.satfinite.e4m3x2.f16x2"),
         row<pair8_of_halves<e5m2>>("cvt.rn.satfinite.e5m2x2.f16x2"), row<halves_of_pair8<e4m3>>("cvt.rn.f16x2.e4m3x2"),
         row<halves_of_pair8<e5m2>>("cvt.rn.f16x2.e5m2x2")});
}

}  // namespace ptx
