// SPDX-License-Identifier: MIT
#include "numeric.h"

#include "passes/bf16_round.h"

namespace norma {

using namespace Halide;

namespace {

// The element that widen() was given, if the value is that and nothing more.
Expr widened_from(const Expr &value) {
    if (const auto *cast = value.as<Internal::Cast>()) {
        return cast->value;
    }
    const auto *as_float = value.as<Internal::Reinterpret>();
    const auto *shift = as_float == nullptr ? nullptr : Internal::Call::as_intrinsic(as_float->value, {Internal::Call::shift_left});
    const auto *bits = shift == nullptr ? nullptr : shift->args[0].as<Internal::Cast>();
    const auto *element = bits == nullptr ? nullptr : bits->value.as<Internal::Reinterpret>();
    return element == nullptr ? Expr() : element->value;
}

}  // namespace

Type halide_type(DType type) {
    switch (type) {
    case DType::f16: return Float(16);
    case DType::bf16: return BFloat(16);
    default: return Float(32);
    }
}

Expr widen(Expr value) {
    if (value.type().is_bfloat()) {
        return reinterpret<float>(cast<uint32_t>(reinterpret<uint16_t>(std::move(value))) << 16);
    }
    return cast<float>(std::move(value));
}

Expr narrow(DType type, Expr value) {
    if (Expr stored = widened_from(value); stored.defined() && stored.type() == halide_type(type)) {
        return stored;
    }
    if (type == DType::bf16) {
        return reinterpret(BFloat(16), bf16_bits(std::move(value)));
    }
    return cast(halide_type(type), std::move(value));
}

Expr round_to(DType type, Expr value) {
    return type == DType::f32 ? value : widen(narrow(type, std::move(value)));
}

}  // namespace norma
