// SPDX-License-Identifier: MIT
#include "strip.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt StripPass::visit(const For *op) {
    if (op->for_type == ForType::GPUBlock) {
        ScopedValue<std::string> block(block_loop_, op->name);
        ScopedValue<Expr> blocks(blocks_, op->extent);
        return IRMutator::visit(op);
    }
    if (op->for_type == ForType::GPUThread || op->for_type == ForType::GPULane) {
        threads_.push_back(op->name);
        Stmt stmt = IRMutator::visit(op);
        threads_.pop_back();
        return stmt;
    }
    if (block_loop_.empty() || !ends_with(op->name, "." + step_)) {
        return IRMutator::visit(op);
    }
    ScopedValue<std::string> step(step_loop_, op->name);
    return visit_step(op);
}

Stmt StripPass::visit(const LetStmt *op) {
    if (block_loop_.empty()) {
        return IRMutator::visit(op);
    }
    lets_.emplace_back(op->name, op->value);
    Stmt stmt = IRMutator::visit(op);
    lets_.pop_back();
    return stmt;
}

Expr StripPass::strip() const {
    return rows_ == 1 ? block() : block() * rows_ + Variable::make(Int(32), threads_.front());
}

Expr StripPass::expanded(Expr value) const {
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
        if (expr_uses_var(value, let->first)) {
            value = substitute(let->first, let->second, value);
        }
    }
    return substitute_in_all_lets(value);
}

}  // namespace norma
