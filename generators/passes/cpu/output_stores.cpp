// SPDX-License-Identifier: MIT
#include "output_stores.h"

#include "generators/passes/fused_multiply_add.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt add_to_memory(const Store *op) {
    // No alignment is claimed: memory of an output is the caller's.
    Type type = op->value.type();
    Expr before = Load::make(type, op->name, op->index, Buffer<>(), op->param, op->predicate, ModulusRemainder());
    return Store::make(op->name, with_addend(op->value, before), op->index, op->param, op->predicate,
                       ModulusRemainder());
}

Stmt store_if_wanted(const Store *op) {
    const Expr row_stride = Variable::make(Int(32), op->name + ".stride.0");  // defined where the output is unpacked
    return IfThenElse::make(row_stride != 0, op);
}

}  // namespace norma
