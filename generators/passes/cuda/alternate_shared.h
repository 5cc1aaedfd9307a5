// SPDX-License-Identifier: MIT
// What a block shares in one step of a loop lies elsewhere than what it shared in the step before: then no thread waits
// for the others to have read it.
#pragma once

#include <Halide.h>

#include <map>
#include <string>

namespace norma {

class AlternateSharedPass : public Halide::Internal::IRMutator {
public:
    // Throws std::logic_error where shared memory is used outside of the serial loop `step`, or none is.
    explicit AlternateSharedPass(std::string step) : step_(std::move(step)) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;

private:
    Halide::Expr shifted(const std::string &name, const Halide::Expr &index) const;

    std::string step_;
    Halide::Expr odd_;  // in the loop, whether the step is
    std::map<std::string, int> sizes_;
    int accesses_ = 0, depth_ = 0;
};

}  // namespace norma
