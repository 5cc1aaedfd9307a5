// SPDX-License-Identifier: MIT
// Stores of 8-bit elements that are the low bytes of 32-bit numbers, or what `and` and `or` make of several: vectors of
// numbers are put into one by shifts, its bytes in order by a permutation, and then combined. Narrowed one by one, each
// takes two instructions and another to join it.
#pragma once

#include <Halide.h>

namespace norma {

// Adding 1.5 * 2^23 leaves a spacing of 1, so the addition rounds, and the integer is in the low bits.
constexpr float to_integer = 12582912.0f;

// Where the numbers come from bf16, they are computed two by two (half_pairs.h); int8 that are rounded by `to_integer`,
// and are from -127 to 127, in one sum for two. Before FusedMultiplyAddPass and HalfConvertPass.
class PackedBytesPass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
};

}  // namespace norma
