// SPDX-License-Identifier: MIT
#include "either.h"

#include <algorithm>
#include <vector>

#include "marked_condition.h"

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

class HasLoops : public IRVisitor {
public:
    bool found = false;

private:
    using IRVisitor::visit;
    void visit(const For *) override { found = true; }
};

Stmt write_twice(const Stmt &stmt) {
    const Expr condition = plain_condition(stmt);
    return condition.defined() ? IfThenElse::make(condition, plain(stmt), Choose(false).mutate(stmt)) : stmt;
}

}  // namespace

Expr plain_condition(const Stmt &stmt) {
    Expr all;
    for (const Expr &condition : conditions_of(stmt, name)) {
        all = all.defined() ? all && condition : condition;
    }
    return all;
}

Stmt plain(const Stmt &stmt) { return Choose(true).mutate(stmt); }

Expr mark_either(const Expr &condition, const Expr &plain, const Expr &general) {
    return Call::make(general.type(), name, {condition, plain, general}, Call::PureExtern);
}

Stmt EitherPass::visit(const For *op) {
    HasLoops inside;
    op->body.accept(&inside);
    if (inside.found) {
        return IRMutator::visit(op);
    }
    const std::vector<Expr> conditions = conditions_of(op->body, name);
    // A loop over rows, where nothing is left of that over elements.
    const bool over_rows = std::any_of(conditions.begin(), conditions.end(),
                                       [&](const Expr &condition) { return expr_uses_var(condition, op->name); });
    return over_rows ? IRMutator::visit(op) : write_twice(op);
}

Stmt EitherPass::visit(const Store *op) { return write_twice(op); }

Expr EitherPass::visit(const Call *op) { return Choose(false).mutate(Expr(op)); }

}  // namespace norma
