// SPDX-License-Identifier: MIT
#include "block_guard.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

struct FindOutput : IRVisitor {
    using IRVisitor::visit;
    void visit(const Store *op) override { found = found || op->param.defined(); }
    bool found = false;
};

bool stores_output(const Stmt &stmt) {
    FindOutput output;
    stmt.accept(&output);
    return output.found;
}

}  // namespace

Stmt BlockGuardPass::visit(const For *op) {
    if (op->for_type != ForType::GPUBlock) {
        return KernelPass::visit(op);
    }
    ScopedValue<std::string> block(block_, op->name);
    ScopedValue<Expr> last(last_block_, op->min + op->extent - 1);
    return KernelPass::visit(op);
}

// Holds in every block: what holds in the last one, and ceases to hold at most once on the way there.
Expr BlockGuardPass::needed(const Expr &condition, bool stores) const {
    if (const And *both = condition.as<And>()) {
        return simplify(needed(both->a, stores) && needed(both->b, stores));
    }
    if (!expr_uses_var(condition, block_) || is_monotonic(condition, block_) != Monotonic::Decreasing) {
        return condition;
    }
    return !stores || can_prove(substitute(block_, last_block_, condition)) ? const_true() : condition;
}

Stmt BlockGuardPass::visit(const IfThenElse *op) {
    if (block_.empty() || op->else_case.defined()) {
        return IRMutator::visit(op);
    }
    const Expr condition = needed(simplify(expanded(op->condition)), stores_output(op->then_case));
    const Stmt body = mutate(op->then_case);
    return is_const_one(condition) ? body : IfThenElse::make(condition, body);
}

}  // namespace norma
