// SPDX-License-Identifier: MIT
// a * b + c. Rounded once, by the target's instruction, where it has one; else twice, by a multiplication and an
// addition. And division by what many values are divided by, which is quicker with it.
#pragma once

#include <Halide.h>

namespace norma {

// For an algorithm's fp32 expressions; FusedMultiplyAddPass gives it a meaning.
Halide::Expr fused_multiply_add(const Halide::Expr &a, const Halide::Expr &b, const Halide::Expr &c);

// `value` + `addend`, where the value is a product plus zero: with the addend in the place of zero.
Halide::Expr with_addend(const Halide::Expr &value, const Halide::Expr &addend);

// value / divisor, correctly rounded where neither overflows and the quotient is at least 2^-30 in magnitude, with
// `inverse` = 1 / divisor. The divisor lies between 2^-64 and 2^64. Beyond 2^100 the quotient is infinite or about as
// large; NaN stays NaN.
Halide::Expr quotient(const Halide::Expr &value, const Halide::Expr &divisor, const Halide::Expr &inverse);

class FusedMultiplyAddPass : public Halide::Internal::IRMutator {
public:
    explicit FusedMultiplyAddPass(bool native) : native_(native) {}

protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    bool native_;
};

}  // namespace norma
