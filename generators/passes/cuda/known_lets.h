// SPDX-License-Identifier: MIT
#pragma once

#include <Halide.h>

#include <string>
#include <utility>
#include <vector>

namespace norma {

// A mutator that knows what the names around an expression stand for: Halide hoists parts of an index into lets.
class KnownLets : public Halide::Internal::IRMutator {
    template <typename Op>
    auto with(const Op *op) {
        lets_.emplace_back(op->name, op->value);
        auto result = IRMutator::visit(op);
        lets_.pop_back();
        return result;
    }

protected:
    using IRMutator::visit;

    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override { return with(op); }
    Halide::Expr visit(const Halide::Internal::Let *op) override { return with(op); }

    Halide::Expr expanded(Halide::Expr value) const {
        for (auto let = lets_.rbegin(); let != lets_.rend(); ++let) {
            if (expr_uses_var(value, let->first)) {
                value = substitute(let->first, let->second, value);
            }
        }
        return value;
    }

private:
    std::vector<std::pair<std::string, Halide::Expr>> lets_;
};

}  // namespace norma
