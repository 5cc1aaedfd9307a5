// SPDX-License-Identifier: MIT
#include "either.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const name = "norma_either";

class Choose : public IRMutator {
public:
    explicit Choose(bool plain) : plain_(plain) {}

private:
    using IRMutator::visit;
    Expr visit(const Call *op) override {
        return op->name == name ? mutate(op->args[plain_ ? 1 : 2]) : IRMutator::visit(op);
    }

    bool plain_;
};

// The conditions of a statement, as they are outside of it.
class FindConditions : public IRVisitor {
public:
    std::vector<Expr> found;
    int loops = 0;

private:
    using IRVisitor::visit;
    void visit(const For *op) override {
        loops++;
        IRVisitor::visit(op);
    }
    template <typename T>
    void visit_let(const T *op) {
        op->value.accept(this);
        lets_.emplace_back(op->name, op->value);
        op->body.accept(this);
        lets_.pop_back();
    }
    void visit(const Let *op) override { visit_let(op); }
    void visit(const LetStmt *op) override { visit_let(op); }
    void visit(const Call *op) override {
        if (op->name == name) {
            Expr condition = op->args[0];
            for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
                condition = substitute(let->first, let->second, condition);
            }
            condition = substitute_in_all_lets(condition);
            if (const Broadcast *broadcast = condition.as<Broadcast>()) {
                condition = broadcast->value;
            }
            const auto same = [&](const Expr &other) { return equal(other, condition); };
            if (std::none_of(found.begin(), found.end(), same)) {
                found.push_back(condition);
            }
        }
        IRVisitor::visit(op);
    }

    std::vector<std::pair<std::string, Expr>> lets_;
};

Stmt write_twice(const Stmt &stmt) {
    FindConditions conditions;
    stmt.accept(&conditions);
    if (conditions.found.empty()) {
        return stmt;
    }
    Expr all = conditions.found.front();
    for (size_t i = 1; i < conditions.found.size(); i++) {
        all = all && conditions.found[i];
    }
    return IfThenElse::make(all, Choose(true).mutate(stmt), Choose(false).mutate(stmt));
}

}  // namespace

Expr mark_either(const Expr &condition, const Expr &plain, const Expr &general) {
    return Call::make(general.type(), name, {condition, plain, general}, Call::PureExtern);
}

Stmt EitherPass::visit(const For *op) {
    FindConditions inside;
    op->body.accept(&inside);
    // A loop over rows, where nothing is left of that over elements.
    const bool over_rows = std::any_of(inside.found.begin(), inside.found.end(),
                                       [&](const Expr &condition) { return expr_uses_var(condition, op->name); });
    return inside.loops == 0 && !over_rows ? write_twice(op) : IRMutator::visit(op);
}

Stmt EitherPass::visit(const Store *op) { return write_twice(op); }

Expr EitherPass::visit(const Call *op) { return Choose(false).mutate(Expr(op)); }

}  // namespace norma
