// SPDX-License-Identifier: MIT
#include "alternate_shared.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt AlternateSharedPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0 && accesses_ == 0) {
        throw std::logic_error("alternate_shared: no shared memory is used in " + step_);
    }
    return result;
}

Stmt AlternateSharedPass::visit(const For *op) {
    if (is_gpu(op->for_type) || !ends_with(op->name, "." + step_)) {
        return IRMutator::visit(op);
    }
    odd_ = Variable::make(Int(32), op->name) % 2;
    Stmt stmt = IRMutator::visit(op);
    odd_ = Expr();
    return stmt;
}

Stmt AlternateSharedPass::visit(const Allocate *op) {
    if (op->memory_type != MemoryType::GPUShared) {
        return IRMutator::visit(op);
    }
    const auto size = op->extents.size() == 1 ? as_const_int(op->extents[0]) : std::nullopt;
    if (!size) {
        throw std::logic_error("alternate_shared: the size of " + op->name + " is not known");
    }
    sizes_[op->name] = (int)*size;
    return Allocate::make(op->name, op->type, op->memory_type, {2 * (int)*size}, op->condition, mutate(op->body));
}

Expr AlternateSharedPass::shifted(const std::string &name, const Expr &index) const {
    if (!odd_.defined() || index.type().lanes() != 1) {
        throw std::logic_error("alternate_shared: " + name + " is not one number of a step");
    }
    return index + odd_ * sizes_.at(name);
}

Stmt AlternateSharedPass::visit(const Store *op) {
    if (sizes_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    accesses_++;
    return Store::make(op->name, mutate(op->value), shifted(op->name, op->index), op->param, op->predicate,
                       ModulusRemainder());
}

Expr AlternateSharedPass::visit(const Load *op) {
    if (sizes_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    accesses_++;
    return Load::make(op->type, op->name, shifted(op->name, op->index), op->image, op->param, op->predicate,
                      ModulusRemainder());
}

}  // namespace norma
