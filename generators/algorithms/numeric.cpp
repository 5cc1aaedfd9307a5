// SPDX-License-Identifier: MIT
#include "numeric.h"

#include <cmath>
#include <stdexcept>

#include "generators/passes/half_convert.h"

namespace norma {

using namespace Halide;

Type halide_type(norma_dtype type) {
    const DtypeInfo &info = info_of(type);
    switch (info.kind) {
        case ElementKind::floating: return Float(8 * info.bytes);
        case ElementKind::bfloating: return BFloat(8 * info.bytes);
        case ElementKind::signed_integer: return Int(8 * info.bytes);
        case ElementKind::unsigned_integer:
        case ElementKind::eight_bit_floating: return UInt(8 * info.bytes);
        case ElementKind::none: break;
    }
    throw std::logic_error("a tensor that is absent has no type");
}

Expr widen(Expr value) {
    return value.type().is_int() ? cast<float>(value) : value.type().bits() == 16 ? half_to_float(value) : value;
}

namespace {

Expr bits_of(const Expr &value) { return reinterpret<uint32_t>(value); }
Expr constant(uint32_t bits) { return Internal::make_const(UInt(32), bits); }

// Adding 1.5 * 2^23 leaves a spacing of 1, so the addition rounds, and the integer is in the low bits.
const float to_integer = 12582912.0f;

Expr known(const Expr &value) { return select(value == value, value, 0.0f); }

// Of a value that is not NaN, and that rounds to a number of the type.
Expr float_to_integer(Type type, const Expr &value) { return cast(type, reinterpret<int32_t>(value + to_integer)); }

// An 8-bit float with the largest magnitude `most`, whose exponent is biased by `bias` and whose mantissa has
// `mantissa` bits. As float_to_f16 in half_convert.cpp.
Expr float_to_f8(const Expr &value, int bias, int mantissa, float most, uint32_t nan) {
    int dropped = 23 - mantissa;
    Expr magnitude = magnitude_bits(value), sign = (bits_of(value) >> 24) & constant(0x80);
    Expr held = min(magnitude, bits_of(Expr(most)));
    Expr odd = (held >> dropped) & constant(1);
    uint32_t rebias = (uint32_t)(127 - bias) << 23, half = (1u << (dropped - 1)) - 1;
    Expr normal = (held - constant(rebias) + constant(half) + odd) >> dropped;
    // The spacing of denormals, 2^(1 - bias - mantissa), put at the last bit.
    Expr shift = Internal::make_const(Float(32), std::ldexp(1.0, 23 + 1 - bias - mantissa));
    Expr denormal = bits_of(reinterpret<float>(held) + shift) - bits_of(shift);
    Expr rounded = select(held < constant((uint32_t)(128 - bias) << 23), denormal, normal);
    return cast<uint8_t>(sign | select(magnitude > constant(0x7f800000), constant(nan), rounded));
}

}  // namespace

Expr magnitude_bits(const Expr &value) { return bits_of(value) & constant(0x7fffffff); }

Expr narrow(norma_dtype type, Expr value) {
    if (value.type() == halide_type(type)) {
        return value;
    }
    switch (type) {
        case NORMA_F16:
        case NORMA_BF16: return float_to_half(halide_type(type), value);
        case NORMA_I8: return float_to_integer(Int(8), clamp(known(value), -127.0f, 127.0f));
        case NORMA_U8: return float_to_integer(UInt(8), clamp(known(value), 0.0f, 255.0f));
        case NORMA_F8_E4M3: return float_to_f8(value, 7, 3, info_of(type).max_finite, 0x7f);
        case NORMA_F8_E5M2: return float_to_f8(value, 15, 2, info_of(type).max_finite, 0x7e);
        default: return value;
    }
}

Expr narrow_within(norma_dtype type, Expr value) {
    return type == NORMA_I8 ? float_to_integer(Int(8), known(value)) : narrow(type, std::move(value));
}

Expr round_to_integer(const Expr &value) {
    Expr rounded = (clamp(value, -0x1p20f, 0x1p20f) + to_integer) - to_integer;
    return select(value == value, rounded, value);
}

Expr round_to(norma_dtype type, Expr value) {
    return type == NORMA_F32 ? value : widen(narrow(type, std::move(value)));
}

Expr rounding_error(const Expr &before, const Expr &added, const Expr &after) {
    const Expr as_added = after - before;
    return (before - (after - as_added)) + (added - as_added);
}

}  // namespace norma
