// SPDX-License-Identifier: MIT
#include "rare_sweep.h"

#include <stdexcept>
#include <utility>
#include <vector>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const name = "norma_only_where";

// The condition, as it is outside of the sweep.
class FindCondition : public IRVisitor {
public:
    Expr found;

private:
    using IRVisitor::visit;
    void visit(const Call *op) override {
        if (op->name == name) {
            found = op->args[0];
            for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
                found = substitute(let->first, let->second, found);
            }
            found = substitute_in_all_lets(found);
        }
        IRVisitor::visit(op);
    }
    void visit(const LetStmt *op) override {
        op->value.accept(this);
        lets_.emplace_back(op->name, op->value);
        op->body.accept(this);
        lets_.pop_back();
    }

    std::vector<std::pair<std::string, Expr>> lets_;
};

}  // namespace

Expr only_where(const Expr &condition, const Expr &value) {
    return Call::make(value.type(), name, {condition, value}, Call::PureExtern);
}

// A Tuple's values lie in allocations of their own, one in the other.
Stmt RareSweepPass::visit(const Allocate *op) {
    if (inside_ || sums_.count(op->name.substr(0, op->name.find('.'))) == 0) {
        return IRMutator::visit(op);
    }
    FindCondition condition;
    op->body.accept(&condition);
    if (!condition.found.defined()) {
        throw std::logic_error("rare_sweep: " + op->name + " has no condition");
    }
    inside_ = true;
    Stmt sweep = IRMutator::visit(op);
    inside_ = false;
    return IfThenElse::make(condition.found, sweep);
}

Expr RareSweepPass::visit(const Call *op) { return op->name == name ? mutate(op->args[1]) : IRMutator::visit(op); }

}  // namespace norma
