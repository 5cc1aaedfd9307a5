// SPDX-License-Identifier: MIT
// A sweep that most rows do not need. Halide guards what a reduction stores, but not what is computed for it; this puts
// all of the sweep, from where its sums lie to what they come to, under the row's condition.
#pragma once

#include <Halide.h>

#include <set>
#include <string>
#include <vector>

namespace norma {

// For the values that a sweep comes to: undefined where the condition does not hold.
Halide::Expr only_where(const Halide::Expr &condition, const Halide::Expr &value);

// `usual` of most rows; `rare` of those for which the condition holds, of which each value may be of the same sweep.
Halide::Expr rarely(const Halide::Expr &condition, const Halide::Expr &rare, const Halide::Expr &usual);

// Values without such a choice: those of most rows, and the others. The condition is undefined where there is no
// choice.
struct Cases {
    Halide::Expr condition;
    std::vector<Halide::Expr> usual, rare;
};
Cases cases_of(const std::vector<Halide::Expr> &values);

// `sums`: the Funcs that the sweeps add up in; `rows`: at most so many are worked on together. A loop over those for
// which a condition holds is skipped at once where it holds for none.
class RareSweepPass : public Halide::Internal::IRMutator {
public:
    RareSweepPass(std::set<std::string> sums, int rows) : sums_(std::move(sums)), rows_(rows) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    std::set<std::string> sums_;
    int rows_;
    bool inside_ = false;
};

}  // namespace norma
