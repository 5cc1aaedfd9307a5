// SPDX-License-Identifier: MIT
// A sum or maximum over the lanes of a warp is written as rotations by powers of two, which Halide lowers to two
// shuffles and a select each. Exchanging lanes pairwise gives every lane the same total, by one shuffle. Over a part of
// the lanes it is written as such exchanges, which Halide lowers to a shuffle by an index.
#pragma once

#include <Halide.h>

#include "kernel_pass.h"

namespace norma {

class ButterflyPass : public KernelPass {
public:
    // Throws std::logic_error unless there are `expected` of both, and no other shuffle but reading one lane.
    explicit ButterflyPass(int expected) : expected_(expected) {}

protected:
    void finish() override;
    using KernelPass::visit;
    Halide::Expr visit(const Halide::Internal::Select *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    Halide::Expr exchange(const Halide::Internal::Call *op, const Halide::Expr &distance);

    int expected_, exchanges_ = 0;
};

}  // namespace norma
