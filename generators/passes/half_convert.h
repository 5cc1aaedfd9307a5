// SPDX-License-Identifier: MIT
// Conversions between fp32 and the 16-bit types: exact one way, to nearest even the other; NaN stays NaN and denormals
// stay. By the target's instructions where it has them and they do that, else by integer arithmetic with the same bits.
#pragma once

#include <Halide.h>

namespace norma {

// For an algorithm's expressions; HalfConvertPass gives them a meaning.
Halide::Expr half_to_float(const Halide::Expr &value);                            // of f16 or bf16
Halide::Expr float_to_half(const Halide::Type &type, const Halide::Expr &value);  // to f16 or bf16

bool is_half_to_float(const Halide::Internal::Call *call);

class HalfConvertPass : public Halide::Internal::IRMutator {
public:
    HalfConvertPass(bool native_f16, bool native_bf16) : native_f16_(native_f16), native_bf16_(native_bf16) {}

protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    Halide::Internal::Stmt store_rounded_by_hardware(const Halide::Internal::Store *op, const Halide::Expr &value);

    bool native_f16_, native_bf16_;
};

}  // namespace norma
