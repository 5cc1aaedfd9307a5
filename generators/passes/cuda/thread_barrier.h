// SPDX-License-Identifier: MIT
// Drops the barriers of a CUDA kernel that order nothing: between two stages of registers Halide puts one that fences
// no memory.
#pragma once

#include <Halide.h>

#include <set>
#include <string>

namespace norma {

class ThreadBarrierPass : public Halide::Internal::IRMutator {
public:
    // Of a kernel whose threads share values `exchanges` times. Throws std::logic_error unless each has its barrier,
    // and a second one before the next; with none, unless they share no memory.
    explicit ThreadBarrierPass(int exchanges) : expected_(exchanges) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Evaluate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;
    Halide::Expr visit(const Halide::Internal::Load *op) override;

private:
    int expected_, exchanged_ = 0, guards_ = 0, depth_ = 0;
    bool read_ = false;  // since the last barrier
    std::set<std::string> shared_;
};

}  // namespace norma
