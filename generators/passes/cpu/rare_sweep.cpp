// SPDX-License-Identifier: MIT
#include "rare_sweep.h"

#include <algorithm>
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

namespace {

// Whether any of `count` bools in memory is true; undefined where they are not as many as a word or some have.
Expr any_of(const Load *first, const Expr &index, int count) {
    const int bits = std::min(8 * count, 64), words = 8 * count / bits;
    if ((count & (count - 1)) != 0 || count == 1 || first->type != UInt(8)) {
        return Expr();
    }
    const Expr all = Load::make(UInt(8, count), first->name, Ramp::make(index, 1, count), first->image, first->param,
                                const_true(count), ModulusRemainder());
    const Expr in_words = reinterpret(UInt(bits, words), all);
    Expr any = words == 1 ? in_words : Shuffle::make_extract_element(in_words, 0);
    for (int i = 1; i < words; i++) {
        any = any | Shuffle::make_extract_element(in_words, i);
    }
    return any != make_zero(any.type());
}

}  // namespace

Stmt RareSweepPass::visit(const For *op) {
    Stmt loop = IRMutator::visit(op);
    op = loop.as<For>();
    const IfThenElse *choice = op == nullptr ? nullptr : op->body.as<IfThenElse>();
    const Cast *condition = choice == nullptr ? nullptr : choice->condition.as<Cast>();
    const Load *holds = condition == nullptr ? nullptr : condition->value.as<Load>();
    if (holds == nullptr || choice->else_case.defined() || !expr_uses_var(holds->index, op->name)) {
        return loop;
    }
    const Expr any = any_of(holds, simplify(substitute(op->name, op->min, holds->index)), rows_);
    return any.defined() ? IfThenElse::make(any, loop) : loop;
}

Expr RareSweepPass::visit(const Call *op) { return op->name == name ? mutate(op->args[1]) : IRMutator::visit(op); }

}  // namespace norma
