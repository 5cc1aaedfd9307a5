// SPDX-License-Identifier: MIT
#include "marked_condition.h"

#include <algorithm>
#include <utility>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

class FindConditions : public IRVisitor {
public:
    explicit FindConditions(const std::string &name) : name_(name) {}

    std::vector<Expr> found;

private:
    using IRVisitor::visit;
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
        if (op->name == name_) {
            add(op->args[0]);
        }
        IRVisitor::visit(op);
    }

    void add(Expr condition) {
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

    const std::string &name_;
    std::vector<std::pair<std::string, Expr>> lets_;
};

}  // namespace

std::vector<Expr> conditions_of(const Stmt &stmt, const std::string &name) {
    FindConditions conditions(name);
    stmt.accept(&conditions);
    return conditions.found;
}

}  // namespace norma
