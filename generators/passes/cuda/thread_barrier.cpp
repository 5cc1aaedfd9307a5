// SPDX-License-Identifier: MIT
#include "thread_barrier.h"

#include <stdexcept>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const Call *barrier(const Evaluate *op) {
    const Call *call = op->value.as<Call>();
    return call != nullptr && call->is_intrinsic(Call::gpu_thread_barrier) ? call : nullptr;
}

}  // namespace

// Nothing is exchanged through the GPU's own memory.
bool is_shared_barrier(const Evaluate *op) {
    const Call *call = barrier(op);
    const auto mask = call != nullptr ? as_const_int(call->args[0]) : 0;
    return !mask || (*mask & CodeGen_GPU_Dev::MemoryFenceType::Shared) != 0;
}

void ThreadBarrierPass::finish() {
    if (exchanged_ != expected_) {
        throw std::logic_error("thread_barrier: " + std::to_string(exchanged_) + " exchanges; expected " +
                               std::to_string(expected_));
    }
}

Stmt ThreadBarrierPass::visit(const Evaluate *op) {
    if (barrier(op) == nullptr) {
        return op;
    }
    const bool kept = expected_ != 0 && is_shared_barrier(op);
    exchanged_ += kept;
    return kept ? Stmt(op) : Evaluate::make(0);
}

Stmt ThreadBarrierPass::visit(const Allocate *op) {
    if (expected_ == 0 && (op->memory_type == MemoryType::GPUShared || op->memory_type == MemoryType::Heap)) {
        throw std::logic_error("thread_barrier: threads share " + op->name + "; expected nothing shared");
    }
    return IRMutator::visit(op);
}

}  // namespace norma
