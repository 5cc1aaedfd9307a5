// SPDX-License-Identifier: MIT
#include "rare_sweep.h"

#include <stdexcept>
#include <vector>

#include "marked_condition.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const name = "norma_only_where", *const choice = "norma_rarely";

class TakeCase : public IRMutator {
public:
    explicit TakeCase(bool rare) : rare_(rare) {}

    Expr condition;

private:
    using IRMutator::visit;
    Expr visit(const Call *op) override {
        if (op->name != choice) {
            return IRMutator::visit(op);
        }
        if (condition.defined() && !equal(condition, op->args[0])) {
            throw std::logic_error("rare_sweep: values of a row have two conditions; expected one");
        }
        condition = op->args[0];
        return mutate(op->args[rare_ ? 1 : 2]);
    }

    bool rare_;
};

}  // namespace

Expr rarely(const Expr &condition, const Expr &rare, const Expr &usual) {
    return equal(rare, usual) ? usual : Call::make(usual.type(), choice, {condition, rare, usual}, Call::PureExtern);
}

Cases cases_of(const std::vector<Expr> &values) {
    TakeCase usual(false), rare(true);
    Cases cases;
    for (const Expr &value : values) {
        cases.usual.push_back(usual.mutate(value));
        cases.rare.push_back(rare.mutate(value));
    }
    cases.condition = usual.condition;
    return cases;
}

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
