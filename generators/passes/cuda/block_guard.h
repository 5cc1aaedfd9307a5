// SPDX-License-Identifier: MIT
// Where a block has one row, or a part of one, every block that is launched has a row. Halide asks in each part of the
// kernel all the same, which would keep LLVM from using in one part what another has computed.
#pragma once

#include "kernel_pass.h"

namespace norma {

class BlockGuardPass : public KernelPass {
protected:
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::IfThenElse *op) override;

private:
    std::string block_;
    Halide::Expr last_block_;
};

}  // namespace norma
