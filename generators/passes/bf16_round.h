// SPDX-License-Identifier: MIT
// How fp32 becomes bf16: to nearest even, NaN stays NaN, denormals kept. By integer arithmetic on the bits; or, where the
// target has it, by the conversion instruction. That flushes denormals, so a block with a zero result takes the other way.
#pragma once

#include <Halide.h>

namespace norma {

// The bits (uint16) of `value` rounded to bf16, for an algorithm's expressions. Bf16RoundPass gives it a meaning.
Halide::Expr bf16_bits(const Halide::Expr &value);

class Bf16RoundPass : public Halide::Internal::IRMutator {
public:
    explicit Bf16RoundPass(bool native) : native_(native) {}

protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    bool native_;
};

}  // namespace norma
