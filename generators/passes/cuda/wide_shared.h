// SPDX-License-Identifier: MIT
// Four numbers side by side in shared memory, where they are known to be aligned, come by one 16-byte load.
#pragma once

#include <set>

#include "kernel_pass.h"

namespace norma {

class WideSharedPass : public KernelPass {
protected:
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;

private:
    std::set<std::string> shared_;
};

}  // namespace norma
