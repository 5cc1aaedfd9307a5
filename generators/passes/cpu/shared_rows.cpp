// SPDX-License-Identifier: MIT
#include "shared_rows.h"

#include <vector>

#include "either.h"
#include "staged_rows.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const prefix = "shared.";

// What a loop over elements stores, and whether it loads a vector that all rows have in common.
class Inside : public IRVisitor {
public:
    explicit Inside(const std::set<std::string> &outputs) : outputs_(outputs) {}

    bool is_innermost = true, stores_halves = false, loads_parameter = false, is_staged = false;

private:
    using IRVisitor::visit;
    void visit(const For *) override { is_innermost = false; }
    void visit(const IfThenElse *) override { is_innermost = false; }
    void visit(const Store *op) override {
        is_staged |= outputs_.count(unstaged_name(op->name)) != 0 && outputs_.count(op->name) == 0;
        stores_halves |= outputs_.count(unstaged_name(op->name)) != 0 && op->value.type().bits() == 16;
        IRVisitor::visit(op);
    }
    void visit(const Load *op) override {
        loads_parameter |= op->param.defined() && op->param.dimensions() == 1 && op->type.is_vector();
        IRVisitor::visit(op);
    }

    const std::set<std::string> &outputs_;
};

using Lets = std::vector<std::pair<std::string, Expr>>;

Stmt inside(const Lets &lets, Stmt body) {
    for (auto let = lets.rbegin(); let != lets.rend(); ++let) {
        body = LetStmt::make(let->first, let->second, body);
    }
    return body;
}

Expr expanded(const Lets &lets, Expr value) {
    for (auto let = lets.rbegin(); let != lets.rend(); ++let) {
        value = substitute(let->first, let->second, value);
    }
    return value;
}

}  // namespace

bool is_shared_loop(const For *loop) { return starts_with(loop->name, prefix); }

Stmt SharedRowsPass::visit(const For *op) {
    Stmt body = op->body, rest;
    if (const Block *block = body.as<Block>()) {
        rest = block->rest;
        body = block->first;
    }
    Lets lets;
    while (const LetStmt *let = body.as<LetStmt>()) {
        lets.emplace_back(let->name, let->value);
        body = let->body;
    }
    const For *elements = body.as<For>();
    Inside found(outputs_);
    if (elements != nullptr) {
        elements->body.accept(&found);
    }
    if (elements == nullptr || !found.is_innermost || !found.stores_halves || !found.loads_parameter) {
        return IRMutator::visit(op);
    }
    const Expr first = expanded(lets, elements->min), extent = expanded(lets, elements->extent);
    if (expr_uses_var(first, op->name) || expr_uses_var(extent, op->name)) {
        return IRMutator::visit(op);
    }

    const std::string name = prefix + elements->name, few = unique_name("few");
    const Expr before = Variable::make(Int(32), few) * rows_;
    const Expr first_row = more_ ? op->min + before : op->min,
               count = more_ ? min(op->extent - before, rows_) : op->extent;
    Expr together = count == rows_;
    if (!found.is_staged) {
        together = together && Variable::make(Int(32), "store_mode") == 0;
    }
    std::vector<Stmt> rows;
    for (int k = 0; k < rows_; k++) {
        const Stmt row =
            substitute(op->name, first_row + k,
                       inside(lets, substitute(elements->name, Variable::make(Int(32), name), elements->body)));
        if (const Expr condition = plain_condition(row); condition.defined()) {
            together = together && condition;
        }
        rows.push_back(plain(row));
    }
    Stmt shared = For::make(name, first, extent, ForType::Serial, elements->partition_policy, elements->device_api,
                            Block::make(rows));
    const auto one_by_one = [&](const Stmt &of_row) {
        return For::make(op->name, first_row, count, op->for_type, op->partition_policy, op->device_api, of_row);
    };
    if (rest.defined()) {
        shared = Block::make(shared, one_by_one(rest));
    }
    const Stmt either = IfThenElse::make(together, shared, one_by_one(op->body));
    return more_ ? For::make(few, 0, (op->extent + (rows_ - 1)) / rows_, ForType::Serial, op->partition_policy,
                             op->device_api, either)
                 : either;
}

}  // namespace norma
