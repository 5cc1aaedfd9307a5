// SPDX-License-Identifier: MIT
// The last elements of a row, fewer than are stored at once, on CPUs without masks for their type: there a masked store
// is a branch for each of its lanes, 64 times the code of an element.
#pragma once

#include <Halide.h>

namespace norma {

// A store of the first lanes of a vector becomes a loop over registers of `register_lanes`, then one masked register,
// or a loop over the elements that are left, with the same bits. `least_masked_bits`: of an element of a register that
// the CPU can mask.
class TailLoopPass : public Halide::Internal::IRMutator {
public:
    TailLoopPass(int register_lanes, int least_masked_bits)
        : register_lanes_(register_lanes), least_masked_bits_(least_masked_bits) {}

private:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;

    int register_lanes_, least_masked_bits_;
};

}  // namespace norma
