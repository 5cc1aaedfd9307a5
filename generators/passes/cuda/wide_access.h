// SPDX-License-Identifier: MIT
// Dense, aligned vectors in a CUDA kernel reach global memory 16 bytes at a time, or all at once where they are
// shorter: as u32 or f32 pieces, since LLVM splits vectors of narrower elements and of more than 4. Or, for the same
// bits from data of any alignment, one element at a time.
#pragma once

#include <Halide.h>

namespace norma {

class WideAccessPass : public Halide::Internal::IRMutator {
public:
    // Throws std::logic_error where an access of more than one element is not dense, or not as aligned as its pieces.
    explicit WideAccessPass(bool any_alignment) : any_alignment_(any_alignment) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

private:
    bool any_alignment_, in_kernel_ = false;
};

}  // namespace norma
