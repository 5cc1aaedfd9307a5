// SPDX-License-Identifier: MIT
// What a block shares lies elsewhere than what it shared before: then no thread waits for the others to have read that.
// Two places are enough, since between two uses of one lies the barrier of the other.
#pragma once

#include <map>
#include <string>

#include "kernel_pass.h"

namespace norma {

class DoubleBufferedSharedPass : public KernelPass {
public:
    // Of a kernel whose threads share values `exchanges` times, each with a barrier between the stores and the loads;
    // or as many times in each step of the serial loop `step`. Throws std::logic_error where that is not so.
    explicit DoubleBufferedSharedPass(int exchanges, std::string step = "")
        : exchanges_(exchanges), step_(std::move(step)) {}

protected:
    void finish() override;
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Evaluate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;

private:
    // The index in the place of that exchange.
    Halide::Expr placed(const std::string &name, const Halide::Expr &index, int exchange) const;

    int exchanges_;
    std::string step_;
    Halide::Expr steps_before_;
    std::map<std::string, int> sizes_;
    int exchanged_ = 0;
};

}  // namespace norma
