// SPDX-License-Identifier: MIT
#include "numeric.h"

#include <cmath>
#include <stdexcept>

#include "generators/passes/fused_multiply_add.h"
#include "generators/passes/half_convert.h"
#include "generators/passes/packed_bytes.h"

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

// Of a value that rounds to a number of the type; NaN becomes 0.
Expr float_to_integer(Type type, const Expr &value) {
    return cast(type, reinterpret<int32_t>(select(value == value, value + to_integer, 0.0f)));
}

struct EightBitFloat {
    int bias, mantissa;
    float nan;  // the number that NaN's code would be
};

const EightBitFloat e4m3{7, 3, 480.0f}, e5m2{15, 2, 98304.0f};

// 7 bits, in the low byte, of a magnitude that rounds to a number of the type or to NaN's. Adding 2^(dropped bits)
// times the power of two below it leaves the spacing that the type has there, so the addition rounds; no power below
// that of denormals. The low byte of the sum is what is to be added to the code of that power.
Expr code_of_magnitude(const EightBitFloat &type, const Expr &magnitude) {
    const int dropped = 23 - type.mantissa;
    const uint32_t least = 128 - type.bias;
    Expr power = max(bits_of(magnitude) & constant(0x7f800000), constant(least << 23));
    const uint32_t code_of_least = (uint8_t) - (least << type.mantissa);
    Expr spacing = reinterpret<float>(constant(((uint32_t)(127 + dropped) << 23) + code_of_least));
    return bits_of(fused_multiply_add(reinterpret<float>(power), spacing, magnitude)) + (power >> dropped);
}

Expr magnitude_of(const Expr &value) { return reinterpret<float>(magnitude_bits(value)); }

// The highest bit is the sign, and those of NaN are those of an 8-bit float's NaN.
Expr top_byte(const Expr &value) { return cast<uint8_t>(bits_of(value) >> 24); }

// Of a value that rounds to a number of the type, or NaN.
Expr float_to_f8(const EightBitFloat &type, const Expr &value) {
    Expr magnitude = magnitude_of(value);
    Expr held = select(magnitude < type.nan, magnitude, type.nan);
    return cast<uint8_t>(code_of_magnitude(type, held)) | (top_byte(value) & cast<uint8_t>(0x80));
}

Expr scaled_to_f8(const EightBitFloat &type, const Expr &value, const Expr &inverse) {
    Expr scaled = value * inverse;
    Expr code = cast<uint8_t>(code_of_magnitude(type, magnitude_of(scaled)));
    return code | (top_byte(scaled) & select(inverse > 0.0f, cast<uint8_t>(0x80), cast<uint8_t>(0xff)));
}

}  // namespace

Expr within(const Expr &value, const Expr &least, const Expr &most) {
    Expr below = select(value > most, most, value);
    return select(below < least, least, below);
}

Expr magnitude_bits(const Expr &value) { return bits_of(value) & constant(0x7fffffff); }

Expr narrow(norma_dtype type, Expr value) {
    if (value.type() == halide_type(type)) {
        return value;
    }
    switch (type) {
        case NORMA_F16:
        case NORMA_BF16: return float_to_half(halide_type(type), value);
        case NORMA_I8:
        case NORMA_F8_E4M3:
        case NORMA_F8_E5M2:
            return narrow_within(type, within(value, -info_of(type).max_finite, info_of(type).max_finite));
        case NORMA_U8: return float_to_integer(UInt(8), within(value, 0.0f, 255.0f));
        default: return value;
    }
}

Expr narrow_within(norma_dtype type, Expr value) {
    switch (type) {
        case NORMA_I8: return float_to_integer(Int(8), value);
        case NORMA_F8_E4M3: return float_to_f8(e4m3, value);
        case NORMA_F8_E5M2: return float_to_f8(e5m2, value);
        default: return narrow(type, std::move(value));
    }
}

Expr narrow_scaled(norma_dtype type, const Expr &value, const Expr &inverse) {
    switch (type) {
        case NORMA_I8: {
            Expr rounded = cast<int8_t>(reinterpret<int32_t>(fused_multiply_add(value, inverse, to_integer)));
            return rounded & select(inverse > 0.0f, cast<int8_t>(-1), cast<int8_t>(0));
        }
        case NORMA_F8_E4M3: return scaled_to_f8(e4m3, value, inverse);
        case NORMA_F8_E5M2: return scaled_to_f8(e5m2, value, inverse);
        default: throw std::logic_error("only int8 and FP8 have a scale that a kernel finds");
    }
}

Expr round_to_integer(const Expr &value) { return (value + to_integer) - to_integer; }

Expr round_to(norma_dtype type, Expr value) {
    return type == NORMA_F32 ? value : widen(narrow(type, std::move(value)));
}

Expr rounding_error(const Expr &before, const Expr &added, const Expr &after) {
    const Expr as_added = after - before;
    return (before - (after - as_added)) + (added - as_added);
}

}  // namespace norma
