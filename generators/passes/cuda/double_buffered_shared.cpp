// SPDX-License-Identifier: MIT
#include "double_buffered_shared.h"

#include <stdexcept>

#include "thread_barrier.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

void DoubleBufferedSharedPass::finish() {
    if (exchanged_ != exchanges_ || sizes_.empty()) {
        throw std::logic_error("double_buffered_shared: " + std::to_string(exchanged_) + " exchanges through " +
                               std::to_string(sizes_.size()) + " allocations; expected " + std::to_string(exchanges_));
    }
}

Stmt DoubleBufferedSharedPass::visit(const For *op) {
    if (step_.empty() || is_gpu(op->for_type) || !ends_with(op->name, "." + step_)) {
        return KernelPass::visit(op);
    }
    ScopedValue<Expr> in_loop(steps_before_, Variable::make(Int(32), op->name));
    return KernelPass::visit(op);
}

Stmt DoubleBufferedSharedPass::visit(const Evaluate *op) {
    exchanged_ += is_shared_barrier(op);
    return op;
}

Stmt DoubleBufferedSharedPass::visit(const Allocate *op) {
    if (op->memory_type != MemoryType::GPUShared) {
        return IRMutator::visit(op);
    }
    const auto size = op->extents.size() == 1 ? as_const_int(op->extents[0]) : std::nullopt;
    if (!size) {
        throw std::logic_error("double_buffered_shared: the size of " + op->name + " is not known");
    }
    sizes_[op->name] = (int)*size;
    return Allocate::make(op->name, op->type, op->memory_type, {2 * (int)*size}, op->condition, mutate(op->body));
}

Expr DoubleBufferedSharedPass::placed(const std::string &name, const Expr &index, int exchange) const {
    if (steps_before_.defined() == step_.empty()) {
        throw std::logic_error("double_buffered_shared: " + name + " is not of an exchange");
    }
    if (const Ramp *ramp = index.as<Ramp>()) {
        return Ramp::make(placed(name, ramp->base, exchange), ramp->stride, ramp->lanes);
    }
    const bool odd_steps = steps_before_.defined() && exchanges_ % 2 != 0;
    return index + (odd_steps ? (steps_before_ + exchange) % 2 : Expr(exchange % 2)) * sizes_.at(name);
}

Stmt DoubleBufferedSharedPass::visit(const Store *op) {
    if (sizes_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    return Store::make(op->name, mutate(op->value), placed(op->name, op->index, exchanged_), op->param, op->predicate,
                       ModulusRemainder());
}

Expr DoubleBufferedSharedPass::visit(const Load *op) {
    if (sizes_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    return Load::make(op->type, op->name, placed(op->name, op->index, exchanged_ - 1), op->image, op->param,
                      op->predicate, ModulusRemainder());
}

}  // namespace norma
