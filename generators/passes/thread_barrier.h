// SPDX-License-Identifier: MIT
// Drops the barriers of a CUDA kernel that order nothing: between two stages of registers Halide puts one that fences
// no memory.
#pragma once

#include <Halide.h>

namespace norma {

class ThreadBarrierPass : public Halide::Internal::IRMutator {
public:
    // Throws std::logic_error unless `kept` barriers are left. Where none is to be, threads must share no memory.
    explicit ThreadBarrierPass(int kept) : expected_(kept) {}

    using IRMutator::mutate;
    Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

protected:
    using IRMutator::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Evaluate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;

private:
    int expected_, kept_ = 0, depth_ = 0;
};

}  // namespace norma
