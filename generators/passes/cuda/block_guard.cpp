// SPDX-License-Identifier: MIT
#include "block_guard.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt BlockGuardPass::visit(const For *op) {
    if (op->for_type != ForType::GPUBlock) {
        return KernelPass::visit(op);
    }
    ScopedValue<std::string> block(block_, op->name);
    ScopedValue<Expr> last(last_block_, op->min + op->extent - 1);
    return KernelPass::visit(op);
}

// What holds in the last block, and ceases to hold at most once on the way there.
Stmt BlockGuardPass::visit(const IfThenElse *op) {
    const Expr condition = expanded(op->condition);
    const bool holds = !block_.empty() && expr_uses_var(condition, block_) &&
                       is_monotonic(condition, block_) == Monotonic::Decreasing &&
                       can_prove(substitute(block_, last_block_, condition));
    return holds ? mutate(op->then_case) : IRMutator::visit(op);
}

}  // namespace norma
