// SPDX-License-Identifier: MIT
// A sum or maximum over the lanes of a warp is written as rotations by powers of two, which Halide lowers to two
// shuffles and a select each. Exchanging lanes pairwise gives every lane the same total, by one shuffle.
#pragma once

#include <Halide.h>

namespace norma {

class ButterflyPass : public Halide::Internal::IRMutator {
public:
    // Throws std::logic_error unless there are `expected` rotations, and no other shuffle but reading one lane.
    explicit ButterflyPass(int expected) : expected_(expected) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Select *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    int expected_, rotations_ = 0, depth_ = 0;
};

}  // namespace norma
