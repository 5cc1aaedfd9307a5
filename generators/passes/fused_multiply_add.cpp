// SPDX-License-Identifier: MIT
#include "fused_multiply_add.h"

#include "strict.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const name = "norma_fused_multiply_add";
const char *const quotient_name = "norma_quotient";

// Halide splits it into its lanes, and LLVM joins them again.
Expr fma(const Expr &a, const Expr &b, const Expr &c) {
    return Call::make(a.type(), "llvm.fma.f32", {a, b, c}, Call::PureExtern);
}

// Markstein 1990, "Computation of elementary functions on the IBM RISC System/6000 processor", theorem 8: what is left
// of a faithful quotient, times the correctly rounded inverse, corrects it. The first product may be off by more than
// that.
Expr corrected_quotient(const Expr &value, const Expr &divisor, const Expr &inverse) {
    const Type type = value.type();
    const std::string names[] = {unique_name("product"), unique_name("faithful")};
    const Expr product = Variable::make(type, names[0]), faithful = Variable::make(type, names[1]);
    const Expr minus_divisor = strict(Call::strict_sub, make_zero(type), divisor);
    auto correct = [&](const Expr &q) { return fma(fma(q, minus_divisor, value), inverse, q); };
    // What is left of an infinite product is no number.
    const Expr in_range = Call::make(type.with_code(Type::UInt).with_bits(1), Call::strict_lt,
                                     {abs(product), make_const(type, 0x1p100)}, Call::PureIntrinsic);
    return Let::make(names[0], strict(Call::strict_mul, value, inverse),
                     Let::make(names[1], correct(product), Select::make(in_range, correct(faithful), product)));
}

}  // namespace

Expr fused_multiply_add(const Expr &a, const Expr &b, const Expr &c) {
    return Call::make(Float(32), name, {a, b, c}, Call::PureExtern);
}

Expr quotient(const Expr &value, const Expr &divisor, const Expr &inverse) {
    return Call::make(Float(32), quotient_name, {value, divisor, inverse}, Call::PureExtern);
}

Expr with_addend(const Expr &value, const Expr &addend) {
    const Call *fused = value.as<Call>();
    if (fused != nullptr && fused->name == name && is_const_zero(fused->args[2])) {
        return Call::make(fused->type, name, {fused->args[0], fused->args[1], addend}, Call::PureExtern);
    }
    return strict(Call::strict_add, value, addend);
}

Expr FusedMultiplyAddPass::visit(const Call *op) {
    if (op->name != name && op->name != quotient_name) {
        return IRMutator::visit(op);
    }
    const Expr a = mutate(op->args[0]), b = mutate(op->args[1]), c = mutate(op->args[2]);
    if (op->name == quotient_name) {
        const std::string value = unique_name("dividend");
        return native_ ? Let::make(value, a, corrected_quotient(Variable::make(a.type(), value), b, c))
                       : strict(Call::strict_div, a, b);
    }
    return native_ ? fma(a, b, c) : strict(Call::strict_add, strict(Call::strict_mul, a, b), c);
}

}  // namespace norma
