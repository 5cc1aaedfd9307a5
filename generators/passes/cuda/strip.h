// SPDX-License-Identifier: MIT
// What passes know of a kernel whose threads take one row of a strip after the other, in the serial loop `step`.
#pragma once

#include <string>

#include "kernel_pass.h"

namespace norma {

class StripPass : public KernelPass {
public:
    // `rows` of a block are done at once, each of another strip.
    StripPass(std::string step, int rows) : step_(std::move(step)), rows_(rows) {}

protected:
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;

    virtual Halide::Internal::Stmt visit_step(const Halide::Internal::For *op) = 0;

    bool in_step() const { return !step_loop_.empty(); }
    Halide::Expr step() const { return Halide::Internal::Variable::make(Halide::Int(32), step_loop_); }
    Halide::Expr block() const { return Halide::Internal::Variable::make(Halide::Int(32), block_loop_); }
    Halide::Expr blocks() const { return blocks_; }  // of the launch
    Halide::Expr strip() const;                      // of this thread, among those of the launch
    static Halide::Expr strips() { return Halide::Internal::Variable::make(Halide::Int(32), "strips"); }

private:
    std::string step_;
    int rows_;
    std::string block_loop_, step_loop_;
    Halide::Expr blocks_;
};

}  // namespace norma
