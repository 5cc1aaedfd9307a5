// SPDX-License-Identifier: MIT
// a * b + c. Rounded once, by the target's instruction, where it has one; else twice, by a multiplication and an
// addition. And division by what many values are divided by, which is quicker with it.
#pragma once

#include <Halide.h>

namespace norma {

// For an algorithm's fp32 expressions; FusedMultiplyAddPass gives it a meaning.
Halide::Expr fused_multiply_add(const Halide::Expr &a, const Halide::Expr &b, const Halide::Expr &c);

// The call that this made; null if the value is another.
const Halide::Internal::Call *as_fused_multiply_add(const Halide::Expr &value);

// `value` + `addend`, where the value is a product plus zero: with the addend in the place of zero.
Halide::Expr with_addend(const Halide::Expr &value, const Halide::Expr &addend);

// 1 / divisor in two parts: the nearest fp32 number, and what it lacks.
struct Inverse {
    Halide::Expr nearest, error;
};
Inverse inverse_of(const Halide::Expr &divisor);

// value / divisor, correctly rounded where it is at least 2^-30 in magnitude. The divisor lies between 2^-64 and 2^64,
// the quotient within 2^20; NaN stays NaN.
Halide::Expr quotient(const Halide::Expr &value, const Halide::Expr &divisor, const Inverse &inverse);

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
