// SPDX-License-Identifier: MIT
// Halide asks in each part of a kernel whether the block, and the row of it, is there, which keeps LLVM from using in
// one part what another has computed. Every block that is launched is there. A row beyond the last stands for the last
// one, so only what it would store depends on whether it is there.
#pragma once

#include "kernel_pass.h"

namespace norma {

class BlockGuardPass : public KernelPass {
protected:
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::IfThenElse *op) override;

private:
    Halide::Expr needed(const Halide::Expr &condition, bool stores) const;

    std::string block_;
    Halide::Expr last_block_;
};

}  // namespace norma
