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
// of a faithful quotient, times the correctly rounded inverse, corrects it. A product with both parts of the inverse is
// faithful.
Expr corrected_quotient(const Expr &value, const Expr &divisor, const Expr &inverse, const Expr &error) {
    const Type type = value.type();
    const std::string name = unique_name("faithful");
    const Expr faithful = Variable::make(type, name);
    const Expr minus_divisor = strict(Call::strict_sub, make_zero(type), divisor);
    return Let::make(name, fma(value, inverse, strict(Call::strict_mul, value, error)),
                     fma(fma(faithful, minus_divisor, value), inverse, faithful));
}

}  // namespace

Expr fused_multiply_add(const Expr &a, const Expr &b, const Expr &c) {
    return Call::make(a.type(), name, {a, b, c}, Call::PureExtern);
}

const Call *as_fused_multiply_add(const Expr &value) {
    const Call *call = value.as<Call>();
    return call != nullptr && call->name == name ? call : nullptr;
}

Inverse inverse_of(const Expr &divisor) {
    const Expr nearest = 1.0f / divisor;
    return {nearest, fused_multiply_add(-divisor, nearest, 1.0f) * nearest};
}

Expr quotient(const Expr &value, const Expr &divisor, const Inverse &inverse) {
    return Call::make(Float(32), quotient_name, {value, divisor, inverse.nearest, inverse.error}, Call::PureExtern);
}

Expr with_addend(const Expr &value, const Expr &addend) {
    const Call *fused = as_fused_multiply_add(value);
    if (fused != nullptr && is_const_zero(fused->args[2])) {
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
        return native_
                   ? Let::make(value, a, corrected_quotient(Variable::make(a.type(), value), b, c, mutate(op->args[3])))
                   : strict(Call::strict_div, a, b);
    }
    return native_ ? fma(a, b, c) : strict(Call::strict_add, strict(Call::strict_mul, a, b), c);
}

}  // namespace norma
