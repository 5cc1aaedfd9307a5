// SPDX-License-Identifier: MIT
#include "column_sum.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt ColumnSumPass::visit(const Store *op) {
    if (outputs_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    // No alignment is claimed: memory of an output is the caller's.
    Type type = op->value.type();
    Expr before = Load::make(type, op->name, op->index, Buffer<>(), op->param, op->predicate, ModulusRemainder());
    Expr after = Call::make(type, Call::strict_add, {before, op->value}, Call::PureIntrinsic);
    return Store::make(op->name, after, op->index, op->param, op->predicate, ModulusRemainder());
}

}  // namespace norma
