// SPDX-License-Identifier: MIT
#include "register_row.h"

#include <sstream>
#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt RegisterRowPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0 && (loads_ == 0 || stores_ == 0)) {
        throw std::logic_error("register_row: " + func_ + " is never stored, or never loaded");
    }
    return result;
}

// Halide numbers the allocations of a kernel.
bool RegisterRowPass::is_ours(const std::string &name) const { return name.rfind(func_ + ".", 0) == 0; }

Expr RegisterRowPass::own(Expr index) {
    index = expanded(index);
    for (const std::string &loop : thread_loops_) {
        index = substitute(loop, 0, index);
    }
    index = simplify(index);
    const Ramp *ramp = index.as<Ramp>();
    const Expr first = ramp != nullptr ? ramp->base : index;
    const Expr slot = simplify(first / (vector_ * warps_) * vector_ + first % vector_);
    const auto constant = as_const_int(slot);
    if (!constant || *constant < 0 || *constant + index.type().lanes() > slots_) {
        std::ostringstream text;
        text << "register_row: " << func_ << "[" << index << "] is not a register of one thread";
        throw std::logic_error(text.str());
    }
    return ramp != nullptr ? Ramp::make(slot, ramp->stride, ramp->lanes) : slot;
}

Stmt RegisterRowPass::visit(const For *op) {
    const bool threads = op->for_type == ForType::GPUThread || op->for_type == ForType::GPULane;
    if (threads) {
        thread_loops_.push_back(op->name);
    }
    Stmt stmt = IRMutator::visit(op);
    if (threads) {
        thread_loops_.pop_back();
    }
    return stmt;
}

Expr RegisterRowPass::visit(const Load *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    loads_++;
    return Load::make(op->type, op->name, own(op->index), op->image, op->param, op->predicate, ModulusRemainder());
}

Stmt RegisterRowPass::visit(const Store *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    stores_++;
    return Store::make(op->name, mutate(op->value), own(op->index), op->param, op->predicate, ModulusRemainder());
}

Stmt RegisterRowPass::visit(const Allocate *op) {
    if (!is_ours(op->name)) {
        return IRMutator::visit(op);
    }
    return Allocate::make(op->name, op->type, op->memory_type, {slots_}, op->condition, mutate(op->body));
}

}  // namespace norma
