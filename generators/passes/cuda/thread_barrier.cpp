// SPDX-License-Identifier: MIT
#include "thread_barrier.h"

#include <algorithm>
#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt ThreadBarrierPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0 && (exchanged_ != expected_ || guards_ != std::max(expected_ - 1, 0))) {
        throw std::logic_error("thread_barrier: " + std::to_string(exchanged_) + " exchanges and " +
                               std::to_string(guards_) + " guards; expected " + std::to_string(expected_) +
                               " exchanges, and a guard between each two");
    }
    return result;
}

Stmt ThreadBarrierPass::visit(const Evaluate *op) {
    const Call *call = op->value.as<Call>();
    if (call == nullptr || !call->is_intrinsic(Call::gpu_thread_barrier)) {
        return op;
    }
    // Nothing is exchanged through the GPU's own memory.
    const auto mask = as_const_int(call->args[0]);
    const bool fences = !mask || (*mask & CodeGen_GPU_Dev::MemoryFenceType::Shared) != 0;
    const bool guard = !fences && read_ && exchanged_ < expected_;
    if (expected_ == 0 || (!fences && !guard)) {
        return Evaluate::make(0);
    }
    (fences ? exchanged_ : guards_)++;
    read_ = false;
    return op;
}

Expr ThreadBarrierPass::visit(const Load *op) {
    read_ |= shared_.count(op->name) != 0;
    return IRMutator::visit(op);
}

Stmt ThreadBarrierPass::visit(const Allocate *op) {
    const bool shared = op->memory_type == MemoryType::GPUShared || op->memory_type == MemoryType::Heap;
    if (expected_ == 0 && shared) {
        throw std::logic_error("thread_barrier: threads share " + op->name + "; expected nothing shared");
    }
    if (shared) {
        shared_.insert(op->name);
    }
    return IRMutator::visit(op);
}

}  // namespace norma
