// SPDX-License-Identifier: MIT
#include "optional_output.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

Stmt OptionalOutputPass::visit(const Store *op) {
    if (outputs_.count(op->name) == 0) {
        return IRMutator::visit(op);
    }
    const Expr row_stride = Variable::make(Int(32), op->name + ".stride.0");  // defined where the output is unpacked
    return IfThenElse::make(row_stride != 0, op);
}

}  // namespace norma
