// SPDX-License-Identifier: MIT
// What passes know of the kernel that they are in, and how they say that it was not as they expected.
#pragma once

#include <Halide.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace norma {

class KernelPass : public Halide::Internal::IRMutator {
    template <typename Op>
    auto with(const Op *op) {
        const Halide::Expr value = mutate(op->value);
        lets_.emplace_back(op->name, op->value);
        auto body = mutate(op->body);  // IRMutator would go through a chain of lets without a visit of each
        lets_.pop_back();
        return Op::make(op->name, value, body);
    }

public:
    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) final;

protected:
    // After all of the statement. Throws std::logic_error where the pass has not found what it is for.
    virtual void finish() {}

    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::For *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *op) override { return with(op); }
    Halide::Expr visit(const Halide::Internal::Let *op) override { return with(op); }

    // With what the names in it stand for: Halide hoists parts of an index into lets. In terms of what the host gives
    // to the kernel; or of the host's arguments, which may tell more, but holds calls that keep Halide from
    // simplifying.
    Halide::Expr expanded(Halide::Expr value, bool of_host = false) const;

    // Which thread of the block, and of how many.
    Halide::Expr thread() const;
    int thread_count() const;
    Halide::Expr outermost_thread() const { return threads_.front().first; }

    // Where a thread keeps what has this index among all threads': each has every `stride`-th vector, side by side.
    // Nothing where that is not a constant below `slots`.
    std::optional<Halide::Expr> register_of_thread(Halide::Expr index, int vector, int stride, int slots) const;

private:
    int depth_ = 0;
    size_t of_host_ = 0;  // lets, before those of the kernel
    std::vector<std::pair<std::string, Halide::Expr>> lets_;
    std::vector<std::pair<Halide::Expr, int>> threads_;  // the loops over warps and lanes around, and their extents
};

}  // namespace norma
