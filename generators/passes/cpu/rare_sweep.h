// SPDX-License-Identifier: MIT
// A sweep that most rows do not need. Halide guards what a reduction stores, but not what is computed for it; this puts
// all of the sweep, from where its sums lie to what they come to, under the row's condition.
#pragma once

#include <Halide.h>

#include <set>
#include <string>

namespace norma {

// For the values that a sweep comes to: undefined where the condition does not hold.
Halide::Expr only_where(const Halide::Expr &condition, const Halide::Expr &value);

// `sums`: the Funcs that the sweeps add up in.
class RareSweepPass : public Halide::Internal::IRMutator {
public:
    explicit RareSweepPass(std::set<std::string> sums) : sums_(std::move(sums)) {}

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Expr visit(const Halide::Internal::Call *op) override;

private:
    std::set<std::string> sums_;
    bool inside_ = false;
};

}  // namespace norma
