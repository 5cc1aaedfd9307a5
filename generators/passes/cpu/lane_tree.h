// SPDX-License-Identifier: MIT
// The last step of a sum over a row: the lanes of a vector are added in halves, in registers. A fixed tree in strict
// arithmetic, where Halide would add lane after lane (strict) or let LLVM choose the order (not strict). In float64, so
// that it adds no error of its own; more than `wide` lanes are first added in fp32, which is a quarter of the work.
// Where the loop over rows is a vector, no longer than the lanes are many, rows share the vectors of the last halves;
// each row's tree stays the same.
#pragma once

#include <Halide.h>

namespace norma {

// The float64 sum of f(0, at) .. f(lanes - 1, at), for an algorithm's expressions; `i` is the element of a Tuple.
Halide::Expr lane_tree(const Halide::Func &f, int lanes, int wide, const Halide::Expr &at, int i);

// The first steps alone, to as many lanes as the loop over `lane` is vectorized by. Of integers, the larger ones.
Halide::Expr fold_lanes(const Halide::Func &f, int lanes, int wide, const Halide::Var &lane, const Halide::Expr &at,
                        int i);

// Turns those calls to vector code; without it they do not link.
class LaneTreePass : public Halide::Internal::IRMutator {
protected:
    using IRMutator::visit;
    Halide::Expr visit(const Halide::Internal::Call *op) override;
};

}  // namespace norma
