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

Expr RegisterRowPass::own(const Expr &index) {
    Expr of_thread;
    for (bool of_host : {false, true}) {
        of_thread = expanded(index, of_host);
        for (const std::string &loop : thread_loops_) {
            of_thread = substitute(loop, 0, of_thread);
        }
        of_thread = simplify(of_thread);
        const Ramp *ramp = of_thread.as<Ramp>();
        const Expr first = ramp != nullptr ? ramp->base : of_thread;
        const Expr slot = simplify(first / (vector_ * warps_) * vector_ + first % vector_);
        const auto constant = as_const_int(slot);
        if (constant && *constant >= 0 && *constant + index.type().lanes() <= slots_) {
            return ramp != nullptr ? Ramp::make(slot, ramp->stride, ramp->lanes) : slot;
        }
    }
    std::ostringstream text;
    text << "register_row: " << func_ << "[" << of_thread << "] is not a register of one thread";
    throw std::logic_error(text.str());
}

Stmt RegisterRowPass::visit(const For *op) {
    const bool threads = op->for_type == ForType::GPUThread || op->for_type == ForType::GPULane;
    if (threads) {
        thread_loops_.push_back(op->name);
    }
    Stmt stmt = KnownLets::visit(op);
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
