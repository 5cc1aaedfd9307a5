// SPDX-License-Identifier: MIT
#include "numeric.h"

#include "passes/half_convert.h"

namespace norma {

using namespace Halide;

Type halide_type(DType type) {
    switch (type) {
        case DType::f16: return Float(16);
        case DType::bf16: return BFloat(16);
        default: return Float(32);
    }
}

Expr widen(Expr value) { return value.type().bits() == 16 ? half_to_float(value) : value; }

Expr narrow(DType type, Expr value) { return type == DType::f32 ? value : float_to_half(halide_type(type), value); }

Expr round_to(DType type, Expr value) { return type == DType::f32 ? value : widen(narrow(type, std::move(value))); }

}  // namespace norma
