// SPDX-License-Identifier: MIT
// Sums of bf16 two by two (half_pairs.h): in a loop that adds vectors to lanes, even elements go to one vector of lanes
// and odd ones to another. The lanes are put in that order before the loop and back after it, so each adds what it
// added before, and no bit changes. So is the largest of a vector.
#pragma once

#include <Halide.h>

namespace norma {

class PairedSumsPass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Expr visit(const Halide::Internal::VectorReduce *op) override;
};

}  // namespace norma
