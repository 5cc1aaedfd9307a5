// SPDX-License-Identifier: MIT
#include "rare_sweep.h"

#include <stdexcept>
#include <vector>

#include "marked_condition.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const name = "norma_only_where";

}  // namespace

Expr only_where(const Expr &condition, const Expr &value) {
    return Call::make(value.type(), name, {condition, value}, Call::PureExtern);
}

// A Tuple's values lie in allocations of their own, one in the other.
Stmt RareSweepPass::visit(const Allocate *op) {
    if (inside_ || sums_.count(op->name.substr(0, op->name.find('.'))) == 0) {
        return IRMutator::visit(op);
    }
    const std::vector<Expr> conditions = conditions_of(op->body, name);
    if (conditions.size() != 1) {
        throw std::logic_error("rare_sweep: " + op->name + " has " + std::to_string(conditions.size()) +
                               " conditions; expected one");
    }
    inside_ = true;
    Stmt sweep = IRMutator::visit(op);
    inside_ = false;
    return IfThenElse::make(conditions[0], sweep);
}

Expr RareSweepPass::visit(const Call *op) { return op->name == name ? mutate(op->args[1]) : IRMutator::visit(op); }

}  // namespace norma
