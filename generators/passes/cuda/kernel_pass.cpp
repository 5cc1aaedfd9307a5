// SPDX-License-Identifier: MIT
#include "kernel_pass.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt KernelPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0) {
        finish();
    }
    return result;
}

Stmt KernelPass::visit(const For *op) {
    const bool kernel = op->for_type == ForType::GPUBlock;
    const bool threads = op->for_type == ForType::GPUThread || op->for_type == ForType::GPULane;
    ScopedValue<size_t> inside(of_host_, kernel ? lets_.size() : of_host_);
    if (threads) {
        threads_.emplace_back(Variable::make(Int(32), op->name), (int)as_const_int(op->extent).value());
    }
    Stmt stmt = IRMutator::visit(op);
    if (threads) {
        threads_.pop_back();
    }
    return stmt;
}

Expr KernelPass::expanded(Expr value, bool of_host) const {
    for (size_t i = lets_.size(); i > (of_host ? 0 : of_host_); i--) {
        const auto &[name, meaning] = lets_[i - 1];
        if (expr_uses_var(value, name)) {
            value = substitute(name, meaning, value);
        }
    }
    return substitute_in_all_lets(value);
}

Expr KernelPass::thread() const {
    Expr thread = 0;
    for (const auto &[loop, extent] : threads_) {
        thread = thread * extent + loop;
    }
    return simplify(thread);
}

int KernelPass::thread_count() const {
    int count = 1;
    for (const auto &[loop, extent] : threads_) {
        count *= extent;
    }
    return count;
}

std::optional<Expr> KernelPass::register_of_thread(Expr index, int vector, int stride, int slots) const {
    for (const auto &[loop, extent] : threads_) {
        index = substitute(loop.as<Variable>()->name, 0, index);
    }
    index = simplify(index);
    const Ramp *ramp = index.as<Ramp>();
    const Expr first = ramp != nullptr ? ramp->base : index;
    const Expr slot = simplify(first / (vector * stride) * vector + first % vector);
    const auto constant = as_const_int(slot);
    if (!constant || *constant < 0 || *constant + index.type().lanes() > slots) {
        return std::nullopt;
    }
    return ramp != nullptr ? Ramp::make(slot, ramp->stride, ramp->lanes) : slot;
}

}  // namespace norma
