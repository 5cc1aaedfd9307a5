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
        const Halide::Expr value = mutate(op->value);
        auto body = mutate(op->body);  // IRMutator would go through a chain of lets without a visit of each
        lets_.pop_back();
        return Op::make(op->name, value, body);
    }

protected:
    using IRMutator::visit;

    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override {
        const bool kernel = op->for_type == Halide::Internal::ForType::GPUBlock;
        Halide::Internal::ScopedValue<size_t> inside(of_host_, kernel ? lets_.size() : of_host_);
        return IRMutator::visit(op);
    }
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override { return with(op); }
    Halide::Expr visit(const Halide::Internal::Let *op) override { return with(op); }

    // In terms of what the host gives to the kernel; or of the kernel's arguments, which may tell more, but holds calls
    // that keep Halide from simplifying.
    Halide::Expr expanded(Halide::Expr value, bool of_host = false) const {
        for (size_t i = lets_.size(); i > (of_host ? 0 : of_host_); i--) {
            const auto &[name, meaning] = lets_[i - 1];
            if (expr_uses_var(value, name)) {
                value = substitute(name, meaning, value);
            }
        }
        return substitute_in_all_lets(value);
    }

private:
    size_t of_host_ = 0;  // lets, before those of the kernel
    std::vector<std::pair<std::string, Halide::Expr>> lets_;
};

}  // namespace norma
