// SPDX-License-Identifier: MIT
// Drops the barriers of a CUDA kernel that order nothing: between two stages of registers Halide puts one that fences
// no memory, and another so that shared memory may be written again, which DoubleBufferedSharedPass makes needless.
#pragma once

#include "kernel_pass.h"

namespace norma {

// Whether threads wait there for what others have stored in shared memory.
bool is_shared_barrier(const Halide::Internal::Evaluate *op);

class ThreadBarrierPass : public KernelPass {
public:
    // Of a kernel whose threads share values `exchanges` times. Throws std::logic_error unless each has its barrier;
    // with none, unless they share no memory.
    explicit ThreadBarrierPass(int exchanges) : expected_(exchanges) {}

protected:
    void finish() override;
    using KernelPass::visit;
    Halide::Internal::Stmt visit(const Halide::Internal::Evaluate *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;

private:
    int expected_, exchanged_ = 0;
};

}  // namespace norma
