// SPDX-License-Identifier: MIT
// A sum or maximum over the lanes of a warp is written as rotations by powers of two, which Halide lowers to two
// shuffles and a select each. Exchanging lanes pairwise gives every lane the same total, by one shuffle. Over a part of
// the lanes it is written as such exchanges, which Halide lowers to a shuffle by an index. To read from one lane what
// every lane has needs no shuffle.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <utility>

#include "kernel_pass.h"

namespace norma {

class ButterflyPass : public KernelPass {
public:
    // Throws std::logic_error unless there are `expected` of both, and no other shuffle but reading one lane.
    // `same`: Funcs that have one value in all lanes of a row.
    explicit ButterflyPass(int expected, std::set<std::string> same = {})
        : expected_(expected), same_(std::move(same)) {}

protected:
    void finish() override;
    using KernelPass::visit;
    Halide::Expr visit(const Halide::Internal::Select *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    bool is_same(const Halide::Expr &value) const;
    Halide::Expr exchange(const Halide::Internal::Call *op, const Halide::Expr &distance);

    int expected_, exchanges_ = 0;
    std::set<std::string> same_;
};

}  // namespace norma
