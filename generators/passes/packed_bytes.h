// SPDX-License-Identifier: MIT
// Stores of 8-bit elements that are the low bytes of 32-bit numbers: four vectors are put into one by shifts, and its
// bytes in order by one permutation. Narrowed one by one, each takes two instructions and another to join it.
#pragma once

#include <Halide.h>

namespace norma {

// Before HalfConvertPass: where the numbers come from bf16, they are computed two by two (half_pairs.h).
class PackedBytesPass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
};

}  // namespace norma
