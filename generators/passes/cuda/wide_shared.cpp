// SPDX-License-Identifier: MIT
#include "wide_shared.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt WideSharedPass::visit(const Allocate *op) {
    if (op->memory_type == MemoryType::GPUShared) {
        shared_.insert(op->name);
    }
    return KernelPass::visit(op);
}

Expr WideSharedPass::visit(const Load *op) {
    const Ramp *ramp = op->index.as<Ramp>();
    if (shared_.count(op->name) == 0 || ramp == nullptr || !is_const_one(ramp->stride)) {
        return KernelPass::visit(op);
    }
    const Expr base = simplify(expanded(ramp->base));
    return Load::make(op->type, op->name, Ramp::make(base, 1, ramp->lanes), op->image, op->param, op->predicate,
                      modulus_remainder(base));
}

}  // namespace norma
