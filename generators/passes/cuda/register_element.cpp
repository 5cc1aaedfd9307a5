// SPDX-License-Identifier: MIT
#include "register_element.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt RegisterElementPass::visit(const Allocate *op) {
    const Expr condition = op->memory_type == MemoryType::Register ? const_true() : op->condition;
    return Allocate::make(op->name, op->type, op->memory_type, op->extents, condition, mutate(op->body));
}

// Names in the condition that nothing else uses.
Stmt RegisterElementPass::visit(const LetStmt *op) {
    Stmt body = mutate(op->body);
    return stmt_uses_var(body, op->name) ? LetStmt::make(op->name, op->value, body) : body;
}

}  // namespace norma
