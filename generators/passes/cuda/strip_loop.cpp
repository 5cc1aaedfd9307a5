// SPDX-License-Identifier: MIT
#include "strip_loop.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

void split(const Expr &condition, std::vector<Expr> &parts) {
    if (const And *both = condition.as<And>()) {
        split(both->a, parts);
        split(both->b, parts);
    } else {
        parts.push_back(condition);
    }
}

// What is below zero where a < b or a <= b; undefined of another condition.
Expr difference(const Expr &condition) {
    const LT *less = condition.as<LT>();
    const LE *at_most = condition.as<LE>();
    return less != nullptr ? less->a - less->b : at_most != nullptr ? at_most->a - at_most->b - 1 : Expr();
}

}  // namespace

void StripLoopPass::finish() {
    if (found_ == 0) {
        throw std::logic_error("strip_loop: no condition asks whether a strip has a row");
    }
}

Expr StripLoopPass::rows() const { return Variable::make(Int(32), output_ + ".extent.1"); }

Stmt StripLoopPass::visit_step(const For *op) {
    const Expr first = rows_of_warp_ == 1 ? strip() : strip() / rows_of_warp_ * rows_of_warp_;
    const Expr extent = select(first < strips(), max(rows() - first + strips() - 1, 0) / strips(), 0);
    return For::make(op->name, op->min, extent, op->for_type, op->partition_policy, op->device_api, mutate(op->body));
}

Stmt StripLoopPass::visit(const IfThenElse *op) {
    if (!in_step()) {
        return IRMutator::visit(op);
    }
    std::vector<Expr> parts;
    split(simplify(expanded(op->condition)), parts);
    Expr left;
    for (const Expr &part : parts) {
        if (!holds(part)) {
            left = left.defined() ? left && part : part;
        }
    }
    if (!left.defined()) {
        return mutate(op->then_case);
    }
    return IfThenElse::make(left, mutate(op->then_case), op->else_case.defined() ? mutate(op->else_case) : Stmt());
}

// In every step that is left: there is a row, its strip and block are of the launch, and the step is one of those that
// Halide would go through. Of rows that share a warp, that is sure of the first alone.
bool StripLoopPass::holds(const Expr &condition) {
    const Expr distance = difference(condition);
    if (!distance.defined()) {
        return false;
    }
    if (is_const_zero(simplify(distance - (step() * strips() + strip() - rows())))) {
        found_++;
        return rows_of_warp_ == 1;
    }
    if (is_const_zero(simplify(distance - (strip() - strips())))) {
        return rows_of_warp_ == 1;
    }
    const Expr last_step = Variable::make(Int(32), output_ + ".s0.r.step.loop_max");
    for (const Expr &known : {block() - blocks(), step() - last_step - 1}) {
        if (is_const_zero(simplify(distance - known))) {
            return true;
        }
    }
    return false;
}

}  // namespace norma
