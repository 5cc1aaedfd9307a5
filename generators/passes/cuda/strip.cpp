// SPDX-License-Identifier: MIT
#include "strip.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt StripPass::visit(const For *op) {
    if (op->for_type == ForType::GPUBlock) {
        ScopedValue<std::string> block(block_loop_, op->name);
        ScopedValue<Expr> blocks(blocks_, op->extent);
        return KernelPass::visit(op);
    }
    if (block_loop_.empty() || !ends_with(op->name, "." + step_)) {
        return KernelPass::visit(op);
    }
    ScopedValue<std::string> step(step_loop_, op->name);
    return visit_step(op);
}

Expr StripPass::strip() const { return rows_ == 1 ? block() : block() * rows_ + outermost_thread(); }

}  // namespace norma
