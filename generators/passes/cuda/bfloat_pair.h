// SPDX-License-Identifier: MIT
// bf16 by pairs in 32-bit words: two are widened by a shift and a mask, and two fp32 numbers are rounded by one
// instruction, which keeps denormals and makes every NaN the canonical one. Halide cannot say that instruction, so the
// pass calls a function that does not exist, and finish_ptx puts the instruction in its place.
#pragma once

#include <Halide.h>

namespace norma {

// uint32(float low, float high): calls of it in PTX stand for the instruction that rounds both to bf16.
inline constexpr const char *bfloat_pair_function = "norma_bfloat_pair";

// Before HalfConvertPass, which leaves such conversions to integer arithmetic on each element.
class BfloatPairPass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override;
};

}  // namespace norma
