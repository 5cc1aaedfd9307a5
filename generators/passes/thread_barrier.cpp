// SPDX-License-Identifier: MIT
#include "thread_barrier.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt ThreadBarrierPass::mutate(const Stmt &stmt) {
    depth_++;
    Stmt result = IRMutator::mutate(stmt);
    depth_--;
    if (depth_ == 0 && kept_ != expected_) {
        throw std::logic_error("thread_barrier: " + std::to_string(kept_) + " barriers; expected " +
                               std::to_string(expected_));
    }
    return result;
}

Stmt ThreadBarrierPass::visit(const Evaluate *op) {
    const Call *call = op->value.as<Call>();
    if (call == nullptr || !call->is_intrinsic(Call::gpu_thread_barrier)) {
        return op;
    }
    if (expected_ == 0 || is_const_zero(call->args[0])) {
        return Evaluate::make(0);
    }
    kept_++;
    return op;
}

Stmt ThreadBarrierPass::visit(const Allocate *op) {
    const bool shared = op->memory_type == MemoryType::GPUShared || op->memory_type == MemoryType::Heap;
    if (expected_ == 0 && shared) {
        throw std::logic_error("thread_barrier: threads share " + op->name + "; expected nothing shared");
    }
    return IRMutator::visit(op);
}

}  // namespace norma
